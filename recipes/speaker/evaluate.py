"""How well the network of voices that ships tells who speaks: official test speakers, clips of 2 to 4 s.

python -m recipes.speaker.evaluate --data DATA
"""

import argparse
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from allears.corpus.sound import RATE, Sound
from allears.outputs import write_whole
from allears.score import trials as scoring
from allears.score.bootstrap import PERCENTILES, Estimate
from allears.speaker import judging
from allears.speaker.embedder import SHIPPED_FILE, Embedder
from allears.speaker.verifier import Verifier
from recipes.speaker import material

HERE = Path(__file__).parent
RUNS = Path("runs/speaker")
SETS = {
    "speechocean762": "speechocean762, official test: read sentences, Mandarin speakers, half children",
    "librispeech": "LibriSpeech test-other clips: read books",
}
DRAWS, SEED = 300, 0
PRIOR = 0.01
_EVERY = "all trials"
_LONG = 3 * RATE
_LEVELS = 50_000


@dataclass(frozen=True, slots=True)
class Scored:
    """Trials whose scores rise: likelihood ratios, whether of one speaker, and speakers' numbers."""

    ratios: np.ndarray
    target: np.ndarray
    enrolled: np.ndarray
    spoke: np.ndarray
    people: int


class Coarse(NamedTuple):
    """Where each trial is counted: twice its level, and one more for one speaker's."""

    place: np.ndarray
    levels: int


