"""What the predictor expects after symbols; asked once where it remembers only the last few."""

from collections.abc import Sequence

import numpy as np

from allears.asr.networks import Networks, State
from allears.asr.search.hypothesis import Expectation
from allears.nn.batch import Share, alone

_KEPT = 4096


class Expectations:
    """Asks the predictor in one call for all that is not known.

    A state of whole numbers is that of a predictor that sees no more than they say, so its answers are kept.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._known: dict[tuple[bytes, ...], Expectation] = {}

    def __call__(
        self, before: Sequence[Expectation], symbols: Sequence[int]
    ) -> list[Share[Expectation]]:
        """After each symbol; `before` are batches of one, and so is what comes."""
        keys = [_key(each.state, symbol) for each, symbol in zip(before, symbols, strict=True)]
        found = [None if key is None else self._known.get(key) for key in keys]
        unknown = [index for index, each in enumerate(found) if each is None]
        if unknown:
            states = tuple(
                np.concatenate(parts)
                for parts in zip(*(before[index].state for index in unknown), strict=True)
            )
            asked = np.array([symbols[index] for index in unknown], np.int64)
            answer = Expectation(*self._networks.predict(asked, states))
            for place, index in enumerate(unknown):
                found[index] = _copy(alone(answer, place))
                self._keep(keys[index], found[index])
        return [Share(each) for each in found if each is not None]

    def _keep(self, key: tuple[bytes, ...] | None, value: Expectation | None) -> None:
        if key is None or value is None:
            return
        if len(self._known) >= _KEPT:
            self._known.pop(next(iter(self._known)))
        self._known[key] = value


def _key(state: State, symbol: int) -> tuple[bytes, ...] | None:
    if not all(np.issubdtype(part.dtype, np.integer) for part in state):
        return None
    return (symbol.to_bytes(8, "little"), *(part.tobytes() for part in state))


def _copy(expectation: Expectation) -> Expectation:
    """Holds nothing of the batch it was computed in."""
    return Expectation(
        expectation.predicted.copy(), tuple(part.copy() for part in expectation.state)
    )
