"""A small separator-transducer, untrained, that tells of many turns, and what it is as a file."""

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import torch

from allears.asr.bundle import Bundle
from allears.asr.export import bundle
from allears.asr.search.words import Timing
from allears.asr.session import OnnxNetworks
from allears.asr.tokens import Marked
from allears.parties.events import Event
from allears.parties.live import Converser
from allears.parties.model import SeparatorTransducer, before
from allears.parties.targets import Form
from allears.parties.turns import Manner
from tests.asr.small import BANDS, TOKENS, transducer

MARKED = Marked(TOKENS, Form.TURNS.marks)
STEP = 0.04
"""Seconds to a frame of its encoder."""
_TALKS = 36
"""A seed with which both branches begin and end turns, some of a second, and say words in them."""


@cache
def model(branches: int = 2, marked: Marked = MARKED) -> SeparatorTransducer:
    """Begun as a recogniser, but what is heard matters much."""
    # Made anew, which seeds: else what is drawn in making it would hang on the tests before.
    made = before(transducer.__wrapped__(), marked.size, branches=branches)
    made.normalise(torch.full((BANDS,), -7.0), torch.ones(BANDS))
    torch.manual_seed(_TALKS)
    with torch.no_grad():
        torch.nn.init.normal_(made.joiner.heard.weight, std=1.0)
        torch.nn.init.normal_(made.joiner.read.weight, std=1.5)
        torch.nn.init.normal_(made.encoder.gates.weight, std=1.0)
        made.joiner.read.bias.zero_()
        made.joiner.read.bias[0] += 3.0
    return made.eval()


@cache
def exported(branches: int = 2, marked: Marked = MARKED) -> Bundle:
    """The same without torch."""
    return bundle(model(branches, marked), marked, text="small")


@cache
def converser(branches: int = 2) -> Converser:
    """What hears conversations with it."""
    return Converser(OnnxNetworks.of(exported(branches)), Manner(MARKED, Timing(STEP)))


def events(given: Converser, pieces: Iterable[np.ndarray]) -> list[Event]:
    """What is told of a whole stream that comes in these pieces."""
    stream = given.stream()
    return [*(each for piece in pieces for each in stream.accept(piece)), *stream.finish()]


def parted(samples: np.ndarray, sizes: Sequence[int]) -> Iterable[np.ndarray]:
    """The same samples in pieces of these sizes, over and over."""
    place, number = 0, 0
    while place < len(samples):
        size = sizes[number % len(sizes)]
        yield samples[place : place + size]
        place, number = place + size, number + 1
