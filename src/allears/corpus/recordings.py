"""Tables of recordings: a `utterances.csv` beside the audio, one row each, with speaker and split."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from allears.errors import AllearsError

TABLE = "utterances.csv"

_FIELDS = {"path", "speaker", "text", "split", "duration_s", "start_s"}


class CorpusError(AllearsError):
    """A corpus that is not there or not as it should be; the message names the file and the field."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording: where it is, who speaks, what is said (empty where not known), which split.

    Args:
        path: the audio file.
        speaker: who speaks, as the corpus calls them.
        text: what is said, as the corpus writes it.
        split: "train", "test" or what else the corpus divides itself into.
        duration: seconds, None where not known; the file's end where tables round to 0.1 s.
        start: seconds into the file.
        attributes: everything else that is known, such as gender, age or accent.
        origin: the manifest and the line in it, for messages.
    """

    path: Path
    speaker: str
    text: str
    split: str
    duration: float | None = None
    start: float = 0.0
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    origin: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The file and where it was named, as messages put it."""
        return f"{self.origin}: {self.path}" if self.origin else str(self.path)


def read(path: str | Path) -> list[Utterance]:
    """All utterances of a folder with a table, or of the table itself.

    Columns `path` (from the table's folder) and `speaker` must be there; `text`, `split` (else
    "train"), `duration_s` and `start_s` may be; cells of all others that are not empty become
    attributes. Raises CorpusError.
    """
    path = Path(path)
    table = path if path.suffix.lower() == ".csv" and not path.is_dir() else path / TABLE
    return [_utterance(table, row, origin) for row, origin in rows(table, {"path", "speaker"})]


def rows(
    table: Path, needed: set[str], *, tabs: bool = False
) -> Iterator[tuple[dict[str, str], str]]:
    """Each row of a table with a header, cells by column, and the table's name and line for messages.

    `tabs`: columns are parted by tabs and nothing is quoted. Raises CorpusError where the table cannot
    be read, lacks a column that is `needed`, or has a row of another length than its header.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(
                file,
                delimiter="\t" if tabs else ",",
                quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
            )
            missing = needed - set(reader.fieldnames or ())
            if missing:
                raise CorpusError(f"{table}: has no column {sorted(missing)[0]!r}")
            for row in reader:
                origin = f"{table}, line {reader.line_num}"
                if None in row or None in row.values():
                    columns = len(reader.fieldnames or ())
                    raise CorpusError(f"{origin}: has not {columns} cells, as the header has")
                yield row, origin
    except OSError as error:
        remedy = f"give a folder with {table.name} in it"
        raise CorpusError(f"{table}: cannot be read ({error.strerror}); {remedy}") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{table}: is not UTF-8 text") from None
    except csv.Error as error:
        raise CorpusError(f"{table}: is no table ({error})") from None


def chosen(folders: Sequence[Path], split: str) -> list[Utterance]:
    """The utterances of one split in several folders. Raises CorpusError where there is none."""
    found = [each for folder in folders for each in read(folder) if each.split == split]
    if not found:
        raise CorpusError(f"{', '.join(map(str, folders))}: no utterance of the split {split!r}")
    return found


def check(utterances: Sequence[Utterance]) -> None:
    """Raise CorpusError where audio is not there: the first such line and file, and how many more."""
    there = {path: path.is_file() for path in {each.path for each in utterances}}
    missing = [each for each in utterances if not there[each.path]]
    if missing:
        more = f", nor are those of {len(missing) - 1} more" if len(missing) > 1 else ""
        raise CorpusError(f"{missing[0].name}: the audio is not there{more}")


def seconds(cell: str, column: str, origin: str) -> float:
    """A time in a table. Raises CorpusError where it is no finite number from 0."""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise CorpusError(f"{origin}: {column} is {cell[:20]!r} where seconds are due")
    return value


def _utterance(table: Path, row: Mapping[str, str], origin: str) -> Utterance:
    if not row["path"]:
        raise CorpusError(f"{origin}: names no file")
    duration, start = row.get("duration_s"), row.get("start_s")
    return Utterance(
        table.parent / row["path"],
        row["speaker"],
        row.get("text") or "",
        row.get("split") or "train",
        seconds(duration, "duration_s", origin) if duration else None,
        seconds(start, "start_s", origin) if start else 0.0,
        {column: cell for column, cell in row.items() if cell and column not in _FIELDS},
        origin,
    )
