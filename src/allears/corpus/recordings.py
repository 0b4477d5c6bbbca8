"""Tables of recordings: a `utterances.csv` beside the audio, one row each, with speaker and split."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from allears.errors import AllearsError

TABLE = "utterances.csv"


class CorpusError(AllearsError):
    """A corpus that is not there or not as it should be; the message names the file and the field."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording: where it is, who speaks, what is said (empty where not known), which split."""

    path: Path
    speaker: str
    text: str
    split: str


def read(folder: str | Path) -> list[Utterance]:
    """All utterances of a folder with a table. Raises CorpusError."""
    table = Path(folder) / TABLE
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return list(_rows(table, csv.DictReader(file)))
    except OSError as error:
        raise CorpusError(
            f"{table}: cannot be read ({error.strerror}); give a folder with {TABLE} in it"
        ) from None
    except UnicodeDecodeError:
        raise CorpusError(f"{table}: is not UTF-8 text") from None


def _rows(table: Path, rows: "csv.DictReader[str]") -> Iterator[Utterance]:
    missing = {"path", "speaker"} - set(rows.fieldnames or ())
    if missing:
        raise CorpusError(f"{table}: has no column {sorted(missing)[0]!r}")
    for row in rows:
        split = row.get("split") or "train"
        yield Utterance(table.parent / row["path"], row["speaker"], row.get("text") or "", split)


def chosen(folders: Sequence[Path], split: str) -> list[Utterance]:
    """The utterances of one split in several folders. Raises CorpusError where there is none."""
    found = [each for folder in folders for each in read(folder) if each.split == split]
    if not found:
        raise CorpusError(f"{', '.join(map(str, folders))}: no utterance of the split {split!r}")
    return found
