"""A network of voices as one file: safetensors with its graph, the weights that asks for, and a cohort; no torch.

The graph is ONNX without weights, as bytes (`graph`); a weight stands beside it under its name there
(`weight.NAME`). What is known of the network stands in the metadata, and a digest of all, so that a damaged file
is known at once.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from allears.speaker.calibrate import Calibration
from allears.speaker.refusal import SpeakerError
from allears.weights.sealed import DAMAGED, opened, sealed

KIND, _FORMAT = "voices", "1"
_GRAPH, _COHORT, _WEIGHT = "graph", "cohort", "weight."
_REMEDY = "get it again, or train one again"
_LARGEST = 65_536


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a network beside its weights.

    Scores are held against the `top` voices of the cohort most alike, 0 for none; `slope` · score + `offset` is
    the natural logarithm of the likelihood ratio. `rates` are what was measured to decide that.
    """

    bands: int
    stack: int
    size: int
    top: int = 0
    slope: float = 1.0
    offset: float = 0.0
    text: str = ""
    rates: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = (self.bands, self.stack, self.size)
        if not all(type(each) is int and 0 < each <= _LARGEST for each in sizes):
            raise ValueError(f"bands, stack and size are {sizes}")
        if type(self.top) is not int or self.top < 0 or self.top == 1:  # one has no deviation
            raise ValueError(f"the top {self.top} of a cohort")
        if not (np.isfinite([self.slope, self.offset]).all() and self.slope > 0):
            raise ValueError(f"a line of slope {self.slope} and offset {self.offset}")

    @property
    def calibration(self) -> Calibration:
        """From scores to likelihood ratios."""
        return Calibration(self.slope, self.offset)


@dataclass(frozen=True, slots=True)
class Bundle:
    """All of a network; embeddings of the `cohort` are one long."""

    about: About
    graph: bytes
    weights: Mapping[str, np.ndarray]
    cohort: Float32[np.ndarray, "voices size"]


def serialise(bundle: Bundle) -> bytes:
    """The file; of one bundle always the same bytes. The cohort has 16 bits, which is enough for cosines."""
    arrays = {_WEIGHT + name: each for name, each in bundle.weights.items()}
    arrays[_GRAPH] = np.frombuffer(bundle.graph, np.uint8)
    arrays[_COHORT] = np.asarray(bundle.cohort, np.float16)
    return sealed(KIND, _FORMAT, json.dumps(asdict(bundle.about), sort_keys=True), arrays)


def read(path: Path) -> Bundle:
    """A network out of its file. Raises SpeakerError naming the file, what is wrong, and the remedy."""
    try:
        config, arrays = opened(path, KIND, _FORMAT)
        about = About(**json.loads(config))
        cohort = arrays[_COHORT].astype(np.float32)
        if cohort.ndim != 2 or cohort.shape[1] != about.size or len(cohort) < about.top:
            raise ValueError(f"a cohort of {cohort.shape}")
        weights = {
            name.removeprefix(_WEIGHT): each
            for name, each in arrays.items()
            if name.startswith(_WEIGHT)
        }
        return Bundle(about, arrays[_GRAPH].tobytes(), weights, cohort)
    except DAMAGED as error:
        why = " ".join(str(error).split())
        raise SpeakerError(f"{path}: no whole network of voices ({why}); {_REMEDY}") from None
