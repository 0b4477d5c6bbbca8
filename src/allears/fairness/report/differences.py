"""Which words of an utterance came out wrong, by the cheapest way from what was said to what was recognised."""

import re
from typing import Literal, NamedTuple

Kind = Literal["right", "wrong"]


class Piece(NamedTuple):
    """Words that came out alike, or did not."""

    kind: Kind
    text: str


def differences(reference: str, hypothesis: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces; case and punctuation make no difference."""
    said, heard = reference.split(), hypothesis.split()
    pairs = _matched([_plain(word) for word in said], [_plain(word) for word in heard])
    return _pieces(said, {first for first, _ in pairs}), _pieces(
        heard, {second for _, second in pairs}
    )


def _plain(word: str) -> str:
    return re.sub(r"[^\w']", "", word).casefold() or word


def _pieces(words: list[str], right: set[int]) -> list[Piece]:
    found: list[Piece] = []
    for number, word in enumerate(words):
        kind: Kind = "right" if number in right else "wrong"
        if found and found[-1].kind == kind:
            found[-1] = Piece(kind, f"{found[-1].text} {word}")
        else:
            found.append(Piece(kind, word))
    return found


def _matched(said: list[str], heard: list[str]) -> list[tuple[int, int]]:
    """Places of words that stay (Levenshtein's alignment)."""
    costs = [[*range(len(heard) + 1)]]
    for number, word in enumerate(said, 1):
        above, row = costs[-1], [number]
        for at, other in enumerate(heard, 1):
            row.append(min(row[-1] + 1, above[at] + 1, above[at - 1] + (word != other)))
        costs.append(row)
    found, i, j = [], len(said), len(heard)
    while i and j:
        same = said[i - 1] == heard[j - 1]
        if costs[i][j] == costs[i - 1][j - 1] + (not same):
            i, j = i - 1, j - 1
            if same:
                found.append((i, j))
        elif costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return found
