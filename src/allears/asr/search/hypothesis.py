"""What search holds of a stream: what was emitted, and where the predictor stands."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from allears.asr.networks import BLANK, Networks, State
from allears.nn.batch import Share, scatter

FADING = 0.9
"""What is left of doubt after each frame."""


class Emission(NamedTuple):
    """A symbol, the encoder's frame (from the stream's beginning) it came in, and how sure it is.

    `log_probability` is the symbol's among all but the blank: whether it is this one, not whether it is now.
    """

    symbol: int
    frame: int
    log_probability: float


class Expectation(NamedTuple):
    """What the predictor said last, (batch, joint), and its state."""

    predicted: np.ndarray
    state: State


class Hypothesis(NamedTuple):
    """One reading of a stream so far; `score` is its log-probability, blanks and all, in nats.

    `frame` counts the encoder's frames heard. `doubt` is the highest probability that there was a symbol in any
    frame since the last, fading. `node` is where it stands in the phrases (`biasing.Phrases`), `earned` what
    those that were said have added, and `hope` what the one that is being said has.
    """

    emissions: tuple[Emission, ...]
    expectation: Share[Expectation]
    frame: int = 0
    score: float = 0.0
    doubt: float = 0.0
    node: int = 0
    earned: float = 0.0
    hope: float = 0.0

    @property
    def symbols(self) -> tuple[int, ...]:
        """What was emitted."""
        return tuple([each.symbol for each in self.emissions])

    @property
    def rank(self) -> float:
        """By what hypotheses are compared."""
        return self.score + self.earned + self.hope


Readings = tuple[Hypothesis, ...]
"""The hypotheses of one stream, the best first; all have heard the same."""


def begin(networks: Networks, batch: int = 1) -> list[Hypothesis]:
    """Nothing emitted yet, for each of `batch` streams."""
    blanks = np.full(batch, BLANK, np.int64)
    expectation = Expectation(*networks.predict(blanks, networks.predictor_state(batch)))
    return [Hypothesis((), share) for share in scatter(expectation, batch)]


def further(
    networks: Networks,
    expectation: Expectation,
    rows: Int64[np.ndarray, " n"],
    symbols: Int64[np.ndarray, " n"],
) -> None:
    """The predictor hears `symbols` in these rows, in place."""
    state = tuple(part[rows] for part in expectation.state)
    predicted, after = networks.predict(symbols, state)
    expectation.predicted[rows] = predicted
    for part, new in zip(expectation.state, after, strict=True):
        part[rows] = new


def own(expectation: Expectation) -> Expectation:
    """A copy that may be written to."""
    state = tuple(part.copy() for part in expectation.state)
    return Expectation(expectation.predicted.copy(), state)


def without_blank(
    values: Float32[np.ndarray, " n"], blanks: Float32[np.ndarray, " n"]
) -> Float32[np.ndarray, " n"]:
    """Log-probabilities among all symbols but the blank, whose own are given."""
    others = np.log(-np.expm1(np.minimum(blanks, -1e-6)))
    return np.asarray(np.minimum(values - others, 0))
