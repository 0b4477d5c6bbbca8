"""What the branches of a model are to say of a conversation, symbol by symbol, and when each mark is due."""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from allears.asr.tokens import Marked, Tokens
from allears.corpus.mixtures.turns import Turn
from allears.parties.assignment import assigned


class Form(enum.StrEnum):
    """How turns become symbols.

    `WORDS` alone, turn after turn (multi-turn RNN-T); `TURNS`, each between its marks <sot> and <eot>; `CHANGES`,
    all words by when they end, on one branch, and a mark <cc> where the talker changes (t-SOT, Kanda et al. 2022).
    """

    WORDS = "words"
    TURNS = "turns"
    CHANGES = "changes"

    @property
    def marks(self) -> int:
        """Symbols beyond those of texts."""
        return {Form.WORDS: 0, Form.TURNS: 2, Form.CHANGES: 1}[self]


SOT, EOT = 0, 1
"""Marks of `Form.TURNS`."""
CHANGE = 0
"""The mark of `Form.CHANGES`."""


@dataclass(frozen=True, slots=True)
class Due:
    """A mark among a branch's symbols and the second of the conversation it is due."""

    place: int
    mark: int
    time: float


@dataclass(frozen=True, slots=True)
class Script:
    """What one branch is to say: symbols, marks that are due, and the turns, as numbers."""

    symbols: tuple[int, ...]
    due: tuple[Due, ...]
    turns: tuple[int, ...]


def marked(tokens: Tokens, form: Form) -> Tokens:
    """The symbols with those marks that a form has."""
    return Marked(tokens, form.marks) if form.marks else tokens


def scripts(turns: Sequence[Turn], tokens: Tokens, form: Form, branches: int) -> list[Script]:
    """One for each branch; `turns` by when they begin, with word times where the form is `CHANGES`.

    Raises TokenError for texts that cannot be written, ValueError for turns whose word times are missing.
    """
    if form is Form.CHANGES:
        return [_changes(turns, tokens)] + [Script((), (), ())] * (branches - 1)
    homes = assigned([(turn.start, turn.end) for turn in turns], branches)
    return [
        _in_turn([n for n, home in enumerate(homes) if home == branch], turns, tokens, form)
        for branch in range(branches)
    ]


def _in_turn(own: Sequence[int], turns: Sequence[Turn], tokens: Tokens, form: Form) -> Script:
    """Turn after turn."""
    symbols: list[int] = []
    due: list[Due] = []
    for number in own:
        turn = turns[number]
        said = tokens.encode(turn.text)
        if form is Form.TURNS:
            marks = _marks(tokens)
            due.append(Due(len(symbols), SOT, turn.start))
            due.append(Due(len(symbols) + 1 + len(said), EOT, turn.end))
            said = [marks.mark(SOT), *said, marks.mark(EOT)]
        symbols += said
    return Script(tuple(symbols), tuple(due), tuple(own))


def _changes(turns: Sequence[Turn], tokens: Tokens) -> Script:
    """Words of all talkers by when they end; two channels, as <cc> only says that it is the other one."""
    homes = assigned([(turn.start, turn.end) for turn in turns], 2)
    words = []
    for number, (turn, home) in enumerate(zip(turns, homes, strict=True)):
        if len(turn.words) != len(turn.text.split()):
            raise ValueError(
                f"turn {number} of {turn.speaker} has {len(turn.words)} word times for {turn.text!r}"
            )
        words += [(word.end, number, place, home) for place, word in enumerate(turn.words)]
    symbols: list[int] = []
    channel = 0
    for _, number, place, home in sorted(words):
        if home != channel:
            symbols.append(_marks(tokens).mark(CHANGE))
            channel = home
        symbols += tokens.encode(turns[number].words[place].text)
    return Script(tuple(symbols), (), tuple(range(len(turns))))


def _marks(tokens: Tokens) -> Marked:
    if not isinstance(tokens, Marked):
        raise TypeError("symbols without marks; make them by `marked`")
    return tokens


def said(found: Iterable[Script]) -> int:
    """Symbols of all branches together."""
    return sum(len(each.symbols) for each in found)
