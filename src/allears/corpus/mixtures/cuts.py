"""Conversations written into a folder: a FLAC file each, lhotse's cuts of them, and references for scorers."""

import gzip
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import soundfile

from allears.audio import files
from allears.corpus.cuts import library as lhotse_itself
from allears.corpus.mixtures import reference
from allears.corpus.mixtures.turns import Session, Turn
from allears.corpus.sound import RATE
from allears.outputs import OutputError, write_whole

CUTS = "cuts.jsonl.gz"

_NOTHING = np.zeros(0, np.float32)


def write(sessions: Iterable[Session], folder: Path) -> None:
    """Write `audio/NAME.flac` of each, 16 bits, then cuts.jsonl.gz and reference.rttm, .stm, .seglst.json of all.

    Each turn is a supervision with its words, if they are known, as its alignment "word"; they may overlap. Paths
    are written in full. Raises CorpusError without lhotse, OutputError where it cannot be written.
    """
    lhotse = lhotse_itself()
    try:
        (folder / "audio").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from None
    lines: list[str] = []
    told: list[Session] = []
    for session in sessions:
        path = folder / "audio" / f"{session.name}.flac"
        write_whole(path, _flac(session))
        cut = _cut(lhotse, session, path.absolute())
        lines.append(json.dumps(cut.to_dict(), ensure_ascii=False) + "\n")
        told.append(replace(session, samples=_NOTHING))
    write_whole(folder / CUTS, gzip.compress("".join(lines).encode(), mtime=0))
    for ending, text in (
        ("rttm", reference.rttm(told)),
        ("stm", reference.stm(told)),
        ("seglst.json", reference.seglst(told)),
    ):
        write_whole(folder / f"reference.{ending}", text.encode())


def _flac(session: Session) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, files.to_int16(session.samples), RATE, "PCM_16", format="FLAC")
    return out.getvalue()


def _cut(lhotse: ModuleType, session: Session, path: Path) -> Any:
    count = len(session.samples)
    source = lhotse.AudioSource(type="file", channels=[0], source=str(path))
    recording = lhotse.Recording(
        id=session.name,
        sources=[source],
        sampling_rate=RATE,
        num_samples=count,
        duration=count / RATE,
    )
    said = [_supervision(lhotse, session, n, turn) for n, turn in enumerate(session.turns)]
    return lhotse.MonoCut(
        id=session.name,
        start=0.0,
        duration=count / RATE,
        channel=0,
        supervisions=said,
        recording=recording,
    )


def _supervision(lhotse: ModuleType, session: Session, number: int, turn: Turn) -> Any:
    item = lhotse.supervision.AlignmentItem
    words = [item(word.text, word.start, word.end - word.start) for word in turn.words]
    return lhotse.SupervisionSegment(
        id=f"{session.name}-{number}",
        recording_id=session.name,
        start=turn.start,
        duration=turn.end - turn.start,
        text=turn.text,
        speaker=turn.speaker,
        alignment={"word": words} if words else None,
        custom={"utterance": turn.utterance},
    )
