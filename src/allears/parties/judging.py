"""How well networks tell who says what and when turns begin and end: counts over made conversations."""

from collections.abc import Sequence
from dataclasses import dataclass

from allears.asr.networks import Networks
from allears.asr.search.hypothesis import Hypothesis
from allears.asr.tokens import Marked
from allears.audio import mel
from allears.corpus.mixtures.turns import Session
from allears.parties.hearing import whole
from allears.parties.turns import Manner, all_turns, span
from allears.score.latency import Latency, MarkedTurn, latency
from allears.score.parties import WordErrors, orc_errors
from allears.score.segments import Segment
from allears.score.turns import TurnCounts, turn_counts

SLACK_S = 0.5
"""By so much a turn may be missed and still be the one it is."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Of a conversation, or of several, as sums of counts."""

    words: WordErrors
    turns: TurnCounts
    latency: Latency

    def __add__(self, other: "Judged") -> "Judged":
        return Judged(
            self.words + other.words, self.turns + other.turns, self.latency + other.latency
        )


NOTHING = Judged(WordErrors(), TurnCounts(), Latency())


def said(session: Session) -> list[Segment]:
    """The truth, by speaker."""
    return [
        Segment(turn.speaker, turn.start, turn.end, tuple(turn.text.split()))
        for turn in session.turns
    ]


def heard(networks: Networks, sessions: Sequence[Session]) -> list[tuple[Hypothesis, ...]]:
    """What each branch emits."""
    return whole(networks, [mel.whole(each.samples, networks.bands) for each in sessions])


def told(branches: Sequence[Hypothesis], manner: Manner) -> list[MarkedTurn]:
    """Turns in which something was said, by branch, and when their marks came; none where they did not."""
    return [
        turn
        for number, branch in enumerate(branches)
        for turn in _turns(f"branch {number}", branch, manner)
        if turn.turn.words
    ]


def _turns(label: str, branch: Hypothesis, manner: Manner) -> list[MarkedTurn]:
    found = []
    for each in all_turns(branch.emissions, branch.frame, manner):
        start, end, words = span(each, manner, branch.frame * manner.step)
        turn = Segment(label, start, end, tuple(word.text for word in words))
        ended = (each.ended + 1) * manner.step if each.marked else None
        found.append(MarkedTurn(turn, (each.begun + 1) * manner.step, ended))
    return found


def judge(networks: Networks, sessions: Sequence[Session], manner: Manner) -> list[Judged]:
    """Each conversation, heard whole. Raises ScoreError without what scores conversations."""
    return [
        one(session, told(branches, manner))
        for session, branches in zip(sessions, heard(networks, sessions), strict=True)
    ]


def one(session: Session, turns: Sequence[MarkedTurn]) -> Judged:
    """One conversation of which these turns were told."""
    truth, segments = said(session), [each.turn for each in turns]
    return Judged(
        orc_errors(truth, segments),
        turn_counts(truth, segments),
        latency(truth, turns, SLACK_S),
    )


def marks(tokens: object) -> Marked:
    """Symbols with marks. Raises TypeError for others."""
    if not isinstance(tokens, Marked):
        raise TypeError("symbols without marks tell of no turns")
    return tokens
