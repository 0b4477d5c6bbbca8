"""What a trained arm makes of conversations: streams of words, turns, and when their marks came."""

from collections.abc import Sequence
from dataclasses import dataclass

from allears.asr.search.hypothesis import Emission, Hypothesis
from allears.asr.search.words import Timing, words
from allears.asr.tokens import Marked, Tokens
from allears.parties import judging
from allears.parties.targets import CHANGE, Form
from allears.parties.turns import Manner
from allears.score.latency import MarkedTurn
from allears.score.segments import Segment


@dataclass(frozen=True, slots=True)
class Told:
    """Turns of a conversation by the stream that told them, with when their marks came, if there are such."""

    turns: tuple[MarkedTurn, ...]

    @property
    def segments(self) -> list[Segment]:
        """Those in which something was said."""
        return [each.turn for each in self.turns if each.turn.words]


def told(
    branches: Sequence[Hypothesis], tokens: Tokens, form: Form, step: float, pause: float
) -> Told:
    """Turns of one conversation. Where no marks tell them, one is over where no word came for `pause` seconds."""
    if form is Form.TURNS:
        return Told(tuple(judging.told(branches, Manner(judging.marks(tokens), Timing(step)))))
    found: list[MarkedTurn] = []
    for number, branch in enumerate(branches):
        streams: list[Sequence[Emission]] = [branch.emissions]
        if form is Form.CHANGES:
            streams = _channels(branch.emissions, tokens)
        for channel, emissions in enumerate(streams):
            label = f"branch {max(number, channel)}"
            found += _paused(label, emissions, tokens, step, pause)
    return Told(tuple(sorted(found, key=lambda each: each.turn.start)))


def _paused(
    label: str, emissions: Sequence[Emission], tokens: Tokens, step: float, pause: float
) -> list[MarkedTurn]:
    found: list[list[Emission]] = []
    for each in emissions:
        if not found or (each.frame - found[-1][-1].frame) * step > pause:
            found.append([])
        found[-1].append(each)
    return [_unmarked(label, group, tokens, step) for group in found]


def _unmarked(label: str, group: Sequence[Emission], tokens: Tokens, step: float) -> MarkedTurn:
    plain = tokens.tokens if isinstance(tokens, Marked) else tokens
    said = words(plain, group, Timing(step))
    start = said[0].start if said else group[0].frame * step
    end = said[-1].end if said else start
    return MarkedTurn(Segment(label, start, end, tuple(word.text for word in said)), None, None)


def _channels(emissions: Sequence[Emission], tokens: Tokens) -> list[Sequence[Emission]]:
    """The two channels of t-SOT."""
    assert isinstance(tokens, Marked)
    found: tuple[list[Emission], list[Emission]] = [], []
    channel = 0
    for each in emissions:
        if each.symbol == tokens.mark(CHANGE):
            channel = 1 - channel
        else:
            found[channel].append(each)
    return list(found)
