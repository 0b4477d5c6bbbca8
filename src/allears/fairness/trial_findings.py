"""What an audit of speaker verification found, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from allears.fairness.findings import LeftOut, Rule
from allears.fairness.verification import NOTHING, Part
from allears.score.bootstrap import Estimate

Line = tuple[tuple[float, ...], tuple[float, ...]]
"""Of a detection error trade-off: shares of false matches, and of false non-matches."""


@dataclass(frozen=True, slots=True)
class Against:
    """A group's error rate against that of all other groups, each speaker within their own group.

    `difference` is group minus rest, `ratio` group through rest; `p` is corrected (Holm) for all that was looked
    at; `unseen` is the difference that these speakers would have shown four times in five.
    """

    difference: Estimate = NOTHING
    ratio: Estimate = NOTHING
    p: float = float("nan")
    significant: bool = False
    unseen: float = float("nan")


@dataclass(frozen=True, slots=True)
class TrialGroup:
    """A group and both its errors: who it is for is refused, who it is not for let in."""

    part: Part
    refused: Against
    let_in: Against


@dataclass(frozen=True, slots=True)
class TrialGrouping:
    """One way to divide speakers: groups by themselves, and impostors of one as another.

    `suppressed` groups are of too few speakers to be shown; of `unknown` speakers nothing is written down.
    `lines` are of the groups that have errors of both kinds; `rules` say by group who is in it.
    """

    by: str
    groups: tuple[TrialGroup, ...]
    across: tuple[Part, ...]
    suppressed: int
    unknown: int
    lines: Mapping[str, Line]
    rules: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrialAudit:
    """All of it; `asked`: whether the threshold was given, and not where errors of both kinds are equal."""

    source: str
    targets: int
    impostors: int
    speakers: int
    eer: Estimate
    cost: Estimate
    cllr: Estimate
    least_cllr: Estimate
    threshold: float
    asked: bool
    false_match: Estimate
    false_non_match: Estimate
    line: Line
    groupings: tuple[TrialGrouping, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    settings: Mapping[str, str]
