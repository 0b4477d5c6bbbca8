"""The timing that ships with the product, fitted to labels of meetings and of calls, and how good other fits were.

    python -m recipes.sts.timing --data DATA      # a folder of conversations: *.rttm, earnings21_labels/*.rttm

Every family is fitted to all recordings but one and asked how probable the gaps of that one are, to 0.1 s; the
mean logarithm is written. What ships is fitted to all.
"""

import argparse
import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy import stats

from allears.corpus.mixtures import rttm, timing
from allears.corpus.mixtures.rttm import Span
from allears.corpus.mixtures.turns import Talk, talk
from allears.outputs import write_whole

OUT = Path(timing.__file__).with_name("timing.json")
HELD_OUT = "held_out_nats_a_gap"
SETS = {
    "meetings": ("*.rttm", "12 excerpts of AMI meetings, 30 s each (CC BY 4.0)"),
    "calls": ("earnings21_labels/*.rttm", "44 earnings calls of Earnings-21 (CC BY-SA 4.0)"),
}
PRECISE_S = 0.1
HALF_S = 0.005
"""Gaps are no shorter where a logarithm is taken."""
LEAST = 1e-6
"""Probability that a gap has at least, whatever was fitted."""

Values = Float64[np.ndarray, " gaps"]
Below = Callable[[Values], Values]
"""The probability of a shorter gap."""


def main() -> None:
    """Fit, compare, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with RTTM")
    parser.add_argument("--out", type=Path, default=OUT)
    wish = parser.parse_args()
    found = {name: labels(wish.data, pattern) for name, (pattern, _) in SETS.items()}
    text = json.dumps(fitted(found), indent=1) + "\n"
    write_whole(wish.out, text.encode())
    print(text)


def labels(folder: Path, pattern: str) -> list[list[Span]]:
    """The turns of every recording in the files of a name."""
    found = [rttm.read(path) for path in sorted(folder.glob(pattern))]
    return [timing.turns(spans) for file in found for spans in file.values()]


def fitted(sets: Mapping[str, Sequence[Sequence[Span]]]) -> dict[str, Any]:
    """What ships: the fits, and where they come from."""
    described = [_described(name, recordings) for name, recordings in sets.items()]
    about = {
        "by": "python -m recipes.sts.timing",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "random": "nothing: recordings are left out one at a time",
        "pause_s": timing.PAUSE,
        "precise_s": PRECISE_S,
        HELD_OUT: {
            family: round(sum(each[HELD_OUT][family]["all"] for each in described) / len(sets), 3)
            for family in FAMILIES
        },
        "sets": dict(zip(sets, described, strict=True)),
    }
    fits = {name: timing.as_json(timing.fit(recordings)) for name, recordings in sets.items()}
    return {"about": about, "fits": fits}


def held_out(recordings: Sequence[Values], fit: Callable[[Values], Below]) -> float:
    """The mean log-probability of gaps under what was fitted to the other recordings, in nats."""
    scores = []
    for number, own in enumerate(recordings):
        if len(own):
            below = fit(np.concatenate([*recordings[:number], *recordings[number + 1 :]]))
            low = np.floor(own / PRECISE_S + 1e-9) * PRECISE_S
            scores.append(np.log(np.maximum(below(low + PRECISE_S) - below(low), LEAST)))
    return round(float(np.concatenate(scores).mean()), 3)


def shipping(values: Values) -> Below:
    """Weibull distributions, as they ship."""
    return timing.Gaps.fit(values.tolist(), _least(values)).below


def normal(values: Values) -> Below:
    """The normal distribution."""
    return stats.norm(*stats.norm.fit(values)).cdf  # type: ignore[no-any-return]


def skew_laplace(values: Values) -> Below:
    """Exponential to both sides of a mode, with one scale each; the most probable of modes that are quantiles."""

    def scales(mode: float) -> tuple[float, float]:
        left = float(np.maximum(mode - values, 0).mean()) ** 0.5
        right = float(np.maximum(values - mode, 0).mean()) ** 0.5
        return left * (left + right) + 1e-3, right * (left + right) + 1e-3

    mode = min(np.quantile(values, np.linspace(0.01, 0.99, 99)), key=lambda each: sum(scales(each)))
    left, right = scales(mode)
    share = left / (left + right)

    def below(place: Values) -> Values:
        low = share * np.exp(np.minimum(place - mode, 0) / left)
        high = (1 - share) * np.exp(np.minimum(mode - place, 0) / right)
        found: Values = np.where(place < mode, low, 1 - high)
        return found

    return below


def sides(family: Any) -> Callable[[Values], Below]:
    """A share of overlap, and one distribution of its lengths and one of silence, of a family of scipy's."""

    def fit(values: Values) -> Below:
        least, share = _least(values), float((values < 0).mean())
        low, high = (
            family(*family.fit(np.maximum(side, HALF_S), floc=0))
            if len(side) > 2
            else stats.expon()
            for side in (-values[values < 0], values[values >= 0] - least)
        )

        def below(place: Values) -> Values:
            found: Values = share * low.sf(-place) + (1 - share) * high.cdf(place - least)
            return found

        return below

    return fit


