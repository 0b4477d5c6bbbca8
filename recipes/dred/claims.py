"""What is claimed of deep redundancy, each a contrast of scores that must reach a figure."""

import enum
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from allears.score.bootstrap import Estimate
from recipes.dred.board import Board
from recipes.dred.conditions import CONDITIONS, at, called
from recipes.dred.measure import NOTHING

GAINS = {"plcmos": 0.2, "stoi": 0.05}
"""By how much deep redundancy is to beat LBRR at the same bitrate, on long bursts."""

BURSTS = ("ge20", "ge40")
CLOSED = 0.6
"""Share of the way from LBRR to DRED by Opus' weights that others are to go."""

LEFT = 0.5
"""Share of the damage after neural concealment that deep redundancy may leave."""

SLACK = 0.05
"""How much worse than the best fixed setting the controller may be on any network, in PLCMOS."""

EVERY = "all traces"
"""What stands for the mean over them."""

MOST_KBPS = 21.0
COPY_MS, DRED_MS = 20, 1040

DIGITS: Mapping[str, int] = {"plcmos": 2, "pesq_wb": 2, "stoi": 3}
"""Behind the point of each score."""


class Kind(enum.Enum):
    """How a figure is held against what is wanted."""

    REACH = enum.auto()
    """It must reach it."""
    LEVEL = enum.auto()
    """Its interval must reach it."""
    STAY = enum.auto()
    """It must not be beyond it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One claim on one trace. `figures` say what went into `found`."""

    claim: str
    trace: str
    figures: str
    found: Estimate
    wanted: float
    kind: Kind = Kind.REACH

    @property
    def held(self) -> bool:
        """Whether the figure is as wanted."""
        if self.kind is Kind.STAY:
            return self.found.value <= self.wanted
        level = self.kind is Kind.LEVEL and self.found.bounded
        return (self.found.high if level else self.found.value) >= self.wanted

    @property
    def certain(self) -> bool:
        """Whether the whole interval says the same."""
        _, low, high = self.found
        if self.kind is Kind.STAY:
            low, high = -high, -low
            return low >= -self.wanted if self.held else high < -self.wanted
        if self.kind is Kind.LEVEL and self.held:
            return low > self.wanted  # else it is level, not best
        return low >= self.wanted if self.held else high < self.wanted

    @property
    def sign(self) -> str:
        """How what is found stands to what is wanted, if the claim holds."""
        return "≤" if self.kind is Kind.STAY else "≥"

    def __str__(self) -> str:
        if self.kind is Kind.LEVEL and self.held:
            return "held: best" if self.certain else "held: level"
        word = "held" if self.held else "**not held**"
        return word if self.certain else f"{word}, by the mean"


def verdicts(board: Board, weights: Sequence[str], traces: Sequence[str]) -> list[Verdict]:
    """Every claim that the measurements are there for."""
    bursts = [trace for trace in BURSTS if trace in traces]
    found: list[Verdict] = []
    for each in weights:
        found += _beats_lbrr(board, each, bursts)
        if each != "opus" and "opus" in weights:
            found += _closes_gap(board, each, bursts)
        found += _halves_damage(board, each, traces)
        for mixture in ("both", "more"):
            found += _is_level(board, mixture, each, traces)
        found += _controls_well(board, each, traces)
        found.append(_is_best_on_average(board, each, traces))
        found.append(_is_cheap(board, each))
    return [verdict for verdict in found if not math.isnan(verdict.found.value)]


def _beats_lbrr(board: Board, weights: str, traces: Sequence[str]) -> Iterator[Verdict]:
    dred = at("dred", weights)
    for trace in traces:
        for score, gain in GAINS.items():
            difference = board.contrast({dred: 1, "lbrr": -1}, trace, score)
            yield Verdict(
                f"DRED ({called(weights)}) beats LBRR by {gain:g} {score}",
                trace,
                _figures(board, (dred, "lbrr"), trace, score),
                difference,
                gain,
            )


def _closes_gap(board: Board, weights: str, traces: Sequence[str]) -> Iterator[Verdict]:
    """(ours − LBRR) ≥ share · (Opus' − LBRR), written without a quotient that may not exist."""
    ours, opus = at("dred", weights), at("dred", "opus")
    shares = {ours: 1.0, "lbrr": CLOSED - 1, opus: -CLOSED}
    for trace in traces:
        for score in GAINS:
            way = board.contrast({opus: 1, "lbrr": -1}, trace, score).value
            gone = board.contrast({ours: 1, "lbrr": -1}, trace, score).value
            share = f"; {gone / way:.0%} of the way" if way > 0 else "; Opus' weights gain nothing"
            yield Verdict(
                f"DRED ({called(weights)}) goes {CLOSED:.0%} of the way from LBRR to Opus' weights, {score}",
                trace,
                _figures(board, (ours, "lbrr", opus), trace, score) + share,
                board.contrast(shares, trace, score),
                0.0,
            )


