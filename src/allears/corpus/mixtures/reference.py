"""What is said in conversations, as scorers read it: RTTM (who when), STM and SegLST (who what when)."""

import json
from collections.abc import Iterable
from typing import Any

from allears.corpus.mixtures import rttm as table
from allears.corpus.mixtures.rttm import Span
from allears.corpus.mixtures.turns import Session


def rttm(sessions: Iterable[Session]) -> str:
    """A line a turn, of NIST's RTTM."""
    return "".join(
        table.written(each.name, (Span(turn.speaker, turn.start, turn.end) for turn in each.turns))
        for each in sessions
    )


def stm(sessions: Iterable[Session]) -> str:
    """A line a turn, of NIST's STM: "file channel speaker start end words"."""
    return "".join(
        f"{each.name} 1 {'_'.join(turn.speaker.split())} {turn.start:.4f} {turn.end:.4f} {_flat(turn.text)}\n"
        for each in sessions
        for turn in each.turns
    )


def seglst(sessions: Iterable[Session]) -> str:
    """A JSON list of segments, as CHiME and meeteval have it."""
    found: list[dict[str, Any]] = [
        {
            "session_id": each.name,
            "speaker": turn.speaker,
            "start_time": round(turn.start, 4),
            "end_time": round(turn.end, 4),
            "words": _flat(turn.text),
        }
        for each in sessions
        for turn in each.turns
    ]
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _flat(text: str) -> str:
    return " ".join(text.split())
