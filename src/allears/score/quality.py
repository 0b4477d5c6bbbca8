"""Speech quality: PLCMOS, DNSMOS P.835, PESQ-WB and STOI, each where its package is installed.

- PLCMOS v2: Diener et al., "PLCMOS", Interspeech 2023. Made for concealed losses; no reference.
- DNSMOS P.835: Reddy et al., ICASSP 2022. Speech, background and overall quality; no reference.
- PESQ-WB: ITU-T P.862.2, against the reference.
- STOI: Taal et al., IEEE Trans. Audio, Speech and Language Processing, 2011. Intelligibility up to
  1, against the reference.

All but STOI are opinion scores, from 1 to about 5.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from allears.errors import AllearsError
from allears.score.align import align

RATE = 16_000
"""Samples per second that every score here is defined for."""

SHORTEST = RATE // 2
"""Fewest samples that are scored."""

QUIETEST = 0.5 / 32_768
"""Peak below which 16 bits hold nothing; such a clip is silent, whatever a model makes of it."""

PLCMOS_RATERS = 15
"""PLCMOS is the mean over this many imagined raters, each a random vector."""

DNSMOS_SECONDS = 9.01
DNSMOS_CALIBRATION = (
    (-0.08397278, 1.22083953, 0.0052439),
    (-0.13166888, 1.60915514, -0.39604546),
    (-0.06766283, 1.11546468, 0.04602535),
)
"""Polynomials from the model's three numbers to the P.835 scale."""

PESQ_LONGEST = 16 * RATE
"""P.862's own code has room for 50 utterances of 0.2 s, 0.2 s apart, and crashes beyond."""

SCORES = {
    "plcmos": "PLCMOS",
    "dnsmos_sig": "DNSMOS SIG",
    "dnsmos_bak": "DNSMOS BAK",
    "dnsmos_ovrl": "DNSMOS OVRL",
    "pesq_wb": "PESQ-WB",
    "stoi": "STOI",
}
"""The names of the scores in a `Quality`, and how people write them."""


class ScoreError(AllearsError):
    """A score that cannot be had: its package is missing, or the clip has too little in it."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The scores of one clip; None for each that could not be had, with the reason in `missing`."""

    plcmos: float | None
    dnsmos_sig: float | None
    dnsmos_bak: float | None
    dnsmos_ovrl: float | None
    pesq_wb: float | None
    stoi: float | None
    missing: tuple[str, ...]

    @property
    def scores(self) -> dict[str, float | None]:
        """The scores by their names in `SCORES`."""
        return {name: getattr(self, name) for name in SCORES}


class Mean(NamedTuple):
    """A mean over the clips that have a score (None for none), and how many have it and have not."""

    value: float | None
    present: int
    absent: int


class Dnsmos(NamedTuple):
    """Opinion scores of the speech, of the background and overall (ITU-T P.835)."""

    sig: float
    bak: float
    ovrl: float


