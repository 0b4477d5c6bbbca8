"""Tiny tables for tests, written by the test itself."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.real import REPOSITORY

AUDITS = REPOSITORY.parent / "shared/data/audits"
needs_audits = pytest.mark.skipif(
    not AUDITS.is_dir(), reason="real recognisers' results are not beside this checkout"
)


def text_table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A table as it stands."""
    path.write_bytes(text.encode(encoding))
    return path


def json_table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """A line of JSON for each row."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet_table(path: Path, query: str) -> Path:
    """What an SQL query gives, in row groups of 2048 rows."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    return path


def in_form(folder: Path, form: str, rows: Sequence[Mapping[str, object]]) -> Path:
    """The same rows as CSV, in which None is empty, as JSON lines, or as Parquet."""
    if form == "csv":
        path = folder / "r.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return path
    lines = json_table(folder / "r.jsonl", rows)
    if form == "jsonl":
        return lines
    return parquet_table(folder / "r.parquet", f"FROM read_json('{lines}', sample_size=-1)")
