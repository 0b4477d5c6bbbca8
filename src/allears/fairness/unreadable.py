"""What is wrong with a file that cannot be read: where, and what to do about it.

No field is quoted: what people said is not for a terminal.
"""

import contextlib
import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from allears.fairness.refusal import AuditError

BROKEN = (OSError, EOFError, zlib.error)
"""What unpacking a file may raise."""
LONGEST = 120
"""Characters of what a database has to say."""


@contextlib.contextmanager
def refused(path: Path) -> Iterator[None]:
    """Turns what DuckDB cannot read in a file into an AuditError."""
    import duckdb

    try:
        yield
    except (duckdb.ParserException, duckdb.CatalogException):
        raise  # no file can cause these
    except (UnicodeDecodeError, duckdb.Error) as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise AuditError(
                f"{path}: there is not enough memory, or room on disk, for it"
            ) from None
        if path.suffix in (".jsonl", ".ndjson"):
            raise AuditError(f"{path}: {bad_line(path)}") from None
        said = str(error)
        if re.search("utf-?8|unicode", said, re.IGNORECASE):
            raise AuditError(not_utf8(path)) from None
        raise AuditError(f"{path}: {_said(said)}") from None


def _said(said: str) -> str:
    """What DuckDB says of a table as text, in our words."""
    if "invalid state" in said:
        return "line ends are not all of one kind, or a quote is not closed; save it anew as CSV"
    line = re.search(r"[Ll]ine:? (\d+)", said)
    where = f"line {line[1]}: " if line else ""
    if fields := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", said):
        return (
            f"{where}cannot be read: there are {fields[2]} fields, and {fields[1]} names in the first row; "
            "put fields that hold a separator in quotes"
        )
    if "unterminated quote" in said:
        return f"{where}cannot be read: a quote is not closed, or stands within a field; double those within"
    if size := re.search(r"Maximum line size of (\d+) bytes", said):
        return f"{where}cannot be read: it is longer than {int(size[1]):,} bytes; is a quote not closed?"
    first = " ".join(said.split("Original Line:")[0].split())
    return f"{where}cannot be read as it stands ({first[:LONGEST].strip()})"


def text_file(path: Path, errors: str = "strict") -> IO[str]:
    """A file as text, unpacked."""
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors=errors, newline="")
    return path.open(encoding="utf-8-sig", errors=errors, newline="")


def intact(path: Path) -> None:
    """Unpack a packed file to its end, which DuckDB does not check; raises one of `BROKEN`."""
    if path.name.lower().endswith(".gz"):
        with gzip.open(path) as file:
            while file.read(1 << 20):
                pass


def not_utf8(path: Path, separator: str = ",") -> str:
    """What to say of a file with a byte that is not UTF-8, and where."""
    remedy = "write it as UTF-8, for example: iconv -f LATIN1 -t UTF-8"
    with (
        contextlib.suppress(csv.Error, *BROKEN),
        text_file(path, "surrogateescape") as file,
    ):
        rows = csv.reader((line.replace("\0", "") for line in file), delimiter=separator)
        for number, row in enumerate(rows):
            if any("\udc80" <= each <= "\udcff" for each in "".join(row)):
                where = f"row {number}" if number else "the row of column names"
                return f"{path}: {where}: is not UTF-8; {remedy}"
    return f"{path}: is not UTF-8; {remedy}"


def bad_line(path: Path) -> str:
    """Which line of JSON lines is none, and why."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and (why := _bad_json(line)):
                return f"row {number}: {why}"
    return "cannot be read as JSON lines; each line should be one object, such as {...}"


def _bad_json(line: bytes) -> str:
    """What is wrong with a line, if anything is."""
    twice: list[str] = []

    def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs) or "" in found:
            twice.append("has a field twice, or one without a name")
        return found

    try:
        found = json.loads(line, object_pairs_hook=fields)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        return "is not UTF-8; write it as UTF-8"
    except UnicodeEncodeError:
        return "has half a character (an unpaired surrogate); write its text anew"
    except RecursionError:
        return "is no JSON that can be read: lists within lists without end; each line should be one object"
    except ValueError as error:
        return f"is no JSON ({error}); each line should be one object"
    if not isinstance(found, dict):
        return "is no JSON object; each line should be one, such as {...}"
    return f"{twice[0]}; name each once" if twice else ""