def quality(
    degraded: Float32[np.ndarray, " degraded"],
    reference: Float32[np.ndarray, " reference"] | None = None,
    *,
    delay: int | None = None,
    rate: int = RATE,
    dnsmos_too: bool = True,
) -> Quality:
    """Every score of one clip that can be had; the others are None and explained in `missing`.

    Args:
        degraded: what came out, mono at 16 kHz in ±1; what lies beyond is clipped.
        reference: what was sent, likewise; without it there is no PESQ and no STOI.
        delay: samples by which the degraded clip lags the reference; None has it estimated, up to
            one second either way.
        rate: nothing but 16 kHz, where all four are defined; `ValueError` for another.
        dnsmos_too: whether to wait for DNSMOS, which takes most of the time.
    """
    if rate != RATE:
        raise ValueError(f"quality is defined at {RATE} Hz; resample from {rate} Hz first")
    missing: list[str] = []

    def attempt(name: str, score: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return score(*arguments)
        except ScoreError as error:
            missing.append(f"{name}: {error}")
            return None

    noise = attempt("DNSMOS", dnsmos, degraded) if dnsmos_too else None
    sig, bak, ovrl = noise or (None, None, None)
    pair = attempt("PESQ, STOI", _overlap, reference, degraded, delay)
    return Quality(
        plcmos=attempt("PLCMOS", plcmos, degraded),
        dnsmos_sig=sig,
        dnsmos_bak=bak,
        dnsmos_ovrl=ovrl,
        pesq_wb=attempt("PESQ", pesq_wb, *pair) if pair else None,
        stoi=attempt("STOI", stoi, *pair) if pair else None,
        missing=tuple(missing),
    )


def mean(qualities: Iterable[Quality]) -> dict[str, Mean]:
    """The mean of each score over the clips of one condition, by the score's name in `SCORES`."""
    qualities = list(qualities)
    means = {}
    for name in SCORES:
        values = [value for each in qualities if (value := getattr(each, name)) is not None]
        average = math.fsum(values) / len(values) if values else None
        means[name] = Mean(average, len(values), len(qualities) - len(values))
    return means


def plcmos(degraded: Float32[np.ndarray, " samples"]) -> float:
    """PLCMOS v2 of a clip at 16 kHz, with the same raters each time. May raise `ScoreError`."""
    degraded = _sound(degraded)
    model = _plcmos_model()
    features = model.stft_transform(degraded).astype(np.float32)[None, None]
    raters = np.random.default_rng(0).standard_normal((PLCMOS_RATERS, 1, 64), np.float32)
    inputs = ({"degraded_audio": features, "rater_embed": rater} for rater in raters)
    return float(np.mean([model.session.run(None, each)[0] for each in inputs]))


def dnsmos(degraded: Float32[np.ndarray, " samples"]) -> Dnsmos:
    """DNSMOS P.835 of a clip at 16 kHz, the mean over its windows. May raise `ScoreError`.

    The windows are those of the published program, so that numbers compare: a clip shorter than
    one is doubled until it fills it, and windows that rounding leaves a sample short (those from
    7 to 23 s among them) are passed over.
    """
    degraded = _sound(degraded)
    session = _dnsmos_session()
    size = int(DNSMOS_SECONDS * RATE)
    while len(degraded) < size:
        degraded = np.tile(degraded, 2)
    ratings = []
    for start in range(int(len(degraded) // RATE - DNSMOS_SECONDS) + 1):
        window = degraded[start * RATE : int((start + DNSMOS_SECONDS) * RATE)]
        if len(window) == size:
            outputs = session.run(None, {"input_1": window[None]})[0][0]
            ratings.append(list(map(np.polyval, DNSMOS_CALIBRATION, outputs)))
    return Dnsmos(*(float(score) for score in np.mean(ratings, axis=0)))


def pesq_wb(
    reference: Float32[np.ndarray, " samples"], degraded: Float32[np.ndarray, " samples"]
) -> float:
    """PESQ-WB of an aligned pair at 16 kHz. May raise `ScoreError`.

    P.862 is made for clips of some ten seconds: a longer pair is cut into equal pieces of at most
    16 s, and the mean taken over those in which the reference speaks.
    """
    reference, degraded = _sound(reference, "reference"), _sound(degraded)
    with _extra("pesq"):
        import pesq
    # P.862 fails on digital silence and levels out loudness; this gets its lowest score instead
    silence = np.random.default_rng(0).uniform(-1e-6, 1e-6, PESQ_LONGEST).astype(np.float32)
    pieces = -(-len(reference) // PESQ_LONGEST)
    scores = []
    sides = (np.array_split(signal, pieces) for signal in (reference, degraded))
    for sent, heard in zip(*sides, strict=True):
        with suppress(pesq.NoUtterancesError):
            heard = heard if np.abs(heard).max() >= QUIETEST else silence[: len(heard)]
            scores.append(pesq.pesq(RATE, sent, heard, "wb"))
    if not scores:
        raise ScoreError("the reference has no utterance in it")
    return float(np.mean(scores))


def stoi(
    reference: Float32[np.ndarray, " samples"], degraded: Float32[np.ndarray, " samples"]
) -> float:
    """STOI of an aligned pair at 16 kHz. May raise `ScoreError`."""
    reference, degraded = _sound(reference, "reference"), _sound(degraded)
    with _extra("score"):
        import pystoi
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # how pystoi tells that 1e-5 is no score
        try:
            return float(pystoi.stoi(reference, degraded, RATE, extended=False))
        except RuntimeWarning:
            raise ScoreError("the reference has too little speech in it") from None


def _sound(
    samples: Float32[np.ndarray, " samples"], name: str = "clip"
) -> Float32[np.ndarray, " samples"]:
    """The samples within ±1, if there is anything to score in them."""
    if len(samples) < SHORTEST:
        raise ScoreError(f"the {name} is shorter than {SHORTEST / RATE} s")
    if not np.isfinite(samples).all():
        raise ScoreError(f"the {name} has NaN or infinite samples")
    if np.abs(samples).max() < QUIETEST:
        raise ScoreError(f"the {name} is silent")
    clipped: np.ndarray = np.clip(samples, -1, 1)
    return clipped


def _overlap(
    reference: Float32[np.ndarray, " reference"] | None,
    degraded: Float32[np.ndarray, " degraded"],
    delay: int | None,
) -> tuple[Float32[np.ndarray, " overlap"], Float32[np.ndarray, " overlap"]]:
    if reference is None:
        raise ScoreError("there is no reference")
    try:
        return align(_sound(reference, "reference"), _sound(degraded), delay, max_delay=RATE)
    except ValueError as error:
        raise ScoreError(str(error)) from None


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Imports of an optional dependency."""
    try:
        yield
    except ImportError:
        compiler = " (needs a C compiler)" if name == "pesq" else ""
        raise ScoreError(f"install allears[{name}]{compiler}") from None


@cache
def _plcmos_model() -> Any:
    with _extra("score"):
        from speechmos.plcmos import PLCMOS
    model = PLCMOS()
    model.session = _session(model.model_path)
    return model


@cache
def _dnsmos_session() -> Any:
    # the file alone: speechmos.dnsmos imports librosa and requests, and needs neither for this
    with _extra("score"):
        return _session(str(files("speechmos") / "dnsmos_models" / "sig_bak_ovr.onnx"))


def _session(path: str) -> Any:
    """A model on one thread, so that numbers and timings repeat."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
