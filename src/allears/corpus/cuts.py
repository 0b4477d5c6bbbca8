"""Lhotse's cuts: stretches of recordings with what is said in them, one JSON object a line.

Żelasko et al., "Lhotse: a speech data representation library for the modern deep learning ecosystem",
2021. Read and written by lhotse itself, which is wanted only here.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import soundfile

from allears.audio import files
from allears.corpus.recordings import CorpusError, Utterance
from allears.outputs import write_whole

ENDINGS = (".jsonl", ".jsonl.gz")

_HEADED = {".wav", ".flac", ".ogg", ".opus"}
"""Files whose header tells their length."""


def read_cuts(path: Path) -> list[Utterance]:
    """The utterance of every cut: a MonoCut of a mono file with one supervision or none.

    Attributes are the supervision's gender and language, and what of its `custom` is text or number;
    `split` in there is the split, else "train". Raises CorpusError.
    """
    lhotse = library()
    return [_utterance(lhotse, line, f"{path}, line {n}") for n, line in enumerate(_lines(path), 1)]


def write_cuts(utterances: Sequence[Utterance], path: Path) -> None:
    """Write a CutSet that `read_cuts` gives back; compressed where the name ends in .gz.

    Paths are written in full. Durations are those of the files, to the sample. Raises CorpusError or
    AudioFileError where a file is not there or not mono, OutputError where `path` cannot be written.
    """
    lhotse = library()
    if not path.name.endswith(ENDINGS):
        raise CorpusError(f"{path}: cuts have names that end in {' or '.join(ENDINGS)}")
    lengths: dict[Path, tuple[int, int]] = {}
    lines: list[str] = []
    for number, each in enumerate(utterances):
        if each.path not in lengths:
            lengths[each.path] = _length(each)
        cut = _cut(lhotse, each, lengths[each.path], f"{each.path.stem}-{number}")
        lines.append(json.dumps(cut.to_dict(), ensure_ascii=False) + "\n")
    data = "".join(lines).encode()
    write_whole(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def library() -> ModuleType:
    """lhotse. Raises CorpusError where it is not installed."""
    try:
        import lhotse  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        what = f"cuts are read and written by lhotse ({error})"
        raise CorpusError(f"{what}: pip install 'allears[asr]'") from None
    return lhotse  # type: ignore[no-any-return, unused-ignore]


def _lines(path: Path) -> Iterator[str]:
    try:
        data = path.read_bytes()
        yield from (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()
    except OSError as error:  # gzip's own is one too
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (EOFError, UnicodeDecodeError, ValueError):
        raise CorpusError(f"{path}: is not whole, or no text") from None


def _utterance(lhotse: ModuleType, line: str, origin: str) -> Utterance:
    try:
        cut = lhotse.serialization.deserialize_item(json.loads(line))
    except Exception as error:  # whatever lhotse makes of what it does not know
        raise CorpusError(f"{origin}: is no cut of lhotse's ({error})") from None
    if not isinstance(cut, lhotse.MonoCut):
        raise CorpusError(f"{origin}: is a {type(cut).__name__}; write MonoCuts of audio as it is")
    if len(cut.supervisions) > 1:
        several = f"{origin}: has {len(cut.supervisions)} supervisions"
        raise CorpusError(f"{several}; use lhotse's cuts.trim_to_supervisions() before")
    said = cut.supervisions[0] if cut.supervisions else None
    custom = {**(cut.custom or {}), **(said.custom or {} if said else {})}
    known = {
        name: str(value) for name, value in custom.items() if isinstance(value, str | float | int)
    }
    for name in ("gender", "language"):
        if value := getattr(said, name, None):
            known[name] = value
    return Utterance(
        _file(cut.recording, origin),
        (said.speaker or "") if said else "",
        (said.text or "") if said else "",
        known.pop("split", "train"),
        float(cut.duration),
        float(cut.start),
        known,
        origin,
    )


def _file(recording: Any, origin: str) -> Path:
    """The mono file of a recording that nothing has been done to."""
    sources = list(recording.sources) if recording else []
    if len(sources) != 1 or sources[0].type != "file":
        raise CorpusError(f"{origin}: its recording is not one file")
    if recording.transforms:
        raise CorpusError(f"{origin}: its audio is to be transformed; write it as it is")
    if recording.num_channels > 1:
        channels = f"{origin}: its file has {recording.num_channels} channels"
        raise CorpusError(f"{channels}; write each to a file of its own")
    return Path(sources[0].source)


def _length(utterance: Utterance) -> tuple[int, int]:
    """Samples and rate of a file. Raises CorpusError where it has several channels."""
    channels = 0
    if utterance.path.suffix.lower() in _HEADED and utterance.path.is_file():
        try:
            header = soundfile.info(utterance.path)
            samples, rate, channels = header.frames, header.samplerate, header.channels
        except soundfile.LibsndfileError:
            channels = 0
    if not channels:
        whole = files.read(utterance.path)
        samples, rate, channels = len(whole.samples), whole.rate, whole.channels
    if channels > 1:
        raise CorpusError(f"{utterance.name}: has {channels} channels where cuts are of one")
    return samples, rate


def _cut(lhotse: ModuleType, each: Utterance, length: tuple[int, int], name: str) -> Any:
    samples, rate = length
    place = str(each.path.absolute())
    left = samples / rate - each.start
    duration = left if each.duration is None else min(each.duration, left)
    if duration <= 0:
        raise CorpusError(f"{each.name}: ends before {each.start:g} s, where the utterance begins")
    attributes: Mapping[str, str] = each.attributes
    said = lhotse.SupervisionSegment(
        id=name,
        recording_id=place,
        start=0.0,
        duration=duration,
        text=each.text,
        speaker=each.speaker,
        gender=attributes.get("gender"),
        language=attributes.get("language"),
        custom={
            "split": each.split,
            **{key: attributes[key] for key in attributes if key not in ("gender", "language")},
        },
    )
    source = lhotse.AudioSource(type="file", channels=[0], source=place)
    recording = lhotse.Recording(
        id=place, sources=[source], sampling_rate=rate, num_samples=samples, duration=samples / rate
    )
    return lhotse.MonoCut(
        id=name,
        start=each.start,
        duration=duration,
        channel=0,
        supervisions=[said],
        recording=recording,
    )
