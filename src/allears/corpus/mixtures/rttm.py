"""RTTM, NIST's table of who spoke when: "SPEAKER file channel start duration <NA> <NA> name <NA> <NA>" a line.

Rich Transcription 2009 evaluation plan, appendix A. Lines of other types are left out.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from allears.corpus.recordings import CorpusError

_FEWEST = 8
"""Fields up to the name; writers differ in how many follow."""


class Span(NamedTuple):
    """Who speaks from when to when, in seconds."""

    speaker: str
    start: float
    end: float


def read(path: Path) -> dict[str, list[Span]]:
    """What is in a file, by recording, in order of time. Raises CorpusError, which names the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{path}: is not UTF-8 text") from None
    found: dict[str, list[Span]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if fields and fields[0] == "SPEAKER":
            span = _span(fields, f"{path}, line {number}")
            found.setdefault(fields[1], []).append(span)
    if not found:
        raise CorpusError(f"{path}: no line of it is of a speaker; give RTTM")
    return {name: sorted(spans, key=lambda span: span[1:]) for name, spans in found.items()}


def written(recording: str, spans: Iterable[Span]) -> str:
    """Lines as `read` reads them, times to the tenth of a millisecond; blanks in names become underscores."""
    return "".join(
        f"SPEAKER {_name(recording)} 1 {span.start:.4f} {span.end - span.start:.4f} "
        f"<NA> <NA> {_name(span.speaker)} <NA> <NA>\n"
        for span in spans
    )


def _span(fields: list[str], origin: str) -> Span:
    if len(fields) < _FEWEST:
        raise CorpusError(f"{origin}: has {len(fields)} fields where {_FEWEST} or more are due")
    try:
        start, duration = float(fields[3]), float(fields[4])
    except ValueError:
        start = duration = math.nan
    if not (0 <= start < math.inf and 0 <= duration < math.inf):
        times = f"{fields[3][:20]!r} and {fields[4][:20]!r}"
        raise CorpusError(f"{origin}: has {times} where a start and a duration are due")
    return Span(fields[7], start, start + duration)


def _name(text: str) -> str:
    return "_".join(text.split()) or "-"
