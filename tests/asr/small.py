"""Small transducers of every kind, untrained, and what they are as a file."""

from functools import cache

import numpy as np
import torch

from allears.asr.encoders.kinds import ENCODERS
from allears.asr.export import bundle
from allears.asr.model import Transducer, TransducerConfig
from allears.asr.tokens import Characters

SIZES = {
    "lstm": {"width": 16, "layers": 2},
    "vgglstm": {"width": 16, "layers": 1, "bands": 8, "channels": (4, 6, 6)},
    "convrnn": {"width": 16, "layers": 1, "front": 16, "channels": (8, 8), "blocks": 2},
    "conformer": {"width": 16, "layers": 1, "heads": 2, "size": 8, "past": 6, "kernel": 5},
    "contextnet": {"width": 16, "blocks": 2, "layers": 2},
    "transformer": {"width": 16, "layers": 2, "heads": 2, "size": 8, "past": 6},
    "amortised": {"width": 16, "layers": 2, "heads": 2, "size": 8, "past": 6},
}
WINDOWED = {"contextnet windowed": {"window": 3}}
KINDS = [*ENCODERS, *WINDOWED]
TOKENS = Characters("abc'")
BANDS, STACK, JOINT = 8, 4, 12


@cache
def transducer(kind="lstm", predictor="stateless"):
    """An encoder of ENCODERS, or one of WINDOWED, with a predictor."""
    torch.manual_seed(0)
    name = kind.split()[0]
    sizes = SIZES.get(name, {}) | WINDOWED.get(kind, {})
    model = Transducer(
        TransducerConfig(
            TOKENS.size,
            name,
            sizes,
            predictor,
            {"width": 16},
            joint=JOINT,
            bands=BANDS,
            stack=STACK,
        )
    )
    model.normalise(torch.linspace(-1, 1, BANDS), torch.linspace(1, 2, BANDS))
    return model.eval()


@cache
def exported(kind="lstm", predictor="stateless"):
    """The same without torch."""
    return bundle(transducer(kind, predictor), TOKENS, text="small")


def drawn(batch, chunks, seed=1):
    """Log-mel frames in chunks of so many frames of the encoder."""
    random = np.random.default_rng(seed)
    shapes = [(batch, frames * STACK, BANDS) for frames in chunks]
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


def heard(networks, chunks):
    """What the encoder says to all chunks, end to end, and its states after each."""
    state, found, states = networks.encoder_state(len(chunks[0])), [], []
    for each in chunks:
        encoded, state = networks.encode(each, state)
        found.append(encoded)
        states.append(state)
    return np.concatenate(found, 1), states
