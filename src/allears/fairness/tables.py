"""Tables in files, as SQL that DuckDB reads row by row: CSV, TSV, Parquet and JSON lines, nothing guessed.

Every row has a number that no other row of any file has, so that it can be named whoever read it.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

import contextlib
import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from allears.fairness.refusal import AuditError
from allears.fairness.unreadable import BROKEN, bad_line, intact, not_utf8, refused, text_file

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMS = "*.csv, *.tsv (both may be .gz), *.parquet, *.jsonl"
NUMBER = '"_allears_row"'
"""The SQL name of a row's number."""
FILE_BITS = 40
"""A row's number is that of its file above these bits, its own, from 1, below."""
MEMORY = "768MB"
"""What DuckDB keeps at once; the rest goes to a temporary folder."""
UNKNOWN = ("nan", "NaN", "NA", "N/A", "n/a", "<NA>", "null", "NULL", "None")
"""Names that mean that there is none, as pandas reads them."""
NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|FLOAT$|DOUBLE$|DECIMAL")
NESTED = re.compile(r"\]$|^(STRUCT|MAP|UNION)\b")
SEPARATORS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """A file and the names of its columns."""

    path: Path
    form: Literal["text", "parquet", "jsonl"]
    columns: tuple[str, ...]
    separator: str = ","
    numeric: frozenset[str] = frozenset()
    """Columns that hold numbers as such, not as text."""
    nested: frozenset[str] = frozenset()
    """Columns that hold lists or objects in every row."""
    mixed: frozenset[str] = frozenset()
    """Columns that hold lists or objects in some rows, of JSON lines."""

    def field(self, column: str) -> str:
        """The SQL name of a column."""
        if self.form == "text":
            return f"c{self.columns.index(column)}"
        return '"' + column.replace('"', '""') + '"'

    def value(self, column: str) -> str:
        """SQL of a column as text, as it is."""
        if column in self.mixed:
            return f"({self.field(column)} ->> '$')"
        return f"CAST({self.field(column)} AS VARCHAR)"

    def text(self, column: str) -> str:
        """SQL of a column as text without space around it; NULL where there is none."""
        return f"nullif(trim({self.value(column)}, e' \\t\\n\\r'), '')"

    def none(self, column: str) -> str:
        """SQL of whether what is written in a column is no text or number but a list or an object."""
        if column in self.mixed:
            return f"coalesce(json_type({self.field(column)}) IN ('ARRAY', 'OBJECT'), false)"
        return f"{self.field(column)} IS NOT NULL" if column in self.nested else "false"

    def number(self, column: str) -> str:
        """SQL of a column as a number; NULL where it is none."""
        return f"TRY_CAST({self.field(column) if column in self.numeric else self.text(column)} AS DOUBLE)"

    def missing(self, column: str) -> str:
        """SQL of whether nothing is written in a column."""
        return f"{self.field(column) if column in self.numeric else self.text(column)} IS NULL"

    def name(self, column: str) -> str:
        """SQL of a column of names; NULL also for what programs write where there is none."""
        text = self.text(column)
        unknown = ", ".join(map(quoted, UNKNOWN))
        return f"CASE WHEN {text} NOT IN ({unknown}) THEN {text} END"

    def source(self, file: int = 0, begin: int = 0, end: int | None = None) -> str:
        """SQL of all rows, their `NUMBER` beside; of `begin` … `end` − 1 where those are given."""
        base = file << FILE_BITS
        if self.form == "parquet":
            between = "" if end is None else f" WHERE file_row_number BETWEEN {begin} AND {end - 1}"
            return (
                f"(SELECT *, {base + 1} + file_row_number AS {NUMBER} FROM {self._scan()}{between})"
            )
        return f"(SELECT *, {base} + row_number() OVER () AS {NUMBER} FROM {self._scan()})"

    def _scan(self) -> str:
        path = quoted(re.sub(r"([*?[])", r"[\1]", str(self.path)))
        if self.form == "parquet":
            return f"read_parquet({path}, file_row_number=true, binary_as_string=true)"
        if self.form == "jsonl":
            if not self.columns:
                return f"read_json({path}, format='newline_delimited', sample_size=-1)"
            columns = ", ".join(
                f"{quoted(each)}: '{'JSON' if each in self.mixed else 'VARCHAR'}'"
                for each in self.columns
            )
            return f"read_json({path}, format='newline_delimited', columns={{{columns}}})"
        columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(self.columns)))
        return (
            f"read_csv({path}, auto_detect=false, header=true, delim={quoted(self.separator)}, "
            f"quote='\"', escape='\"', columns={{{columns}}})"
        )


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def opened(path: Path, connection: "DuckDBPyConnection") -> Table:
    """The table in a file. Raises AuditError where it is none."""
    if not path.is_file():
        raise AuditError(f"{path}: is not there; give files ({FORMS})")
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
        return _text(path)
    if not name.endswith((".parquet", ".jsonl", ".ndjson")):
        raise AuditError(f"{path}: is no table that is known; give {FORMS}")
    form: Literal["parquet", "jsonl"] = "parquet" if name.endswith(".parquet") else "jsonl"
    if not path.stat().st_size:
        raise AuditError(f"{path}: is empty")
    with refused(path):
        found = connection.execute(f"DESCRIBE SELECT * FROM {Table(path, form, ())._scan()}")
        types = {str(row[0]): str(row[1]) for row in found.fetchall()}
    nested = frozenset(name for name, kind in types.items() if NESTED.search(kind))
    if form == "jsonl":
        if list(types) == ["json"] and (nested or types["json"] != "VARCHAR"):
            raise AuditError(f"{path}: {bad_line(path)}")
        mixed = frozenset(name for name, kind in types.items() if kind == "JSON")
        return Table(path, form, tuple(types), nested=nested, mixed=mixed)
    numeric = frozenset(name for name, kind in types.items() if NUMBERS.match(kind))
    columns = tuple(types)[:-1]  # the last is file_row_number
    return Table(path, form, columns, numeric=numeric, nested=nested)


