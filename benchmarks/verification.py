"""A million trials of speaker verification, beside a loop over trials and scikit-learn in the same process.

Made-up embeddings of 192 numbers, one long; trials are drawn at random. Normalised are scores held against the 100
voices of a cohort of 1000 that each side is most like. The loop is in the manner of speechbrain's recipe for
VoxCeleb (`speaker_verification_cosine.py`): each trial's cosine by itself, and with a cohort each trial's sides
against all of it anew; it is given fewer trials, its seconds are multiplied. scikit-learn's
`paired_cosine_distances` takes both sides laid out. All find the same scores, or this ends with an error. Seconds
are those that one core worked, whatever else the machine did.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import time
from collections.abc import Callable
from importlib.metadata import version
from types import SimpleNamespace
from typing import cast

import numpy as np

from allears.speaker.bundle import About
from allears.speaker.embedder import Embedder
from allears.speaker.scoring import unit
from allears.speaker.verifier import Verifier
from tables import Run, arguments

SIZE, COHORT, TOP = 192, 1000, 100
MILLION = 1_000_000


def verifier(cohort: np.ndarray, top: int) -> Verifier:
    """What scores embeddings that nobody has heard."""
    network = SimpleNamespace(about=About(64, 1, SIZE, top=top), cohort=cohort)
    return Verifier(cast(Embedder, network))


def loop(
    embeddings: np.ndarray, cohort: np.ndarray, first: np.ndarray, second: np.ndarray, top: int
) -> np.ndarray:
    """Trial by trial."""
    found = []
    for one, other in zip(first, second, strict=True):
        score = cosine(embeddings[one], embeddings[other])
        if top:
            deviations = []
            for side in (one, other):
                best = np.sort(cohort @ embeddings[side])[-top:].astype(np.float64)
                deviations.append((score - best.mean()) / best.std())
            score = sum(deviations) / 2
        found.append(score)
    return np.array(found)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Of two embeddings of any length."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def sklearn(embeddings: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """All trials laid out."""
    from sklearn.metrics.pairwise import paired_cosine_distances

    found: np.ndarray = 1 - paired_cosine_distances(embeddings[first], embeddings[second])
    return found


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Seconds that this process worked, and the scores."""
    begin = time.process_time()
    found = work()
    return time.process_time() - begin, found


def main() -> None:
    """Write the table."""
    options = arguments(__doc__, trials=MILLION, clips=20_000, looped=5_000, rounds=3)
    draw = np.random.default_rng(0)
    embeddings = unit(draw.normal(size=(options.clips, SIZE)).astype(np.float32))
    cohort = unit(draw.normal(size=(COHORT, SIZE)).astype(np.float32))
    first, second = draw.integers(options.clips, size=(2, options.trials))
    few = first[: options.looped], second[: options.looped]
    rows = []
    for top, called in ((0, "cosines"), (TOP, "normalised")):
        ours = verifier(cohort, top)
        ways: dict[str, tuple[Callable[[], np.ndarray], int]] = {
            "loop over trials": (lambda top=top: loop(embeddings, cohort, *few, top), len(few[0])),  # type: ignore[misc]
            "Verifier.scores": (lambda o=ours: o.scores(embeddings, first, second), len(first)),  # type: ignore[misc]
        }
        if not top:
            name = f"scikit-learn {version('scikit-learn')}, paired_cosine_distances"
            ways[name] = lambda: sklearn(embeddings, first, second), len(first)
        seconds = {}
        expected = ways["loop over trials"][0]()
        for name, (work, count) in ways.items():
            runs = [timed(work) for _ in range(options.rounds)]
            np.testing.assert_allclose(runs[0][1][: len(expected)], expected, atol=1e-4)
            seconds[name] = float(np.median([each for each, _ in runs])) * MILLION / count
        slow = seconds["loop over trials"]
        rows += [
            [called, name, f"{each:.2f}", f"{slow / each:.1f}"] for name, each in seconds.items()
        ]
    head = ["scores", "way", "s for a million", "times faster"]
    Run(
        "verification.md", f"{__doc__}\n{options.trials:,} trials of {options.clips:,} clips."
    ).table(head, rows)


if __name__ == "__main__":
    main()
