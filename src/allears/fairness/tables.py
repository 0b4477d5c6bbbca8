"""Tables in files, as SQL that DuckDB reads row by row: CSV, TSV, Parquet and JSON lines, nothing guessed.

Every row has a number that no other row of any file has, so that it can be named whoever read it.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

import contextlib
import csv
import gzip
import itertools
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from allears.fairness.refusal import AuditError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMS = "*.csv, *.tsv (both may be .gz), *.parquet, *.jsonl"
NUMBER = '"_allears_row"'
"""The SQL name of a row's number."""
FILE_BITS = 40
"""A row's number is that of its file above these bits, its own, from 1, below."""
MEMORY = "768MB"
"""What DuckDB keeps at once; the rest goes to a temporary folder."""
UNKNOWN = ("nan", "NaN", "NA", "N/A", "n/a", "<NA>", "null", "NULL")
"""Names that mean that there is none, as pandas reads them."""
NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|FLOAT$|DOUBLE$|DECIMAL")
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

    def field(self, column: str) -> str:
        """The SQL name of a column."""
        if self.form == "text":
            return f"c{self.columns.index(column)}"
        return '"' + column.replace('"', '""') + '"'

    def text(self, column: str) -> str:
        """SQL of a column as text without space around it; NULL where there is none."""
        return f"nullif(trim(CAST({self.field(column)} AS VARCHAR), e' \\t\\n\\r'), '')"

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
            return f"read_parquet({path}, file_row_number=true)"
        if self.form == "jsonl":
            if not self.columns:
                return f"read_json({path}, format='newline_delimited', sample_size=-1)"
            columns = ", ".join(f"{quoted(each)}: 'VARCHAR'" for each in self.columns)
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
    if form == "jsonl":
        return Table(path, form, tuple(types))
    numeric = frozenset(name for name, kind in types.items() if NUMBERS.match(kind))
    return Table(path, form, tuple(types)[:-1], numeric=numeric)  # the last is file_row_number


def _text(path: Path) -> Table:
    """A table as text: the first row names the columns."""
    try:
        with _text_file(path) as file:
            head = file.read(1 << 20)
    except UnicodeDecodeError:
        raise AuditError(_not_utf8(path)) from None
    except (OSError, EOFError) as error:
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


def _text_file(path: Path, errors: str = "strict") -> IO[str]:
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors=errors, newline="")
    return path.open(encoding="utf-8-sig", errors=errors, newline="")


def _not_utf8(path: Path, separator: str = ",") -> str:
    """What to say of a file with a byte that is not UTF-8, and where."""
    remedy = "write it as UTF-8, for example: iconv -f LATIN1 -t UTF-8"
    with (
        contextlib.suppress(csv.Error, OSError, EOFError),
        _text_file(path, "surrogateescape") as file,
    ):
        rows = csv.reader((line.replace("\0", "") for line in file), delimiter=separator)
        for number, row in enumerate(rows):
            if any("\udc80" <= each <= "\udcff" for each in "".join(row)):
                where = f"row {number}" if number else "the row of column names"
                return f"{path}: {where}: is not UTF-8; {remedy}"
    return f"{path}: is not UTF-8; {remedy}"


def _bad_line(path: Path) -> str:
    """Which line of JSON lines is none, and why."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                found = json.loads(line) if line.strip() else {}
            except UnicodeDecodeError:
                return f"row {number}: is not UTF-8; write it as UTF-8"
            except (ValueError, RecursionError) as error:
                return f"row {number}: is no JSON ({error}); each line should be one object"
            if not isinstance(found, dict):
                return f"row {number}: is no JSON object; each line should be one, such as {{...}}"
    return "cannot be read as JSON lines"


@contextlib.contextmanager
def refused(path: Path) -> Iterator[None]:
    """Turns what DuckDB cannot read in a file into an AuditError."""
    import duckdb

    try:
        yield
    except (duckdb.ParserException, duckdb.CatalogException):
        raise  # no file can cause these
    except (UnicodeDecodeError, duckdb.Error) as error:
        if path.suffix in (".jsonl", ".ndjson") and not isinstance(
            error, duckdb.OutOfMemoryException
        ):
            raise AuditError(f"{path}: {_bad_line(path)}") from None
        said = " ".join(itertools.islice(str(error).splitlines(), 3))
        if re.search("utf-?8|unicode", said, re.IGNORECASE):
            raise AuditError(_not_utf8(path)) from None
        if "invalid state" in said:
            raise AuditError(
                f"{path}: line ends are not all of one kind, or a quote is not closed; save it anew as CSV"
            ) from None
        line = re.search(r"[Ll]ine:? (\d+)", said)
        where = f"line {line[1]}: " if line else ""
        raise AuditError(f"{path}: {where}cannot be read as it stands ({said.strip()})") from None


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
