"""A recogniser as one file: safetensors with graphs, the weights they ask for, and the symbols; no torch.

Graphs are ONNX without weights, as bytes (`graph.encoder`, `graph.predictor`, `graph.joiner`); a weight stands
beside them under the graph's name (`encoder.NAME`), so that any tool which reads safetensors reads it too. What is
known of the recogniser stands in the metadata, and a digest of all, so that a damaged file is known at once.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from allears.asr.recogniser import RecogniserError
from allears.asr.tokens import TokenError, Tokens, restored
from allears.weights.sealed import DAMAGED, opened, sealed

KIND, _FORMAT = "recogniser", "1"
GRAPHS = ("encoder", "predictor", "joiner")
FLOAT32, FLOAT16, INT8 = FORMS = "float32", "float16", "int8"
"""All numbers in 32 bits; weights in 16, which are made 32 again when read; products in 8 bits (`quantise`)."""
_REMEDY = "get it again, or make one with allears export"
_LARGEST = 65_536
"""More bands, stacked frames or joint numbers no recogniser has."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a recogniser beside its weights.

    `branches` are the talkers at once that it tells of, side by side in what its encoder gives.
    `start_delay_s` is by how much a word's first symbol comes after the word begins, `end_delay_s` its last after
    it ends; `turn_start_delay_s` and `turn_end_delay_s` are the same of the marks of turns, where it has them;
    `network` are the fields of its `TransducerConfig`, by which it can learn on (`restoring`);
    `form` is what numbers weights are kept in (`FORMS`), `rates` what was measured to decide that.
    """

    bands: int
    stack: int
    joint: int
    encoder: str
    start_delay_s: float = 0.0
    end_delay_s: float = 0.0
    text: str = ""
    form: str = FLOAT32
    rates: Mapping[str, float] = field(default_factory=dict)
    branches: int = 1
    turn_start_delay_s: float = 0.0
    turn_end_delay_s: float = 0.0
    network: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = (self.bands, self.stack, self.joint, self.branches)
        if not all(type(each) is int and 0 < each <= _LARGEST for each in sizes):
            raise ValueError(f"bands, stack, joint and branches are {sizes}")
        if self.form not in FORMS:
            raise ValueError(f"weights of {self.form!r}, not {', '.join(FORMS)}")
        words = self.start_delay_s, self.end_delay_s
        delays = *words, self.turn_start_delay_s, self.turn_end_delay_s
        if not all(-10 < each < 10 for each in delays):
            raise ValueError(f"delays of {delays} s")


@dataclass(frozen=True, slots=True)
class Bundle:
    """All of a recogniser; `weights` are by graph, then by the name the graph has for them."""

    about: About
    tokens: Tokens
    graphs: Mapping[str, bytes]
    weights: Mapping[str, Mapping[str, np.ndarray]]


def serialise(bundle: Bundle) -> bytes:
    """The file; of one bundle always the same bytes."""
    arrays = dict(bundle.tokens.arrays())
    for graph, model in bundle.graphs.items():
        arrays[f"graph.{graph}"] = np.frombuffer(model, np.uint8)
        weights = bundle.weights[graph]
        arrays |= {
            f"{graph}.{name}": _kept(each, bundle.about.form) for name, each in weights.items()
        }
    return sealed(KIND, _FORMAT, json.dumps(asdict(bundle.about), sort_keys=True), arrays)


def read(path: Path) -> Bundle:
    """A recogniser out of its file. Raises RecogniserError naming the file, what is wrong, and the remedy."""
    try:
        config, arrays = opened(path, KIND, _FORMAT)
        return _parted(About(**json.loads(config)), arrays)
    except (*DAMAGED, TokenError) as error:
        why = " ".join(str(error).split())
        raise RecogniserError(f"{path}: no whole recogniser ({why}); {_REMEDY}") from None


def _parted(about: About, arrays: dict[str, np.ndarray]) -> Bundle:
    graphs, weights = {}, {}
    for graph in GRAPHS:
        if f"graph.{graph}" not in arrays:
            raise ValueError(f"graph.{graph} is missing")
        graphs[graph] = arrays[f"graph.{graph}"].tobytes()
        begin = f"{graph}."
        weights[graph] = {
            name[len(begin) :]: _widened(each)
            for name, each in arrays.items()
            if name.startswith(begin)
        }
    return Bundle(about, restored(arrays), graphs, weights)


def _kept(weight: np.ndarray, form: str) -> np.ndarray:
    halved = form == FLOAT16 and weight.dtype == np.float32
    return weight.astype(np.float16) if halved else weight


def _widened(weight: np.ndarray) -> np.ndarray:
    return weight.astype(np.float32) if weight.dtype == np.float16 else weight
