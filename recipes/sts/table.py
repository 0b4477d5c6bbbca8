"""What came out, as a page: word errors by overlap, turns counted, marks' delays, the paper's margins beside."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import torch

from allears.outputs import write_whole
from allears.score.bootstrap import Estimate, estimate, ratio
from allears.score.latency import Delays, percentiles
from recipes.sts.arms import Arm
from recipes.sts.judging import Judged
from recipes.sts.material import OVERLAPS

ALONE, SENTENCES = "alone", "sentences"
_SETS = tuple(f"{overlap:.0%}" for overlap in OVERLAPS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One arm of one seed."""

    arm: Arm
    seed: int
    judged: Sequence[Judged]


Counted = Callable[[Judged], tuple[float, ...]]


def ended(folder: Path, steps: int) -> bool:
    """Whether a training came to its end."""
    log = folder / "log.jsonl"
    return log.exists() and f'"step": {steps},' in log.read_text()


def write(outcomes: Sequence[Outcome], steps: int, seconds: float, path: Path) -> None:
    """The page of these."""
    write_whole(path, _page(outcomes, steps, seconds).encode())


def _page(outcomes: Sequence[Outcome], steps: int, seconds: float) -> str:
    arms = list({each.arm.name: each.arm for each in outcomes}.values())
    seeds = sorted({each.seed for each in outcomes})
    by_arm = {
        arm.name: [one for each in outcomes if each.arm == arm for one in each.judged]
        for arm in arms
    }
    lines = [
        "# From one channel to the separator-transducer-segmenter",
        "",
        f"Written by `python -m recipes.sts.recipe` on {date.today()}, {platform.machine()}, one core, torch "
        f"{torch.__version__}. Seeds {', '.join(map(str, seeds))}; each {steps} steps of {seconds:g} s. Greedy "
        "search; 95 % intervals in brackets, over pairs of AN4's test speakers.",
        "",
        "## Words: ORC-WER % by overlap",
        "",
        *table(
            ["", *_SETS, "all", ALONE, SENTENCES],
            [
                [arm.label]
                + [percent(_words(by_arm[arm.name], {name})) for name in _SETS]
                + [percent(_words(by_arm[arm.name], set(_SETS)))]
                + [percent(_words(by_arm[arm.name], {name})) for name in (ALONE, SENTENCES)]
                for arm in arms
            ],
        ),
        "",
        "## Turns and marks",
        "",
        "Share of conversations whose number of turns is right, of single talkers for whom only the first branch "
        "speaks, and by how many seconds marks come after what they mark (50th, 90th, 99th percentile; % early).",
        "",
        *table(
            ["", "turn count right %", "one branch %", "<sot> p50/p90/p99", "early", "<eot> p50/p90/p99", "early"],
            [_marks(arm, by_arm[arm.name]) for arm in arms],
        ),
        "",
        *_claims(arms, by_arm),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _marks(arm: Arm, judged: Sequence[Judged]) -> list[str]:
    talks = [each for each in judged if each.set in _SETS]
    single = [each for each in judged if each.set == ALONE]
    cells = [
        arm.label,
        percent(_estimate(talks, lambda each: each.turns.fraction)),
        percent(_estimate(single, lambda each: (float(each.silent), 1.0))),
    ]
    for mark in ("start", "end"):
        each = sum((getattr(one.latency, mark) for one in talks), Delays())
        if not each.count:
            cells += ["–", "–"]
            continue
        cells.append("/".join(f"{each.percentile(p):.2f}" for p in (50, 90, 99)))
        cells.append(f"{100 * each.rate:.0f}")
    return cells


def _claims(arms: Sequence[Arm], by_arm: dict[str, list[Judged]]) -> list[str]:
    """The paper's margins and ours; differences are of the same conversations."""
    names = {arm.name for arm in arms}
    found = ["## The paper's margins beside ours", ""]
    if {"multi", "penalty"} <= names:
        words = _change(by_arm["multi"], by_arm["penalty"], lambda each: each.words.fraction)
        turns = _difference(by_arm["multi"], by_arm["penalty"], lambda each: each.turns.fraction)
        found += [
            f"- ORC-WER of STS against the multi-turn RNN-T: {_signed(words)} % relative (paper, LibriCSS: −17).",
            f"- Turn counts right: {_signed(turns)} points (paper: +4.6).",
        ]
    if {"activity", "penalty"} <= names:
        late = _late(by_arm["activity"], by_arm["penalty"])
        cost = _change(by_arm["activity"], by_arm["penalty"], lambda each: each.words.fraction)
        found.append(
            f"- The latency penalty: 90th percentile of <eot> {_signed(late)} %, ORC-WER {_signed(cost)} %."
        )
    if {"single", "penalty"} <= names:
        alone = _change(
            by_arm["single"], by_arm["penalty"], lambda each: each.words.fraction, {ALONE}
        )
        found.append(f"- One person alone: WER {_signed(alone)} % relative to the single channel.")
    return found


def _estimate(judged: Sequence[Judged], counted: Counted) -> Estimate:
    return estimate(
        [each.pair for each in judged], np.array([counted(each) for each in judged], float), ratio
    )


def _words(judged: Sequence[Judged], sets: set[str]) -> Estimate:
    return _estimate(
        [each for each in judged if each.set in sets], lambda each: each.words.fraction
    )


def _both(
    one: Sequence[Judged], other: Sequence[Judged], counted: Counted, sets: set[str]
) -> tuple[list[str], np.ndarray]:
    """Pairs of speakers, and both arms' counts side by side, summed over seeds by adding rows."""
    rows = [each for each in one if each.set in sets], [each for each in other if each.set in sets]
    names = sorted({each.pair for each in rows[0]})
    sums = []
    for name in names:
        parts = [np.sum([counted(each) for each in side if each.pair == name], 0) for side in rows]
        sums.append(np.concatenate(parts))
    return names, np.array(sums, float)


def _change(
    one: Sequence[Judged],
    other: Sequence[Judged],
    counted: Counted,
    sets: set[str] | None = None,
) -> Estimate:
    """By how many per cent the rate of `other` differs from that of `one`."""
    names, sums = _both(one, other, counted, sets or set(_SETS))
    return estimate(names, sums, lambda s: 100 * (s[:, 2] / s[:, 3] / (s[:, 0] / s[:, 1]) - 1))


def _difference(one: Sequence[Judged], other: Sequence[Judged], counted: Counted) -> Estimate:
    """By how many points."""
    names, sums = _both(one, other, counted, set(_SETS))
    return estimate(names, sums, lambda s: 100 * (s[:, 2] / s[:, 3] - s[:, 0] / s[:, 1]))


def _late(one: Sequence[Judged], other: Sequence[Judged]) -> Estimate:
    """By how many per cent the 90th percentile of <eot> differs."""
    names, sums = _both(one, other, lambda each: each.latency.end.bins, set(_SETS))
    half = sums.shape[1] // 2
    ninety = partial(percentiles, percent=90)
    return estimate(names, sums, lambda s: 100 * (ninety(s[:, half:]) / ninety(s[:, :half]) - 1))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Its lines."""
    return [_line(head), _line(["---"] * len(head)), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def percent(found: Estimate) -> str:
    """A rate, and its interval in brackets."""
    return f"{100 * found.value:.1f} ({100 * found.low:.1f}–{100 * found.high:.1f})"


def _signed(found: Estimate) -> str:
    return f"{found.value:+.1f} ({found.low:+.1f} to {found.high:+.1f})"