def quantiles(count: int) -> Callable[[Values], Below]:
    """So many quantiles, even between them, with exponential tails."""

    def fit(values: Values) -> Below:
        levels = (np.arange(count) + 0.5) / count
        steps = np.arange(count) * 1e-3
        knots = np.maximum.accumulate(np.quantile(values, levels) - steps) + steps
        before = max(0.01, float(np.mean(knots[0] - values[values <= knots[0]])))
        after = max(0.01, float(np.mean(values[values >= knots[-1]] - knots[-1])))

        def below(place: Values) -> Values:
            low = levels[0] * np.exp(np.minimum(place - knots[0], 0) / before)
            high = 1 - levels[0] * np.exp(np.minimum(knots[-1] - place, 0) / after)
            inside = np.interp(place, knots, levels)
            found: Values = np.where(
                place < knots[0], low, np.where(place > knots[-1], high, inside)
            )
            return found

        return below

    return fit


SHIPS = "Weibull either side"
FAMILIES: dict[str, Callable[[Values], Below]] = {
    SHIPS: shipping,
    "normal": normal,
    "skew Laplace": skew_laplace,
    "exponential either side": sides(stats.expon),
    "gamma either side": sides(stats.gamma),
    "lognormal either side": sides(stats.lognorm),
    **{f"{count} quantiles": quantiles(count) for count in (6, 12, 48)},
}


def _least(values: Values) -> float:
    """What silence begins from: pauses of one speaker from what makes two turns of them."""
    return timing.PAUSE if values.min() >= timing.PAUSE else 0.0


def _described(name: str, recordings: Sequence[Sequence[Span]]) -> dict[str, Any]:
    """A set in figures: its size, how much is spoken at once, and what families reached."""
    both = [timing.gaps(turns) for turns in recordings]
    change, same = ([np.array(pair[kind], np.float64) for pair in both] for kind in (0, 1))
    counts = sum(map(len, change)), sum(map(len, same))
    times = [talk([span[1:] for span in turns]) for turns in recordings]
    spoken = Talk(*(sum(column) for column in zip(*times, strict=True)))
    reached = {
        family: (held_out(change, fit), held_out(same, fit)) for family, fit in FAMILIES.items()
    }
    return {
        "labels": SETS[name][1],
        "turns": sum(map(len, recordings)),
        "hours_of_speech": round(spoken.spoken / 3600, 2),
        "overlap": round(spoken.overlap, 4),
        "three_at_once": round(spoken.triple / spoken.spoken, 4),
        "changes": counts[0],
        "own_next": counts[1],
        HELD_OUT: {
            family: {
                "change": pair[0],
                "same": pair[1],
                "all": round(float(np.average(pair, weights=counts)), 3),
            }
            for family, pair in reached.items()
        },
    }


if __name__ == "__main__":
    main()
