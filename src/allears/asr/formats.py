"""Transcripts as text: for people, programs, players (SubRip, WebVTT) and scorers (NIST's CTM).

Each is a writer that is told of results as they come and says what to write; finals without words are nothing.
"""

import json
import math
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Protocol

from allears.asr.events import Result, Word
from allears.asr.subtitles import Cue, cues


class Writer(Protocol):
    """Of one recording."""

    def begin(self) -> str:
        """What stands first."""

    def tell(self, result: Result) -> str:
        """What to write now."""

    def end(self) -> str:
        """What to write once all was told."""


class Text:
    """One line: the name, a tab, the words. `live`: a line for each final instead, without the name."""

    def __init__(self, name: str, live: bool = False) -> None:
        self._name, self._live = name, live
        self._said: list[str] = []

    def begin(self) -> str:
        """Nothing."""
        return ""

    def tell(self, result: Result) -> str:
        """The words of a final, if `live`."""
        if not _worth(result) or not result.final:
            return ""
        if self._live:
            return f"{result.text}\n"
        self._said.append(result.text)
        return ""

    def end(self) -> str:
        """The line."""
        return "" if self._live else f"{_flat(self._name)}\t{' '.join(self._said)}\n"


class Lines:
    """An object a line for each result, partial or final."""

    def __init__(self, name: str, live: bool = False) -> None:  # noqa: ARG002  as the others
        self._name = name

    def begin(self) -> str:
        """Nothing."""
        return ""

    def tell(self, result: Result) -> str:
        """The object."""
        if not _worth(result):
            return ""
        found: dict[str, Any] = {
            "file": self._name,
            "final": result.final,
            "start": rounded(result.start),
            "end": rounded(result.end),
            "text": result.text,
            "words": [fields(each) for each in result.words],
        }
        if result.final:
            found["alternatives"] = [
                {"text": each.text, "score": rounded(each.score)} for each in result.alternatives
            ]
            found["reason"] = result.reason
        return json.dumps(found, ensure_ascii=False) + "\n"

    def end(self) -> str:
        """Nothing."""
        return ""


class Subtitles:
    """SubRip."""

    def __init__(self, name: str, live: bool = False) -> None:  # noqa: ARG002  a player knows what it plays
        self._count = 0

    def begin(self) -> str:
        """Nothing."""
        return ""

    def tell(self, result: Result) -> str:
        """Numbered lines of a final."""
        return "".join(self._cue(each) for each in cues(result.words, result.end) if result.final)

    def end(self) -> str:
        """Nothing."""
        return ""

    def _cue(self, cue: Cue) -> str:
        self._count += 1
        return f"{self._count}\n{clock(cue.start, ',')} --> {clock(cue.end, ',')}\n{cue.text}\n\n"


class WebSubtitles:
    """WebVTT (W3C)."""

    def __init__(self, name: str, live: bool = False) -> None:
        pass

    def begin(self) -> str:
        """The line by which it is known."""
        return "WEBVTT\n\n"

    def tell(self, result: Result) -> str:
        """Lines of a final."""
        if not result.final:
            return ""
        lines = cues(result.words, result.end)
        return "".join(web_cue(each.start, each.end, escaped(each.text)) for each in lines)

    def end(self) -> str:
        """Nothing."""
        return ""


class Ctm:
    """NIST's: recording, channel, start, duration, word and confidence of each word."""

    def __init__(self, name: str, live: bool = False) -> None:  # noqa: ARG002  as the others
        self._name = stem(name)

    def begin(self) -> str:
        """Nothing."""
        return ""

    def tell(self, result: Result) -> str:
        """The words of a final."""
        if not result.final:
            return ""
        return "".join(
            f"{self._name} 1 {each.start:.3f} {_length(each):.3f} {each.text} {each.confidence:.3f}\n"
            for each in result.words
        )

    def end(self) -> str:
        """Nothing."""
        return ""


FORMATS: dict[str, Callable[[str, bool], Writer]] = {
    "text": Text,
    "jsonl": Lines,
    "srt": Subtitles,
    "vtt": WebSubtitles,
    "ctm": Ctm,
}
"""Each makes a writer for a recording's name, and whether it is heard while it is spoken."""

OF_ONE = ("srt", "vtt")
"""Formats that cannot tell of several recordings."""


def _worth(result: Result) -> bool:
    """A partial one without words takes others back."""
    return bool(result.words) or not result.final


def fields(word: Word) -> dict[str, Any]:
    """A word as lines of JSON have it; seconds and shares to a thousandth."""
    return {
        "text": word.text,
        "start": rounded(word.start),
        "end": rounded(word.end),
        "confidence": rounded(word.confidence),
    }


def rounded(number: float) -> float:
    """To a thousandth."""
    return round(number, 3)


def _length(word: Word) -> float:
    """Such that start and length, as they are printed, come to the end."""
    return max(0.0, rounded(word.end) - rounded(word.start))


def _flat(name: str) -> str:
    """On one line, without a tab."""
    return " ".join(name.replace("\t", " ").splitlines())


def clock(seconds: float, mark: str) -> str:
    """HH:MM:SS,mmm, with that mark."""
    whole = math.floor(1000 * seconds + 0.5)
    minutes, millis = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{millis // 1000:02}{mark}{millis % 1000:03}"


def stem(name: str) -> str:
    """A recording's name as one field."""
    return "_".join(PurePath(name).stem.split()) or "_"


def escaped(text: str) -> str:
    """As WebVTT wants what is no mark."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def web_cue(start: float, end: float, text: str) -> str:
    """A line of WebVTT; the text is escaped."""
    return f"{clock(start, '.')} --> {clock(end, '.')}\n{text}\n\n"
