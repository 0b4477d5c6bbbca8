"""What an audit found, as plain values: what a report shows, JSON carries and a pipeline decides by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from allears.score.bootstrap import Estimate

Kind = Literal["named", "place", "census", "voice", "search"]
"""Groups named beforehand; found on the map, in the census, among voices, among combinations of labels."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group. Its figures are of speakers that had no part in finding it.

    `ratio` is its word error rate through that of the rest, speakers as random effects (mixed Poisson); `p` is
    adjusted for all that was looked at (see `Grouping.correction`); `shrunk` is the rate pulled towards that of
    all groups by how unsure it is, for ranking. `share` is its part of the speakers.
    """

    name: str
    errors: int
    words: int
    utterances: int
    speakers: int
    wer: Estimate
    ratio: Estimate
    p: float
    significant: bool
    shrunk: float
    share: float
    about: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """Where a group lives: boxes of south, west, north, east in degrees."""

    group: str
    boxes: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Living:
    """What the census says of where somebody lives: a column is a kind, or an amount or more; or not (`met`).

    `zip` is the column of the results that has zip codes.
    """

    column: str
    sign: Literal["=", "≥"]
    value: str | float
    met: bool
    zip: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is in a group, so that it can be said of speakers whom the audit never heard; all of it must be met.

    `labels` are columns and what is written there; `boxes` south, west, north and east in degrees, the south and
    west edges within, in one of which the place is.
    """

    labels: tuple[tuple[str, str], ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    living: Living | None = None


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way to divide the speakers, worst group first.

    `gap` is (worst − best) / best, over the groups that are large enough, `worst` and `best` their names.
    `any_p` is the chance that speakers dealt at random would show so large a difference anywhere (without
    `dealt`: the least p of its groups, corrected). `held_out` says whether groups were found on other speakers
    than their figures are of; `suppressed` are those too small to be shown. `unseen` is the least by which
    the rate of a group must exceed that of the rest, relative to it, to be shown four times in five: that of the
    middle one of the groups. `stability` (voices) is how alike groups come out from
    other seeds, 0 … 1. `rules` say by group who is in it, where that can be said without hearing them.
    """

    by: str
    kind: Kind
    groups: tuple[Group, ...]
    worst: str
    best: str
    gap: Estimate
    any_p: float
    correction: Literal["holm", "bh"]
    held_out: bool
    suppressed: int
    unseen: float
    stability: float | None = None
    regions: tuple[Region, ...] = ()
    dealt: bool = True
    rules: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows that were not counted, or not in all that there is, as the reason says, and the first of their numbers.

    Rows are numbered from 1, the header left out.
    """

    reason: str
    rows: int
    first: tuple[int, ...]

    @property
    def counted(self) -> bool:
        """Whether they count all the same, but not in everything or not without doubt."""
        return self.reason.startswith("counted,")


@dataclass(frozen=True, slots=True)
class Example:
    """An utterance of the worst group in which much went wrong; only where text may be shown."""

    group: str
    reference: str
    hypothesis: str
    errors: int
    words: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same utterances: each one's rate, and the difference, paired by speaker, by group too."""

    first: str
    second: str
    overall: tuple[Estimate, Estimate, Estimate]
    groups: Mapping[str, Mapping[str, tuple[Estimate, Estimate, Estimate]]]
    """By grouping, by group: the first's rate, the second's, second minus first."""


@dataclass(frozen=True, slots=True)
class Audit:
    """All of it. `settings` are what it was asked for, in words a reader can act on."""

    source: str
    overall: Estimate
    speakers: int
    words: int
    utterances: int
    groupings: tuple[Grouping, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    comparison: Comparison | None = None
    settings: Mapping[str, str] | None = None