def main() -> None:
    """Score all trials and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--network", type=Path, default=SHIPPED_FILE)
    parser.add_argument("--runs", type=Path, default=RUNS, help="what is kept between calls")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of speakers, for intervals")
    parser.add_argument("--to", type=Path, default=HERE / "table.md")
    wish = parser.parse_args()
    verifier = Verifier(Embedder(wish.network))
    sets = material.tests(wish.data, wish.runs / "packs")
    rows = [
        _row(SETS[name], kind, scored, wish.draws)
        for name, sound in sets.items()
        for kind, scored in _scored(verifier, sound).items()
    ]
    cost = _milliseconds(verifier.embedder, sets["librispeech"])
    write_whole(wish.to, _page(rows, wish.network, cost).encode())


def _scored(verifier: Verifier, sound: Sound) -> dict[str, Scored]:
    """All trials, and those of whom gender tells nothing."""
    clips = judging.heard(verifier.embedder, sound)
    trials = judging.every_pair(clips)
    scores = verifier.scores(clips.embeddings, trials.first, trials.second)
    names, speakers = np.unique(np.array(clips.speakers), return_inverse=True)
    genders = np.array(
        [sound.utterances[each].attributes.get("gender", "") for each in clips.utterances]
    )
    order = np.argsort(scores, kind="stable")
    ratios = verifier.ratios(scores)[order]
    first, second = trials.first[order], trials.second[order]
    alike = genders[first] == genders[second]
    kinds = {_EVERY: np.ones(len(order), np.bool_), "same gender": alike}
    kinds |= {each: alike & (genders[first] == each) for each in sorted({*genders.tolist()} - {""})}
    return {
        kind: Scored(
            ratios[kept], trials.target[order][kept], speakers[first[kept]], speakers[second[kept]],
            len(names),
        )
        for kind, kept in kinds.items()
    }  # fmt: skip


def _row(title: str, kind: str, scored: Scored, draws: int) -> str:
    heard = np.union1d(scored.enrolled, scored.spoke)
    figures = _estimates(scored, draws)
    least = scoring.min_cllr(scoring.sorted_curve(scored.ratios, scored.target))
    cells = [
        title, kind, f"{len(heard)}", f"{scored.target.sum():,}", f"{(~scored.target).sum():,}",
        _shown(figures[0], 1), _shown(figures[1], 2), _shown(figures[2], 2), f"{least:.2f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _estimates(scored: Scored, draws: int) -> list[Estimate]:
    """With speakers drawn anew: a trial of two counts as often as both were drawn (Owen 2007)."""
    values = _figures(scored, np.ones(len(scored.ratios)))
    coarse, costs = _coarse(scored), _costs(scored)
    random, found = np.random.default_rng(SEED), []
    for _ in range(draws):
        times = random.multinomial(scored.people, np.full(scored.people, 1 / scored.people))
        one, other = times[scored.enrolled], times[scored.spoke]
        weights = np.where(scored.target, one, one * other).astype(np.float64)
        if weights[scored.target].any() and weights[~scored.target].any():
            found.append((*_tradeoffs(coarse, weights), _cllr(costs, scored.target, weights)))
    if not found:
        return [Estimate(value, np.nan, np.nan) for value in values]
    low, high = np.percentile(found, PERCENTILES, axis=0)
    return [Estimate(*each) for each in zip(values, low.tolist(), high.tolist(), strict=True)]


def _figures(scored: Scored, weights: np.ndarray) -> tuple[float, float, float]:
    """Equal error rate in per cent, detection cost and Cllr of every trial as it is."""
    curve = scoring.sorted_curve(scored.ratios, scored.target, weights)
    rate, (cost, _) = scoring.equal_error_rate(curve), scoring.detection_cost(curve, PRIOR)
    return 100 * rate, cost, _cllr(_costs(scored), scored.target, weights)


def _coarse(scored: Scored) -> Coarse:
    """Neighbours in rank share a level: what draws need, in a tenth of the time."""
    count = len(scored.ratios)
    level = np.arange(count) * min(_LEVELS, count) // count
    return Coarse(2 * level + scored.target, int(level[-1]) + 1)


def _tradeoffs(coarse: Coarse, weights: np.ndarray) -> tuple[float, float]:
    """Equal error rate in per cent, and detection cost."""
    counts = np.bincount(coarse.place, weights, 2 * coarse.levels)
    scores = np.repeat(np.arange(coarse.levels, dtype=np.float64), 2)
    target = np.tile([False, True], coarse.levels)
    curve = scoring.sorted_curve(scores, target, counts)
    return 100 * scoring.equal_error_rate(curve), scoring.detection_cost(curve, PRIOR)[0]


def _costs(scored: Scored) -> np.ndarray:
    """What each trial costs by its ratio, in bits."""
    signs = np.where(scored.target, -1, 1)
    costs: np.ndarray = np.logaddexp(0, signs * scored.ratios) / np.log(2)
    return costs


def _cllr(costs: np.ndarray, target: np.ndarray, weights: np.ndarray) -> float:
    missed, accepted = weights * target, weights * ~target
    return float((costs @ missed / missed.sum() + costs @ accepted / accepted.sum()) / 2)


def _milliseconds(embedder: Embedder, sound: Sound) -> float:
    """Processor time of one clip of 3 s: the median of fifty."""
    clip = next(
        sound.samples(each)[:_LONG] for each in range(len(sound)) if sound.durations[each] > 3
    )
    taken = []
    for _ in range(50):
        begin = time.process_time()
        embedder.embed(clip)
        taken.append(time.process_time() - begin)
    return 1000 * float(np.median(taken))


def _page(rows: list[str], network: Path, cost: float) -> str:
    lines = [
        "# How well the network of voices that ships tells who speaks",
        "",
        f"Written by `python -m recipes.speaker.evaluate` on {datetime.now(tz=UTC).date()}, "
        f"{os.cpu_count()} cores shared with other work. One clip of 2 to 4 s of every utterance, every clip "
        "with every other. Equal error rate (convex hull) in per cent, least detection cost at a prior of "
        f"{PRIOR}, Cllr in bits of the likelihood ratios as they are and at best; 95 % intervals in brackets, "
        "speakers drawn anew (of six speakers they say little). No speaker of these sets was trained on or "
        f"chosen by. The file has {network.stat().st_size:,} bytes; one embedding of 3 s takes {cost:.1f} ms "
        "of one core.",
        "",
        "| material | trials | speakers | of one | of two | EER | minDCF | Cllr | least Cllr |",
        "|---|---|---|---|---|---|---|---|---|",
        *rows,
    ]
    return "\n".join([*lines, ""])


def _shown(figure: Estimate, digits: int) -> str:
    value, low, high = (f"{each:.{digits}f}" for each in figure)
    return f"{value} ({low}–{high})"


if __name__ == "__main__":
    main()
