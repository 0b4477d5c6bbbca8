"""The plan of a conversation: which utterance is heard when, on a timeline as fitted or with a given overlap."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from allears.corpus.mixtures.casting import Casting, Pool
from allears.corpus.mixtures.conversation import Conversation
from allears.corpus.mixtures.floor import Floor
from allears.corpus.mixtures.timing import PAUSE, Timing
from allears.corpus.mixtures.turns import talk
from allears.corpus.recordings import CorpusError
from allears.corpus.sound import RATE

TRIES = 200
"""Draws before a conversation is held for impossible."""

_GRID = np.linspace(0, 2, 21).tolist()
_HALVINGS = 16


class Place(NamedTuple):
    """An utterance, as a number, whose speech begins at sample `start` and is `length` samples long."""

    speaker: str
    utterance: int
    start: int
    length: int

    @property
    def end(self) -> int:
        """The sample after its last."""
        return self.start + self.length


class Plan(NamedTuple):
    """Places by start, and the samples of all, silence before and after included."""

    places: tuple[Place, ...]
    length: int


class Line(NamedTuple):
    """A turn before it has its place; `gap` is the share of all gaps that are shorter, `eager` one of overlap."""

    speaker: str
    utterance: int
    length: int
    gap: float
    eager: float


def plan(
    pool: Pool,
    lengths: Sequence[int],
    conversation: Conversation,
    random: np.random.Generator,
) -> Plan:
    """Draw one, where `lengths` are samples of speech in each utterance.

    Raises CorpusError where no draw fits.
    """
    most = conversation.turns[1]
    place = _placed if conversation.overlap is None else _spread
    for _ in range(TRIES):
        speakers = int(random.integers(conversation.speakers[0], _most(pool, conversation) + 1))
        fewest = max(conversation.turns[0], speakers)
        count = int(random.integers(fewest, max(most, fewest) + 1))
        casting = Casting(pool, speakers, conversation.timing.turn_change, random)
        before, after = (round(random.uniform(*conversation.edges) * RATE) for _ in range(2))
        places = place(casting, count, lengths, conversation, random)
        if places is None or len(places) < fewest:
            continue
        length = before + max(each.end for each in places) + after
        if length <= conversation.longest * RATE:
            shifted = (each._replace(start=each.start + before) for each in places)
            return Plan(tuple(shifted), length)
        most = max(fewest, count - 1)
    raise CorpusError(_impossible(conversation))


def _placed(
    casting: Casting,
    count: int,
    lengths: Sequence[int],
    conversation: Conversation,
    random: np.random.Generator,
) -> list[Place]:
    """Turns by gaps as fitted."""
    floor, places = Floor(round(PAUSE * RATE)), list[Place]()
    while len(places) < count and (who := casting.next(floor.holder, count - len(places))):
        speaker, utterance = who
        start = _start(floor, speaker, random.random(), conversation)
        floor.take(speaker, start, lengths[utterance])
        places.append(Place(speaker, utterance, start, lengths[utterance]))
    return places


def _spread(
    casting: Casting,
    count: int,
    lengths: Sequence[int],
    conversation: Conversation,
    random: np.random.Generator,
) -> list[Place] | None:
    """Turns in a chain whose neighbours overlap as much as asked for; None where they cannot."""
    lines, holder = list[Line](), None
    while len(lines) < count and (who := casting.next(holder, count - len(lines))):
        holder, utterance = who
        lines.append(Line(holder, utterance, lengths[utterance], random.random(), random.random()))
    target = conversation.overlap or 0.0

    def short(places: Sequence[Place]) -> float:
        return target - talk([(each.start, each.end) for each in places]).overlap

    return _met(lambda eagerness: _chain(lines, eagerness, conversation), short)


def _chain(lines: Sequence[Line], eagerness: float, conversation: Conversation) -> list[Place]:
    """Places where overlap grows with `eagerness`, from 0 (none) to 2 (all that there may be).

    Where speakers change, `eagerness` + `eager` − 1 of the shorter turn overlaps, so that few do at first.
    """
    floor, places = Floor(round(PAUSE * RATE)), list[Place]()
    for line in lines:
        share = min(1.0, max(0.0, eagerness + line.eager - 1))
        if places and line.speaker != floor.holder and share:
            wanted = round(share * min(places[-1].length, line.length))
            start = max(floor.earliest(line.speaker), floor.latest - wanted)
        else:
            start = _start(floor, line.speaker, line.gap, conversation, overlaps=False)
        floor.take(line.speaker, start, line.length)
        places.append(Place(line.speaker, line.utterance, start, line.length))
    return places


def _met(
    chain: Callable[[float], list[Place]], short: Callable[[Sequence[Place]], float]
) -> list[Place] | None:
    """The chain at which overlap passes the target, found by halving; overlap may fall again beyond it."""
    if short(chain(0.0)) <= 0:
        return chain(0.0)
    high = next((each for each in _GRID[1:] if short(chain(each)) <= 0), None)
    if high is None:
        return None
    low = high - _GRID[1]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if short(chain(middle)) <= 0 else (middle, high)
    return chain(high)


def _start(
    floor: Floor, speaker: str, level: float, conversation: Conversation, *, overlaps: bool = True
) -> int:
    """When a turn begins whose gap is longer than a share `level` of those that may be."""
    if floor.holder is None:
        return 0
    timing: Timing = conversation.timing
    kind = timing.same if speaker == floor.holder else timing.change
    earliest = floor.earliest(speaker)
    lowest = (earliest - floor.latest) / RATE
    gap = kind.at(level, lowest if overlaps else max(0.0, lowest), conversation.widest)
    return max(earliest, floor.latest + round(gap * RATE))


def _most(pool: Pool, conversation: Conversation) -> int:
    """Speakers that there may be."""
    return max(
        conversation.speakers[0], min(conversation.speakers[1], len(pool), conversation.turns[1])
    )


def _impossible(conversation: Conversation) -> str:
    low, high = conversation.turns
    share = "" if conversation.overlap is None else f", {conversation.overlap:.0%} of it at once,"
    what = f"{low} to {high} turns{share} in {conversation.longest:g} s"
    remedy = "give shorter or more utterances, allow longer conversations, or ask for less overlap"
    return f"no conversation of {what} was found in {TRIES} draws; {remedy}"
