"""Conversations as text: for people, programs, players (WebVTT with voices) and scorers (RTTM, STM, SegLST).

Each is a writer that is told of events as they come and says what to write. Text and lines of JSON are written at
once; the others want turns in the order of their beginnings, so only what finals say is kept until the end.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from allears.asr.formats import escaped, fields, rounded, stem, web_cue
from allears.asr.subtitles import cues
from allears.parties.events import Event, Kind

UNKNOWN = "unknown"
"""Who speaks where nobody can say, in formats that want a name."""


class Writer(Protocol):
    """Of one conversation."""

    def tell(self, event: Event) -> str:
        """What to write now."""

    def end(self) -> str:
        """What to write once all was told."""


def line(event: Event) -> str:
    """A turn for people: [mm:ss.s–mm:ss.s] speaker: words."""
    times = f"{_minutes(event.start)}–{_minutes(event.end)}"
    return f"[{times}] {event.speaker or UNKNOWN}: {event.text}"


class Text:
    """A line for each turn with words, by when they end."""

    def __init__(self, name: str) -> None:
        pass

    def tell(self, event: Event) -> str:
        """The line of a final."""
        return f"{line(event)}\n" if event.kind is Kind.FINAL and event.words else ""

    def end(self) -> str:
        """Nothing."""
        return ""


class Lines:
    """An object a line for each event."""

    def __init__(self, name: str) -> None:
        pass

    def tell(self, event: Event) -> str:
        """The object; seconds to a thousandth."""
        found = {
            "event": event.kind.value,
            "turn": event.turn,
            "speaker": event.speaker,
            "start": rounded(event.start),
            "end": rounded(event.end),
            "text": event.text,
            "words": [fields(each) for each in event.words],
            "told": rounded(event.told),
            "latency": rounded(event.latency),
        }
        return json.dumps(found, ensure_ascii=False) + "\n"

    def end(self) -> str:
        """Nothing."""
        return ""


class Rttm:
    """NIST's rich transcription time marks: recording, channel, start, duration and speaker of each turn."""

    def __init__(self, name: str) -> None:
        self._name = stem(name)
        self._kept: list[tuple[float, float, str]] = []

    def tell(self, event: Event) -> str:
        """Nothing yet."""
        start, length = rounded(event.start), _length(event)
        if event.kind is Kind.FINAL and length > 0:
            self._kept.append((start, length, _field(event.speaker)))
        return ""

    def end(self) -> str:
        """All turns that take time."""
        return "".join(
            f"SPEAKER {self._name} 1 {start:.3f} {length:.3f} <NA> <NA> {speaker} <NA> <NA>\n"
            for start, length, speaker in sorted(self._kept, key=lambda each: each[0])
        )


class Stm:
    """NIST's segment time marks: recording, channel, speaker, start, end and words of each turn with words."""

    def __init__(self, name: str) -> None:
        self._name = stem(name)
        self._kept: list[tuple[float, str]] = []

    def tell(self, event: Event) -> str:
        """Nothing yet."""
        if event.kind is Kind.FINAL and event.words:
            times = f"{event.start:.3f} {event.end:.3f}"
            text = f"{self._name} 1 {_field(event.speaker)} {times} {event.text}\n"
            self._kept.append((event.start, text))
        return ""

    def end(self) -> str:
        """All turns."""
        return "".join(text for _, text in sorted(self._kept, key=lambda each: each[0]))


class SegLst:
    """Segment-wise long-form speech transcription, as MeetEval and CHiME have it: a list of objects."""

    def __init__(self, name: str) -> None:
        self._name = stem(name)
        self._kept: list[dict[str, Any]] = []

    def tell(self, event: Event) -> str:
        """Nothing yet."""
        if event.kind is Kind.FINAL and (event.words or _length(event) > 0):
            self._kept.append(
                {
                    "session_id": self._name,
                    "speaker": event.speaker or UNKNOWN,
                    "start_time": rounded(event.start),
                    "end_time": rounded(event.end),
                    "words": event.text,
                }
            )
        return ""

    def end(self) -> str:
        """The list, a turn a line."""
        turns = sorted(self._kept, key=lambda each: float(each["start_time"]))
        lines = [json.dumps(each, ensure_ascii=False) for each in turns]
        return "[\n  " + ",\n  ".join(lines) + "\n]\n" if lines else "[]\n"


class _Voiced(NamedTuple):
    """A subtitle: from when to when, and what stands there."""

    start: float
    end: float
    text: str


class WebVoices:
    """WebVTT (W3C) with a voice for each speaker; lines of those who talk at once stand at once."""

    def __init__(self, name: str) -> None:  # noqa: ARG002  a player knows what it plays
        self._kept: list[_Voiced] = []

    def tell(self, event: Event) -> str:
        """Nothing yet."""
        if event.kind is Kind.FINAL:
            voice = f"<v {escaped(event.speaker)}>" if event.speaker else ""
            # A line that takes no time is none.
            self._kept += [
                _Voiced(each.start, max(each.end, each.start + 0.001), voice + escaped(each.text))
                for each in cues(event.words, event.end)
            ]
        return ""

    def end(self) -> str:
        """All lines, by when they begin as the format wants it."""
        shown = sorted(self._kept, key=lambda each: each.start)
        return "WEBVTT\n\n" + "".join(web_cue(each.start, each.end, each.text) for each in shown)


FORMATS: dict[str, Callable[[str], Writer]] = {
    "text": Text,
    "jsonl": Lines,
    "rttm": Rttm,
    "stm": Stm,
    "seglst": SegLst,
    "vtt": WebVoices,
}
"""Each makes a writer for a recording's name."""


def _length(event: Event) -> float:
    """Such that start and length, as they are printed, come to the end."""
    return rounded(rounded(event.end) - rounded(event.start))


def _field(speaker: str) -> str:
    """A speaker's name as one field."""
    return "_".join(speaker.split()) or UNKNOWN


def _minutes(seconds: float) -> str:
    """mm:ss.s."""
    minutes, tenths = divmod(round(10 * seconds), 600)
    return f"{minutes:02}:{tenths // 10:02}.{tenths % 10}"
