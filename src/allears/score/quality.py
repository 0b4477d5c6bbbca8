"""Speech quality: PLCMOS, DNSMOS P.835, PESQ-WB and STOI, each where its package is installed.

- PLCMOS v2: Diener et al., "PLCMOS", Interspeech 2023. Made for concealed losses; no reference.
- DNSMOS P.835: Reddy et al., ICASSP 2022. Speech, background and overall quality; no reference.
- PESQ-WB: ITU-T P.862.2. Against the reference.
- STOI: Taal et al., IEEE Trans. Audio, Speech and Language Processing, 2011. Intelligibility from
  0 to 1, against the reference.

The first three are opinion scores from 1 to 5 (PESQ-WB from 1.04 to 4.64).
"""

import importlib.util
import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from allears.errors import AllearsError
from allears.score.align import align

RATE = 16_000
"""Samples per second that every score here is defined for."""

SHORTEST = RATE // 2
"""Fewest samples worth a score."""

RATERS = 15
"""PLCMOS is the mean over this many imagined raters, each a random vector."""

DNSMOS_SECONDS = 9.01
DNSMOS_CALIBRATION = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovrl": (-0.06766283, 1.11546468, 0.04602535),
}
"""The model's outputs in order, and the polynomials from its numbers to the P.835 scale."""

LONGEST_PESQ = 16 * RATE
"""P.862's code has room for 50 utterances of 0.2 s, 0.2 s apart, and crashes beyond."""

INSTALL_SCORE = "install allears[score]"
INSTALL_PESQ = "install allears[pesq] (needs a C compiler)"

Samples = Float32[np.ndarray, " samples"]


class ScoreError(AllearsError):
    """A score that cannot be had: a package is missing, or the clip has too little in it."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The scores of one clip; None for those that could not be had, each with its reason."""

    plcmos: float | None
    dnsmos_sig: float | None
    dnsmos_bak: float | None
    dnsmos_ovrl: float | None
    pesq_wb: float | None
    stoi: float | None
    missing: tuple[str, ...]


SCORES = ("plcmos", "dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl", "pesq_wb", "stoi")
"""The names of the scores in a `Quality`."""


class Mean(NamedTuple):
    """A mean over the clips that have the score, and how many have it and have not."""

    value: float | None
    count: int
    absent: int


def mean(qualities: Iterable[Quality]) -> dict[str, Mean]:
    """The mean of each score over the clips of one condition, by the score's name."""
    qualities = list(qualities)
    means = {}
    for name in SCORES:
        values = [value for q in qualities if (value := getattr(q, name)) is not None]
        average = math.fsum(values) / len(values) if values else None
        means[name] = Mean(average, len(values), len(qualities) - len(values))
    return means


def quality(
    degraded: Samples,
    reference: Samples | None = None,
    *,
    delay: int | None = None,
    rate: int = RATE,
) -> Quality:
    """All scores of one clip. What cannot be computed is None and named in `missing`.

    Args:
        degraded: what came out, mono at 16 kHz in ±1 (what lies beyond is clipped).
        reference: what was sent, likewise; without it there is no PESQ and no STOI.
        delay: samples by which the degraded clip lags the reference; None has it estimated,
            up to one second either way.
        rate: only to be explicit; `ValueError` for any but 16 kHz.
    """
    if rate != RATE:
        raise ValueError(f"quality is defined at {RATE} Hz; resample from {rate} Hz first")
    missing: list[str] = []

    def attempt(name: str, score: Callable[[], Any]) -> Any:
        try:
            return score()
        except ScoreError as error:
            missing.append(f"{name}: {error}")
            return None

    def against_reference(score: Callable[[Samples, Samples], float]) -> float:
        if reference is None:
            raise ScoreError("needs a reference")
        return score(*_aligned(degraded, reference, delay))

    mos = attempt("DNSMOS", lambda: dnsmos(degraded)) or (None, None, None)
    return Quality(
        attempt("PLCMOS", lambda: plcmos(degraded)),
        *mos,
        attempt("PESQ", lambda: against_reference(pesq_wb)),
        attempt("STOI", lambda: against_reference(stoi)),
        tuple(missing),
    )
