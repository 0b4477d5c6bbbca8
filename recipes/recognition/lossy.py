"""What deep redundancy buys a recogniser: word errors in calls over a bad network, for each redundancy.

All that a speaker of AN4's official test says is one call, over bursts of losses; the recogniser that ships hears
what comes out.

    python -m recipes.recognition.lossy --data DATA
"""

import argparse
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from rich.progress import track

from allears.asr.opening import open_recogniser
from allears.asr.recogniser import Recogniser
from allears.corpus import recordings, sound
from allears.corpus.recordings import Utterance
from allears.corpus.text import normalise
from allears.link import neural
from allears.link.network import RandomNetwork
from allears.link.simulate import simulate
from allears.outputs import write_whole
from allears.score.bootstrap import Estimate
from allears.wire.loss import NoLoss, TraceLoss
from recipes.dred.conditions import CONDITIONS, RATE, Condition
from recipes.dred.material import TRACES, Trace, traces
from recipes.recognition import judge
from recipes.recognition.judge import Heard

HERE = Path(__file__).parent
LOSSES = ("ge20", "ge40")
LEFT_OUT = ("more",)
_PAUSE = np.zeros(RATE // 2, np.float32)


def main() -> None:
    """Call everybody under every condition and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--recogniser", default="allears", help="any that transcribe takes")
    parser.add_argument("--to", type=Path, default=HERE / "lossy.md")
    wish = parser.parse_args()
    recogniser = open_recogniser(wish.recogniser)
    calls = _calls(wish.data / "an4")
    losses = traces(None, LOSSES, seed=0)
    rows = []
    conditions = [each for each in CONDITIONS if each.key not in LEFT_OUT]
    for condition in track(conditions, "calling"):
        used = losses[:1] if condition.lossless else losses
        rows.append((condition, [_rate(condition, trace, calls, recogniser) for trace in used]))
    write_whole(wish.to, _page(rows, len(calls), wish.recogniser).encode())


def _calls(folder: Path) -> list[tuple[str, str, np.ndarray]]:
    """By speaker: what is said, and all of it end to end with half a second between."""
    by_speaker: dict[str, list[Utterance]] = {}
    for each in recordings.chosen([folder], "test"):
        by_speaker.setdefault(each.speaker, []).append(each)
    found = []
    for speaker, theirs in sorted(by_speaker.items()):
        parts = [part for each in theirs for part in (sound.read(each), _PAUSE)]
        text = " ".join(normalise(each.text) for each in theirs)
        found.append((speaker, text, np.concatenate(parts)))
    return found


def _rate(
    condition: Condition,
    trace: Trace,
    calls: Sequence[tuple[str, str, np.ndarray]],
    recogniser: Recogniser,
) -> Estimate:
    heard = []
    for speaker, text, samples in calls:
        played = _played(condition, trace.turned(speaker, 0), samples)
        stream = recogniser.stream()
        results = [*stream.accept(played), *stream.finish()]
        words = " ".join(each.text for each in results if each.final)
        heard.append(Heard(speaker, text, normalise(words)))
    return judge.word_error_rate(heard)


def _played(condition: Condition, flags: Sequence[bool], samples: np.ndarray) -> np.ndarray:
    config = condition.config("allears")
    if config is None:
        return samples
    loss = NoLoss() if condition.lossless else TraceLoss(tuple(flags))
    networks = neural.load("allears") if condition.neural else None
    return simulate(samples, config, RandomNetwork(loss, random.Random(0)), neural=networks).heard


def _page(
    rows: Sequence[tuple[Condition, Sequence[Estimate]]], speakers: int, recogniser: str
) -> str:
    lines = [
        "# What deep redundancy buys a recogniser",
        "",
        f"Written by `python -m recipes.recognition.lossy` on {date.today()}: word error rate in per cent of the "
        f"recogniser {recogniser} on AN4's official test, all that a speaker says in one call, {speakers} "
        f"calls. Losses: {', '.join(f'{name} ({TRACES[name][1]})' for name in LOSSES)}. "
        "95 % intervals in brackets, over speakers.",
        "",
        "| condition | " + " | ".join(LOSSES) + " |",
        "|---|" + "---|" * len(LOSSES),
    ]
    for condition, rates in rows:
        cells = [_percent(each) for each in rates] * (len(LOSSES) // len(rates))
        lines.append("| " + " | ".join([condition.title, *cells]) + " |")
    return "\n".join([*lines, ""])


def _percent(rate: Estimate) -> str:
    return f"{100 * rate.value:.1f} ({100 * rate.low:.1f}–{100 * rate.high:.1f})"


if __name__ == "__main__":
    main()
