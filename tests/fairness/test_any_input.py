"""Whatever is in a file: it is audited, or refused by an AuditError that names the file."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allears.fairness import trial_tables
from allears.fairness.columns import Columns
from allears.fairness.reading import read
from allears.fairness.refusal import AuditError

few = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FORMS = ("csv", "tsv", "csv.gz", "jsonl", "parquet")
TEXTS = (
    "utterance,speaker,gender,reference,hypothesis,lat,lon,zip",
    "u1,s1,f,one two,one too,1.5,2.5,02139", "u2,s2,m,three,,1,2,10001",
)  # fmt: skip
COUNTS = ("speaker,errors,words,gender", "s1,1,10,f", "s2,2,10,m")
TRIALS = (
    "trial,score,target,speaker_1,speaker_2,gender_1,gender_2",
    "t1,1.5,1,a,a,f,f", "t2,-2,0,a,b,f,m", "t3,1e-3,0,b,c,m,f",
)  # fmt: skip
STRANGE = st.sampled_from(
    [
        None, "", " ", "NaN", "nan", "inf", "-inf", "1e999", "9" * 400, -1, 0.5, 2**63, 10**40, 1e308,
        float("inf"), float("nan"), True, '"', '""', "'", "a\0b", "\ud800", "x" * 3000, "9" * 5000, "<" * 4000,
        "a,b\nc", "\r", "\r\n", "\\", "\ufeff", "\u2028", "١٢", "½", "None", [1, "2"], {"a": [None]}, [], {},
    ]
)  # fmt: skip
PLACES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7), STRANGE), min_size=1, max_size=3)


def results(path: Path) -> None:
    found = read([path], Columns(by=("gender",)), normaliser="lower", texts=True)
    assert found.sums.counts.min() >= 0
    assert (found.sums.counts[:, 1:] > 0).all()
    assert all(0 < each.rows <= found.rows and each.first for each in found.left_out)


def trials(path: Path) -> None:
    found = trial_tables.read([path], usual=("gender",)).trials
    assert len(found.scores) == len(found.target) == len(found.enrolled)
    assert max(found.enrolled.max(), found.spoke.max()) < len(found.speakers)


def bears(target: Callable[[Path], None], path: Path) -> None:
    """Read, or refused in one line that names the file."""
    try:
        target(path)
    except AuditError as error:
        assert str(path) in str(error)
        assert len(str(error)) < 700
        str(error).encode()


def changed(
    table: tuple[str, ...], places: list[tuple[int, int, Any]]
) -> tuple[list[str], list[list[Any]]]:
    names, *rows = csv.reader(table)
    cells: list[list[Any]] = rows
    for row, column, value in places:
        cells[row % len(cells)][column % len(names)] = value
    return names, cells


def as_text(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def written(path: Path, names: list[str], rows: list[list[Any]], plain: bool) -> Path:
    """As a table in the form of its name; `plain` leaves quotes and separators as they are, or escapes nothing."""
    if path.suffix == ".csv":
        texts = [names, *([as_text(each) for each in row] for row in rows)]
        if plain:
            text = "".join(",".join(row) + "\n" for row in texts)
        else:
            buffer = io.StringIO()
            csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(texts)
            text = buffer.getvalue()
    else:
        told = [dict(zip(names, row, strict=True)) for row in rows]
        text = "".join(json.dumps(each, ensure_ascii=not plain) + "\n" for each in told)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


@few
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='a1",\n\r;\t\0é{}[]:', max_size=200).map(str.encode),
    ),
    form=st.sampled_from(FORMS),
    head=st.sampled_from([b"", *((f"{table[0]}\n").encode() for table in (TEXTS, COUNTS, TRIALS))]),
)
@pytest.mark.parametrize("target", [results, trials])
def test_any_bytes(
    tmp_path: Path, target: Callable[[Path], None], body: bytes, form: str, head: bytes
) -> None:
    path = tmp_path / f"r.{form}"
    path.write_bytes(head + body)
    bears(target, path)


@few
@given(places=PLACES, form=st.sampled_from(["csv", "jsonl"]), plain=st.booleans())
@pytest.mark.parametrize(
    ("target", "table"), [(results, TEXTS), (results, COUNTS), (trials, TRIALS)]
)
def test_any_cell(
    tmp_path: Path,
    target: Callable[[Path], None],
    table: tuple[str, ...],
    places: list[tuple[int, int, Any]],
    form: str,
    plain: bool,
) -> None:
    bears(target, written(tmp_path / f"r.{form}", *changed(table, places), plain))


TYPES = (
    "VARCHAR", "BLOB", "DOUBLE", "FLOAT", "BIGINT", "UTINYINT", "HUGEINT", "DECIMAL(30, 5)", "BOOLEAN", "DATE",
    "TIMESTAMP", "UUID", "VARCHAR[]", "DOUBLE[2]", "STRUCT(a VARCHAR)", "MAP(VARCHAR, INTEGER)", "ENUM('1', 'f')",
)  # fmt: skip


@few
@given(
    places=PLACES, types=st.lists(st.sampled_from(TYPES), min_size=8, max_size=8), least=st.integers(0, 8)
)  # fmt: skip
@pytest.mark.parametrize(
    ("target", "table"), [(results, TEXTS), (results, COUNTS), (trials, TRIALS)]
)
def test_any_type_of_parquet(
    tmp_path: Path,
    target: Callable[[Path], None],
    table: tuple[str, ...],
    places: list[tuple[int, int, Any]],
    types: list[str],
    least: int,
) -> None:
    """Columns from the `least` on are of any type; what a type cannot hold is null."""
    names, rows = changed(table, places)
    texts = [[as_text(each).encode("utf-8", "replace").decode() for each in row] for row in rows]
    chosen = ["VARCHAR"] * least + types[least:]
    kinds = zip(names, chosen, strict=False)
    columns = ", ".join(f'TRY_CAST("{name}" AS {kind}) AS "{name}"' for name, kind in kinds)
    holes = ", ".join(["(" + ", ".join("?" * len(names)) + ")"] * len(texts))
    heads = ", ".join(f'"{each}"' for each in names)
    with duckdb.connect() as connection:
        query = (
            f"COPY (SELECT {columns} FROM (VALUES {holes}) t({heads})) TO '{tmp_path}/r.parquet'"
        )
        connection.execute(query, [each for row in texts for each in row])
    bears(target, tmp_path / "r.parquet")


@few
@given(flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_broken_parquet(tmp_path: Path, flips: list[tuple[float, int]]) -> None:
    path = tmp_path / "r.parquet"
    with duckdb.connect() as connection:
        query = (
            "SELECT 's' || i AS speaker, i AS errors, 9 AS words, 'f' AS gender FROM range(9) t(i)"
        )
        connection.execute(f"COPY ({query}) TO '{path}'")
    data = bytearray(path.read_bytes())
    for place, value in flips:
        data[int(place * len(data))] = value
    path.write_bytes(data)
    bears(results, path)
