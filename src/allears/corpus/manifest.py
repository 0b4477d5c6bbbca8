"""What tells of recordings, whoever wrote it: our tables, lhotse's cuts, and corpora as they are unpacked."""

from pathlib import Path

from allears.corpus import common_voice, librispeech, recordings
from allears.corpus.cuts import ENDINGS, read_cuts, write_cuts
from allears.corpus.recordings import TABLE, CorpusError, Utterance

__all__ = ["FORMS", "read", "write_cuts"]

FORMS = (
    f"a folder with {TABLE}, such a table, lhotse's cuts (*.jsonl or *.jsonl.gz), a part of "
    "LibriSpeech or a folder of parts, a folder of Common Voice (train.tsv beside clips/)"
)
"""What `read` reads, for messages and help."""


def read(path: str | Path) -> list[Utterance]:
    """The utterances of anything in `FORMS`; what it is shows in the names of the files there.

    Raises CorpusError where it is none of them, not as it should be, or empty.
    """
    path = Path(path)
    found = _folder(path) if path.is_dir() else _file(path)
    if not found:
        raise CorpusError(f"{path}: has no utterance in it")
    return found


def _file(path: Path) -> list[Utterance]:
    if not path.exists():
        raise CorpusError(f"{path}: is not there; give {FORMS}")
    if path.name.endswith(ENDINGS):
        return read_cuts(path)
    if path.suffix.lower() == ".csv":
        return recordings.read(path)
    raise CorpusError(f"{path}: is no table of recordings; give {FORMS}")


def _folder(path: Path) -> list[Utterance]:
    if (path / TABLE).exists():
        return recordings.read(path)
    if common_voice.recognises(path):
        return common_voice.read(path)
    if librispeech.recognises(path):
        return librispeech.read(path)
    raise CorpusError(f"{path}: has no recordings that are known; give {FORMS}")
