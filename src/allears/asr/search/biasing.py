"""Phrases that are to be expected: names, terms, commands; nothing is trained for them.

They are matched letter by letter (Aho & Corasick 1975), so in whichever pieces the model writes them. A path is
credited with a phrase's boost as far as it has said it; all of that is taken back where it goes on otherwise, or
where the word goes on: "cat" is not in "catalogue".
"""

import math
from collections import deque
from collections.abc import Mapping
from functools import cached_property

import numpy as np
from jaxtyping import Float64, Int64

from allears.asr.recogniser import RecogniserError
from allears.asr.tokens import WORD, Tokens

_KEPT = 1024
"""Places whose ways on are kept."""


class Phrases:
    """`boosts` says of each phrase how much likelier it is than the model thinks, in nats: e^boost times.

    Raises TokenError for phrases the symbols cannot write, RecogniserError for boosts that are none.
    """

    def __init__(self, tokens: Tokens, boosts: Mapping[str, float]) -> None:
        self._tokens = tokens
        self._ways: list[dict[str, int]] = [{}]
        self._hopes, self._earns = [0.0], [0.0]
        self._kept: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for phrase, boost in boosts.items():
            if not (math.isfinite(boost) and boost > 0 and phrase.split()):
                raise RecogniserError(
                    f"phrase {phrase!r} with boost {boost}: want words and nats above 0"
                )
            tokens.encode(phrase)
            self._add("".join(WORD + word for word in phrase.split()), boost)
        self._back = self._links()

    def step(self, node: int, symbol: int) -> tuple[int, float]:
        """Where a symbol leads to from a place, and what is earned by phrases that end before it."""
        earned = 0.0
        for letter in self._pieces[symbol]:
            if letter == WORD:
                earned += self._earns[node]
            node = self._next(node, letter)
        return node, earned

    def hope(self, node: int) -> float:
        """What the phrase that is being said there is credited with, as yet."""
        return self._hopes[node]

    def end(self, node: int) -> float:
        """What is earned where the words end there."""
        return self._earns[node]

    def moves(
        self, node: int
    ) -> tuple[
        Int64[np.ndarray, " symbols"],
        Float64[np.ndarray, " symbols"],
        Float64[np.ndarray, " symbols"],
    ]:
        """`step` of every symbol, and what each adds in all: may be below 0, as what was hoped for is lost."""
        if node not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            steps = [self.step(node, symbol) for symbol in range(self._tokens.size)]
            nodes = np.array([each for each, _ in steps], np.int64)
            earned = np.array([each for _, each in steps])
            hopes = np.array([self._hopes[each] for each in nodes])
            self._kept[node] = nodes, earned, earned + hopes - self._hopes[node]
        return self._kept[node]

    @cached_property
    def _pieces(self) -> list[str]:
        return [self._tokens.piece(symbol) if symbol else "" for symbol in range(self._tokens.size)]

    def _add(self, letters: str, boost: float) -> None:
        node = 0
        for count, letter in enumerate(letters, 1):
            if letter not in self._ways[node]:
                self._ways[node][letter] = len(self._ways)
                self._ways.append({})
                self._hopes.append(0.0)
                self._earns.append(0.0)
            node = self._ways[node][letter]
            self._hopes[node] = max(self._hopes[node], boost * count / len(letters))
        self._earns[node] = boost

    def _links(self) -> list[int]:
        """Of each place, where its longest end stands that also begins a phrase; what ends there too is earned."""
        back = [0] * len(self._ways)
        waiting = deque(self._ways[0].values())
        while waiting:
            node = waiting.popleft()
            self._earns[node] += self._earns[back[node]]
            for letter, after in self._ways[node].items():
                place = back[node]
                while place and letter not in self._ways[place]:
                    place = back[place]
                back[after] = self._ways[place].get(letter, 0)
                waiting.append(after)
        return back

    def _next(self, node: int, letter: str) -> int:
        while node and letter not in self._ways[node]:
            node = self._back[node]
        return self._ways[node].get(letter, 0)
