"""What a network expects a voice to say next, worked out no sooner than somebody asks.

Each 10 ms it is given what was heard, told, or neither. Where features are told nobody asks for a guess, and
what was given waits until one is wanted: many frames at once cost little more than one.
"""

import numpy as np
from jaxtyping import Float32

from allears.nn.batch import Share
from allears.nn.network import State
from allears.voice.model import VoiceModel
from allears.voice.together import Ask, Asking

_WAITING = 24
"""Frames from which on those that wait are worked through all the same, lest a guess be long in coming."""


class Expectation:
    """The predictor of one stream; the `ahead` newest frames that it was given may be taken back."""

    def __init__(self, model: VoiceModel, ahead: int) -> None:
        self._ahead, self._block = ahead, model.predictor.size
        self._given: list[Float32[np.ndarray, " 57"]] = []
        # Before the first of these frames, and after each that is worked through.
        self._states: list[Share[State]] = [Share(model.predictor.initial_state(1))]

    def tell(self, given: Float32[np.ndarray, " 57"]) -> None:
        """One frame more; `catch_up` is due from time to time."""
        self._given.append(given)

    def take_back(self) -> None:
        """Forget the newest frames."""
        kept = max(len(self._given) - self._ahead, 0)
        del self._given[kept:], self._states[kept + 1 :]

    def catch_up(self) -> Asking:
        """Work through some of what waits, if that is much."""
        while len(self._given) - len(self._states) + 1 >= _WAITING:
            yield from self._work(self._block)
        return np.zeros(0, np.float32)

    def guess(self) -> Asking:
        """The features after all that was given, at least a frame of which is new."""
        settled = len(self._given) - len(self._states) + 1 - self._ahead
        while settled > 0:
            size = self._block if settled >= self._block else 1
            yield from self._work(size)
            settled -= size
        while len(self._states) <= len(self._given):
            guess = yield from self._work(1)
        return guess

    def _work(self, size: int) -> Asking:
        """Give the network the next frames that wait; its guess after the last of them."""
        first = len(self._states) - 1
        given = np.stack(self._given[first : first + size])[None]
        (guesses,), state = yield Ask("predict", (given,), self._states[-1])
        if size == 1:
            self._states.append(state)
        else:
            self._states = [state]
            del self._given[: first + size]
        # Older states than can be gone back to are let go.
        gone = len(self._states) - 1 - self._ahead
        if gone > 0 and len(self._states) > len(self._given):
            del self._given[:gone], self._states[:gone]
        return np.asarray(guesses[0, -1])
