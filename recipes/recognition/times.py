"""When words are said to have been spoken, and how soon they are told, against a forced alignment.

    python -m recipes.recognition.times --data DATA

AN4's official test, live, in pieces of 20 ms. The alignment is PocketSphinx', which no transducer took part in.
"""

import argparse
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from rich.progress import track

from allears.asr import timing
from allears.asr.events import Result, Word
from allears.asr.opening import open_recogniser
from allears.asr.recogniser import Recogniser
from allears.corpus.text import normalise
from allears.outputs import write_whole
from allears.score.bootstrap import estimate, ratio
from recipes.recognition import material

HERE = Path(__file__).parent
RUNS = Path("runs/recognition")
_PIECE, _RATE = 320, 16_000
ASKED_S = 0.3
"""After so long a word's first partial should be there."""


class Timed(NamedTuple):
    """What a recognised word was off by, in seconds: beginning and end told; end said to first told for good."""

    speaker: str
    start: float
    end: float
    wait: float


def main() -> None:
    """Hear the set and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    wish = parser.parse_args()
    sound = material.tests(wish.data, RUNS / "packs")["an4"]
    recogniser, decoder = open_recogniser(), timing.aligner()
    found: list[Timed] = []
    said = 0
    for number in track(range(len(sound)), "AN4, official test"):
        samples, utterance = sound.samples(number), sound.utterances[number]
        spoken = timing.aligned(samples, normalise(utterance.text).split(), decoder)
        said += len(spoken)
        told = told_when(recogniser, samples)
        found += [
            Timed(
                utterance.speaker, word.start - each.start, word.end - each.end,
                told[word] - each.end,
            )
            for each, word in timing.matched(spoken, list(told))
        ]  # fmt: skip
    write_whole(HERE / "times.md", _page(found, said).encode())


def told_when(
    recogniser: Recogniser, samples: Float32[np.ndarray, " samples"]
) -> dict[Word, float]:
    """The final words of a recording, and how many seconds of it were heard when each was first told for good."""
    stream = recogniser.stream()
    finals: list[Word] = []
    since: list[tuple[str, float]] = []

    def follow(results: Iterable[Result], now: float) -> None:
        for result in results:
            texts = [word.text for word in (*finals, *result.words)]
            kept = 0
            while kept < min(len(since), len(texts)) and since[kept][0] == texts[kept]:
                kept += 1
            since[kept:] = [(text, now) for text in texts[kept:]]
            if result.final:
                finals.extend(result.words)

    for at in range(0, len(samples), _PIECE):
        piece = samples[at : at + _PIECE]
        follow(stream.accept(piece), (at + len(piece)) / _RATE)
    follow(stream.finish(), len(samples) / _RATE)
    return {word: now for word, (_, now) in zip(finals, since, strict=True)}


def _page(found: Sequence[Timed], said: int) -> str:
    today = datetime.now(tz=UTC).date()
    starts, ends, waits = np.array([each[1:] for each in found]).T
    lines = [
        "# When words were said, and how soon they are told",
        "",
        f"Written by `python -m recipes.recognition.times` on {today}, {os.cpu_count()} cores. AN4's "
        f"official test, live: {len(found)} of {said} words were recognised and are compared with PocketSphinx' "
        "forced alignment. 95 % intervals over speakers.",
        "",
        "| | median, ms | half of the words between | nine of ten below |",
        "|---|---|---|---|",
        _row("told beginning, distance from the aligned", np.abs(starts), found),
        _row("told end, distance from the aligned", np.abs(ends), found),
        _row("first told for good, after the aligned end", waits, found),
        "",
        f"{_percent([each.speaker for each in found], waits <= ASKED_S)} of words are there within "
        f"{1000 * ASKED_S:.0f} ms after they end. Seconds are of audio heard, in pieces of 20 ms; what "
        "computing takes beside them is in `benchmarks/recogniser.md`.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _row(name: str, seconds: np.ndarray, found: Sequence[Timed]) -> str:
    quarter, half, most, nine = 1000 * np.percentile(seconds, [25, 50, 75, 90])
    low, high = _interval(seconds, [each.speaker for each in found])
    cells = [
        name,
        f"{half:.0f} ({low:.0f} – {high:.0f})",
        f"{quarter:.0f} – {most:.0f}",
        f"{nine:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _interval(seconds: np.ndarray, speakers: Sequence[str]) -> tuple[float, float]:
    """Of the median, in ms; speakers are drawn anew."""
    random = np.random.default_rng(0)
    names = sorted(set(speakers))
    whose = np.array(speakers)
    theirs = [seconds[whose == name] for name in names]
    drawn = random.integers(0, len(names), (1000, len(names)))
    medians = [np.median(np.concatenate([theirs[each] for each in row])) for row in drawn]
    low, high = 1000 * np.percentile(medians, [2.5, 97.5])
    return float(low), float(high)


def _percent(speakers: Sequence[str], held: np.ndarray) -> str:
    counts = np.stack((held, np.ones(len(held))), axis=1)
    found = estimate(speakers, counts, ratio)
    return f"{100 * found.value:.0f} % ({100 * found.low:.0f} – {100 * found.high:.0f})"


if __name__ == "__main__":
    main()