def _text(path: Path) -> Table:
    """A table as text: the first row names the columns."""
    try:
        intact(path)
        with text_file(path) as file:
            head = file.read(1 << 20)
    except UnicodeDecodeError:
        raise AuditError(not_utf8(path)) from None
    except BROKEN as error:
        raise AuditError(f"{path}: cannot be read ({error})") from None
    line = head.splitlines()[0] if head else ""
    separator = next((each for each in SEPARATORS if each in line), ",")
    if path.name.lower().endswith((".tsv", ".tsv.gz")):
        separator = "\t"
    try:
        names = next(
            csv.reader(head.splitlines(keepends=True), delimiter=separator, strict=True), []
        )
    except csv.Error as error:
        raise AuditError(f"{path}: the row of column names cannot be read ({error})") from None
    if not any(each.strip() for each in names):
        raise AuditError(f"{path}: is empty; the first row should name the columns")
    return Table(path, "text", tuple(each.strip() for each in names), separator)


@contextlib.contextmanager
def engine(threads: int | None = None) -> Iterator["DuckDBPyConnection"]:
    """DuckDB in this process, what does not fit in memory in a folder that goes away afterwards."""
    try:
        import duckdb
    except ImportError:
        raise AuditError("an audit needs DuckDB: install allears[audit]") from None
    with tempfile.TemporaryDirectory(prefix="allears-audit-") as folder:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": folder,
            "autoinstall_known_extensions": False,
        }
        if threads:
            settings["threads"] = threads
        with duckdb.connect(config=settings) as connection:
            yield connection


def same_columns(tables: Sequence[Table]) -> None:
    """Raises AuditError where a table lacks a column that the first one has."""
    for each in tables[1:]:
        missing = [name for name in tables[0].columns if name not in each.columns]
        if missing:
            raise AuditError(
                f"{each.path}: has no column {missing[0]!r}, which {tables[0].path} has; "
                "audit tables of one kind together"
            )
