"""How well the network of voices that ships tells who speaks: official test speakers, clips of 2 to 4 s.

python -m recipes.speaker.evaluate --data DATA
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class Scored:
    """Trials whose scores rise: likelihood ratios, whether of one speaker, and speakers' numbers."""

    ratios: np.ndarray
    target: np.ndarray
    enrolled: np.ndarray
    spoke: np.ndarray
    people: int


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
    figures = (
        _estimate(scored, lambda weights: 100 * scoring.equal_error_rate(_curve(scored, weights)), draws),
        _estimate(scored, lambda weights: scoring.detection_cost(_curve(scored, weights), PRIOR)[0], draws),
        _estimate(scored, lambda weights: _cllr(scored, weights), draws),
    )  # fmt: skip
    least = scoring.min_cllr(_curve(scored, np.ones(len(scored.ratios))))
    cells = [
        title, kind, f"{len(heard)}", f"{scored.target.sum():,}", f"{(~scored.target).sum():,}",
        _shown(figures[0], 1), _shown(figures[1], 2), _shown(figures[2], 2), f"{least:.2f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _estimate(scored: Scored, figure: Callable[[np.ndarray], float], draws: int) -> Estimate:
    """With speakers drawn anew: a trial of two counts as often as both were drawn (Owen 2007)."""
    value = figure(np.ones(len(scored.ratios)))
    random, found = np.random.default_rng(SEED), []
    for _ in range(draws):
        times = random.multinomial(scored.people, np.full(scored.people, 1 / scored.people))
        one, other = times[scored.enrolled], times[scored.spoke]
        weights = np.where(scored.target, one, one * other).astype(np.float64)
        if weights[scored.target].any() and weights[~scored.target].any():
            found.append(figure(weights))
    low, high = np.percentile(found, PERCENTILES) if found else (np.nan, np.nan)
    return Estimate(value, float(low), float(high))


def _curve(scored: Scored, weights: np.ndarray) -> scoring.Curve:
    return scoring.sorted_curve(scored.ratios, scored.target, weights)


def _cllr(scored: Scored, weights: np.ndarray) -> float:
    missed, accepted = weights * scored.target, weights * ~scored.target
    miss = missed @ np.logaddexp(0, -scored.ratios) / missed.sum()
    accept = accepted @ np.logaddexp(0, scored.ratios) / accepted.sum()
    return float((miss + accept) / 2 / np.log(2))


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
