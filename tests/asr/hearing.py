"""A tiny transducer of real networks that were taught nothing and talk a lot; naive search to judge by."""

from functools import cache

import numpy as np
import torch

from allears.asr.model import Transducer, TransducerConfig
from allears.asr.networks import BLANK, Networks
from allears.asr.tokens import Characters
from allears.asr.torch_networks import TorchNetworks

BANDS, STACK = 8, 2


@cache
def networks(predictor: str = "stateless", alphabet: str = "abc", blank: float = 1.0) -> Networks:
    """`blank` is added to the blank's logit."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        tokens = Characters(alphabet)
        model = Transducer(
            TransducerConfig(
                tokens.size,
                encoder={"width": 12, "layers": 2},
                predictor_kind=predictor,
                predictor={"width": 12},
                joint=16,
                bands=BANDS,
                stack=STACK,
            )
        )
        with torch.no_grad():
            model.joiner.read.weight *= 6
            model.joiner.expected.weight *= 3
            model.joiner.read.bias[BLANK] += blank
    return TorchNetworks(model, tokens)


def mels(frames: int, seed: int = 0) -> np.ndarray:
    """Slowly changing noise."""
    noise = np.random.default_rng(seed).standard_normal((frames + 4, BANDS))
    return np.asarray(np.stack([noise[i : i + frames] for i in range(5)]).sum(0), np.float32)


def encoded(nets: Networks, frames: int, seed: int = 0) -> np.ndarray:
    """(1, frames, joint)"""
    return nets.encode(mels(frames * STACK, seed)[None], nets.encoder_state(1))[0]


def naive_greedy(
    nets: Networks, heard: np.ndarray, most: int
) -> tuple[list[tuple[int, int]], float]:
    """Symbols with their frames, and the path's log-probability; one step after another."""
    predicted, state = nets.predict(np.zeros(1, np.int64), nets.predictor_state(1))
    found, score = [], 0.0
    for frame in range(heard.shape[1]):
        for count in range(most + 1):
            logs = nets.join(heard[:, frame], predicted)[0]
            symbol = int(logs.argmax()) if count < most else BLANK
            score += float(logs[symbol])
            if symbol == BLANK:
                break
            found.append((symbol, frame))
            predicted, state = nets.predict(np.array([symbol]), state)
    return found, score
