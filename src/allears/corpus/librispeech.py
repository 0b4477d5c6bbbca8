"""LibriSpeech as it is unpacked: part/speaker/chapter/, with the texts of a chapter in one file.

Panayotov et al., "Librispeech: an ASR corpus based on public domain audio books", ICASSP 2015. A part
("train-clean-100") is the split of its utterances; SPEAKERS.TXT beside the parts tells who is a woman.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from allears.corpus.recordings import CorpusError, Utterance

SPEAKERS = "SPEAKERS.TXT"

_IN_PART = "*/*/*.trans.txt"
_GENDERS = {"F": "female", "M": "male"}


def recognises(folder: Path) -> bool:
    """Whether a folder is a part of LibriSpeech or holds parts."""
    return any(True for pattern in (_IN_PART, "*/" + _IN_PART) for _ in folder.glob(pattern))


def read(folder: Path) -> list[Utterance]:
    """All utterances of a part, or of a folder of parts, by part, speaker and chapter.

    Attributes: `chapter`, and `gender` where SPEAKERS.TXT is there. Raises CorpusError.
    """
    folder = folder.absolute()
    texts = sorted(folder.glob(_IN_PART)) or sorted(folder.glob("*/" + _IN_PART))
    if not texts:
        raise CorpusError(f"{folder}: no part of LibriSpeech (speaker/chapter/*.trans.txt) in it")
    genders = _genders(texts[0].parents[3] / SPEAKERS)
    return [utterance for text in texts for utterance in _chapter(text, genders)]


def _chapter(path: Path, genders: Mapping[str, str]) -> Iterator[Utterance]:
    chapter, speaker, part = (parent.name for parent in path.parents[:3])
    attributes = {"chapter": chapter}
    if gender := genders.get(speaker):
        attributes["gender"] = gender
    for number, line in enumerate(_lines(path), start=1):
        name, _, text = line.strip().partition(" ")
        origin = f"{path}, line {number}"
        if not name.startswith(f"{speaker}-{chapter}-"):
            raise CorpusError(f"{origin}: does not begin with an utterance of {speaker}-{chapter}")
        yield Utterance(
            path.with_name(f"{name}.flac"),
            speaker,
            text.strip(),
            part,
            attributes=attributes,
            origin=origin,
        )


def _genders(path: Path) -> dict[str, str]:
    """Gender by speaker; none where there is no such file. Lines are `id | F or M | part | …`."""
    if not path.is_file():
        return {}
    table = (line.split("|") for line in _lines(path) if not line.startswith(";"))
    return {
        cells[0].strip(): _GENDERS[cells[1].strip()]
        for cells in table
        if len(cells) > 1 and cells[1].strip() in _GENDERS
    }


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{path}: is not UTF-8 text") from None