def _halves_damage(board: Board, weights: str, traces: Sequence[str]) -> Iterator[Verdict]:
    """(clean − DRED) ≤ share · (clean − neural), likewise."""
    dred, neural = at("dred", weights), at("neural", weights)
    shares = {dred: 1.0, "clean": LEFT - 1, neural: -LEFT}
    for trace in traces:
        for score in GAINS:
            before = board.contrast({"clean": 1, neural: -1}, trace, score).value
            after = board.contrast({"clean": 1, dred: -1}, trace, score).value
            share = f"; {after / before:.0%} left" if before > 0 else "; no damage"
            yield Verdict(
                f"DRED ({called(weights)}) leaves half of neural concealment's damage, {score}",
                trace,
                _figures(board, ("clean", dred, neural), trace, score) + share,
                board.contrast(shares, trace, score),
                0.0,
            )


def _is_level(board: Board, mixture: str, weights: str, traces: Sequence[str]) -> Iterator[Verdict]:
    """Against every rival that takes no more bits: the one that comes nearest to beating it."""
    mine = at(mixture, weights)
    rivals = {
        at(each.key, weights): each.title
        for each in CONDITIONS
        if not each.lossless and each.key not in (mixture, "more", "auto")
    }
    title = "LBRR and DRED" if mixture == "both" else "LBRR and DRED at 52k"
    for trace in traces:
        for score in GAINS:
            against = _known(
                (board.contrast({mine: 1, rival: -1}, trace, score), rival) for rival in rivals
            )
            nearest, rival = min(against, key=lambda pair: (_reach(pair[0]), pair[1]))
            yield Verdict(
                f"{title} ({called(weights)}): best or level, {score}",
                trace,
                f"{_figures(board, (mine, rival), trace, score)}; hardest rival: {rivals[rival]}",
                nearest,
                0.0,
                Kind.LEVEL,
            )


def _controls_well(board: Board, weights: str, traces: Sequence[str]) -> Iterator[Verdict]:
    """The controller against the fixed setting that is best on each network."""
    auto = at("auto", weights)
    fixed = {at(key, weights): title for key, title in _fixed()}
    for trace in traces:
        against = _known(
            (board.contrast({auto: 1, each: -1}, trace, "plcmos"), each) for each in fixed
        )
        nearest, best = min(against, key=lambda pair: (pair[0].value, pair[1]))
        yield Verdict(
            f"The controller ({called(weights)}) is within {SLACK} plcmos of the best fixed setting",
            trace,
            f"{_figures(board, (auto, best), trace, 'plcmos')}; best: {fixed[best]}",
            nearest,
            -SLACK,
        )


def _is_best_on_average(board: Board, weights: str, traces: Sequence[str]) -> Verdict:
    """The controller against the fixed setting that is best over all networks."""
    auto = at("auto", weights)
    fixed = {at(key, weights): title for key, title in _fixed()}
    against = _known((board.overall({auto: 1, each: -1}, traces, "plcmos"), each) for each in fixed)
    nearest, best = min(against, key=lambda pair: (pair[0].value, pair[1]))
    figures = (board.overall({case: 1}, traces, "plcmos").value for case in (auto, best))
    return Verdict(
        f"The controller ({called(weights)}) beats every fixed setting on average, plcmos",
        EVERY,
        f"{' / '.join(f'{each:.2f}' for each in figures)}; best: {fixed[best]}",
        nearest,
        0.0,
    )


def _fixed() -> Iterator[tuple[str, str]]:
    """Settings that take no more bits than the controller."""
    for each in CONDITIONS:
        if not each.lossless and each.key not in ("auto", "more"):
            yield each.key, each.title


def _known(against: Iterable[tuple[Estimate, str]]) -> list[tuple[Estimate, str]]:
    """Those that were measured; where none was, one that was not."""
    every = list(against)
    return [pair for pair in every if not math.isnan(pair[0].value)] or every[:1]


def _reach(found: Estimate) -> float:
    return found.high if found.bounded else found.value


def _is_cheap(board: Board, weights: str) -> Verdict:
    kbps = board.kbps(at("dred", weights), deep=True)
    copy = 1000 * kbps.value / (DRED_MS / COPY_MS)
    return Verdict(
        f"{DRED_MS / 1000} s of deep redundancy ({called(weights)}) in {MOST_KBPS:g} kb/s",
        NOTHING,
        f"{kbps.value:.1f} kb/s; {copy:.0f} b/s for each copy of {COPY_MS} ms",
        kbps,
        MOST_KBPS,
        Kind.STAY,
    )


def _figures(board: Board, cases: Sequence[str], trace: str, score: str) -> str:
    digits = DIGITS[score]
    return " / ".join(f"{board.mean(case, trace, score).value:.{digits}f}" for case in cases)
