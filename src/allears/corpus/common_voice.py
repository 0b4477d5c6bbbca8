"""Mozilla Common Voice as it is unpacked: train.tsv, dev.tsv and test.tsv beside clips/.

Ardila et al., "Common Voice: a massively-multilingual speech corpus", LREC 2020. Speakers say what they
like about themselves, so age, gender and accent are there for some only.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from allears.corpus.recordings import CorpusError, Utterance, rows, seconds

SPLITS = ("train", "dev", "test")
CLIPS = "clips"
DURATIONS = "clip_durations.tsv"

_FIELDS = {"client_id", "path", "sentence"}
_RENAMED = {"accents": "accent"}
_GENDERS = {"female_feminine": "female", "male_masculine": "male"}
_MILLISECONDS = "duration[ms]"


def recognises(folder: Path) -> bool:
    """Whether a folder has clips and a table of one of the three splits."""
    return (folder / CLIPS).is_dir() and any(_tables(folder))


def read(folder: Path) -> list[Utterance]:
    """All utterances of the three splits, as far as their tables are there.

    `accents` becomes the attribute `accent`, genders read "female" and "male" in all releases; further
    columns are attributes by their own names where their cells are not empty. Durations are known
    where the release has clip_durations.tsv. Raises CorpusError.
    """
    tables = list(_tables(folder))
    if not tables:
        raise CorpusError(f"{folder}: none of train.tsv, dev.tsv and test.tsv is in it")
    durations = _durations(folder / DURATIONS)
    return [
        _utterance(folder / CLIPS, row, table.stem, durations, origin)
        for table in tables
        for row, origin in rows(table, _FIELDS, tabs=True)
    ]


def _tables(folder: Path) -> Iterator[Path]:
    named = (folder / f"{split}.tsv" for split in SPLITS)
    return (table for table in named if table.is_file())


def _utterance(
    clips: Path, row: Mapping[str, str], split: str, durations: Mapping[str, float], origin: str
) -> Utterance:
    # Early releases name clips without their ending.
    name = row["path"] if Path(row["path"]).suffix else f"{row['path']}.mp3"
    if not row["path"]:
        raise CorpusError(f"{origin}: names no file")
    return Utterance(
        clips / name,
        row["client_id"],
        row["sentence"],
        split,
        durations.get(name),
        attributes=_attributes(row),
        origin=origin,
    )


def _attributes(row: Mapping[str, str]) -> dict[str, str]:
    others = {_RENAMED.get(column, column): cell for column, cell in row.items()}
    if "gender" in others:
        others["gender"] = _GENDERS.get(others["gender"], others["gender"])
    return {column: cell for column, cell in others.items() if cell and column not in _FIELDS}


def _durations(table: Path) -> dict[str, float]:
    """Seconds by clip; none where the release has no such table."""
    if not table.is_file():
        return {}
    needed = {"clip", _MILLISECONDS}
    return {
        row["clip"]: seconds(row[_MILLISECONDS], _MILLISECONDS, origin) / 1000
        for row, origin in rows(table, needed, tabs=True)
    }
