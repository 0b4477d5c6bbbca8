"""Opus' released weights as the reference data has them, and networks that run them."""

from functools import cache
from pathlib import Path

import numpy as np

from allears.nn.network import Network
from allears.weights import blob, opus
from allears.weights.store import Models, graph
from tests.real import REFERENCE

BLOB = REFERENCE / "weights_blob.bin"
TABLES = REFERENCE / "dred_stats_q8.npz"


@cache
def models() -> Models:
    return opus.read(BLOB)


@cache
def arrays() -> dict[str, np.ndarray]:
    return blob.parse(BLOB.read_bytes())


def network(name: str) -> Network:
    """The network of a graph, with the weights it takes from `models`."""
    found = models()
    codec = found.rdovae.arrays
    given = {
        "pitch": found.pitch.arrays,
        "predictor": found.concealment.arrays,
        "rdovae_encoder": under(codec, "encoder."),
        "rdovae_begin": under(codec, "decoder."),
        "rdovae_decoder": under(codec, "decoder."),
    }
    return Network(graph(name), given[name])


def under(arrays, prefix):
    return {name[len(prefix) :]: each for name, each in arrays.items() if name.startswith(prefix)}


def floats(name: str, width: int) -> np.ndarray:
    """A file of libopus' own values on the clip jfk."""
    return np.fromfile(Path(REFERENCE, "jfk", name), "<f4").reshape(-1, width)
