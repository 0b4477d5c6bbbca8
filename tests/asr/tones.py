"""A recogniser of tones, made by hand: every letter has its frequency, and is told when its tone begins.

It is late on purpose by some frames, as trained ones are.
"""

import numpy as np

from allears.asr.networks import BLANK, State
from allears.asr.tokens import Characters
from allears.audio import mel

LETTERS = "abcdef"
LONG_S, GAP_S = 0.12, 0.12
_SURE = 20.0


class Tones:
    """`Networks`; a symbol is told `late` frames after its tone begins."""

    bands, stack = 32, 4

    def __init__(self, late: int = 0, doubtful: float = 0.0) -> None:
        self.tokens = Characters(LETTERS)
        self._late, self._doubtful = late, doubtful
        self._bands = [int(mel.whole(tone(s), self.bands)[5].argmax()) for s in range(1, 13)]

    def encoder_state(self, batch: int) -> State:
        queue = np.full((batch, self._late), BLANK, np.int64)
        return np.full((batch, 1), BLANK, np.int64), queue

    def encode(self, mels: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        loud = np.log(np.exp(mels).reshape(len(mels), -1, self.stack, self.bands).mean(2))
        symbols = np.zeros(loud.shape[:2], np.int64)
        for symbol, band in enumerate(self._bands, 1):
            symbols[(loud.argmax(2) == band) & (loud.max(2) > -5)] = symbol
        before = np.concatenate((state[0], symbols), 1)
        begun = np.where(before[:, 1:] != before[:, :-1], before[:, 1:], BLANK)
        told = np.concatenate((state[1], begun), 1)
        here, queue = told[:, : begun.shape[1]], told[:, begun.shape[1] :]
        encoded = _SURE * (here[..., None] == np.arange(self.tokens.size)).astype(np.float32)
        encoded[..., BLANK] += _SURE / 2 * (here != BLANK)
        encoded[..., 1] += self._doubtful * (here == BLANK)
        return encoded, (before[:, -1:], queue)

    def predictor_state(self, batch: int) -> State:
        return (np.zeros((batch, 1), np.int64),)

    def predict(self, symbols: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Not the same once more, in the same frame."""
        said = np.arange(self.tokens.size) == symbols[:, None]
        said[:, BLANK] = False
        return -2 * _SURE * said.astype(np.float32), (state[0] + 0,)

    def join(self, encoded: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        logits = encoded + predicted
        logits -= logits.max(1, keepdims=True)
        return np.asarray(logits - np.log(np.exp(logits).sum(1, keepdims=True)), np.float32)


def tone(symbol: int, seconds: float = LONG_S) -> np.ndarray:
    """What a symbol sounds like."""
    time = np.arange(int(seconds * mel.RATE)) / mel.RATE
    return np.asarray(0.5 * np.sin(2 * np.pi * (300 + 550 * symbol) * time), np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * mel.RATE), np.float32)


def spoken(*parts: str | float) -> np.ndarray:
    """Texts, and seconds of silence; words are parted by short ones."""
    tokens, found = Characters(LETTERS), [silence(0)]
    for part in parts:
        if isinstance(part, float):
            found.append(silence(part))
            continue
        for count, word in enumerate(part.split()):
            found += [silence(GAP_S)] * bool(count)
            found += [tone(symbol) for symbol in tokens.encode(word)]
    return np.concatenate(found)
