"""Groups become findings: rates with intervals, ratios to the rest, p-values, ranks; small groups are not shown.

p-values are corrected for all that was looked at in an audit. A way of dividing counts if any difference in
it would, after Holm over all of them; within it groups are corrected by Holm where they were named
beforehand, by Benjamini and Hochberg where they were found. A group's p is the larger of both, so with
nothing anywhere none stands out, 19 times in 20.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float64, Int64

from allears.fairness.findings import Group, Grouping, Kind, Region, Rule
from allears.fairness.statistics import halves, intervals, multiplicity, permutation, poisson, power
from allears.fairness.statistics.shrinkage import shrunk
from allears.fairness.sums import ERRORS, UTTERANCES, WORDS, Groups, summed
from allears.score.bootstrap import Estimate

UNKNOWN = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class Question:
    """One way to divide speakers, to be judged.

    `groups` are of the speakers whose figures count. Of what was found on others, `found` are the same groups of
    those, and `again` what the reverse has found, measured on them. With `everybody`, groups overlap or leave
    people out, and are judged each against all who are not in it.
    """

    by: str
    kind: Kind
    groups: Groups
    found: Groups | None = None
    again: Groups | None = None
    everybody: Groups | None = None
    stability: float | None = None
    regions: tuple[Region, ...] = ()
    about: tuple[str, ...] = ()
    rules: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """Groups of fewer speakers are not shown; speakers are dealt anew `rounds` times; from `seed`."""

    min_speakers: int = 5
    rounds: int = 999
    seed: int = 0


def judged(questions: Sequence[Question], settings: Settings) -> tuple[Grouping, ...]:
    """All of them, corrected together."""
    raw = [_judged(each, settings) for each in questions]
    corrected = multiplicity.throughout(
        [each.any_p for each in raw],
        [np.array([group.p for group in each.groups], float) for each in raw],
        [each.correction for each in raw],
    )
    return tuple(_corrected(each, p) for each, p in zip(raw, corrected, strict=True))


def _corrected(grouping: Grouping, p: Float64[np.ndarray, " groups"]) -> Grouping:
    told = [
        replace(group, p=float(each), significant=bool(each <= intervals.LEVEL))
        for group, each in zip(grouping.groups, p, strict=True)
    ]
    return replace(grouping, groups=tuple(told))


def _judged(question: Question, settings: Settings) -> Grouping:
    """With p-values as they are, worst group first."""
    groups = question.groups
    large = np.flatnonzero(groups.speakers() >= settings.min_speakers)
    found = _apart(question, large) if question.everybody else _together(groups, large)
    order = sorted(range(len(large)), key=lambda each: -_rank(found[each]))
    found = [_about(found[each], question, int(large[each])) for each in order]
    shown = {each.name for each in found}
    discovered = question.kind != "named"
    tests = max(1, len(found))
    return Grouping(
        question.by, question.kind, tuple(found),
        found[0].name if found else "", found[-1].name if found else "",
        _gap(question, large), _any_p(question, settings),
        "bh" if discovered else "holm", discovered, int((groups.speakers() > 0).sum()) - len(found),
        power.unseen(groups.only(large.tolist()), tests) if len(large) > 1 else float("nan"),
        question.stability, tuple(each for each in question.regions if each.group in shown),
        question.everybody is None and permutation.dealable(groups),
        {name: rule for name, rule in question.rules.items() if name in shown},
    )  # fmt: skip


def _together(groups: Groups, large: Int64[np.ndarray, " shown"]) -> list[Group]:
    """Groups that divide people; those too small to be shown belong to the rest of each of the others."""
    folded = _folded(groups, large)
    p, rates, ratios = (
        intervals.p_values(folded), intervals.rates(folded), poisson.effects(folded).ratios,
    )  # fmt: skip
    ranks = shrunk(folded)
    return [
        _group(folded, each, rates[each], ratios[each], float(p[each]), float(ranks[each]))
        for each in range(len(large))
    ]


def _apart(question: Question, large: Int64[np.ndarray, " shown"]) -> list[Group]:
    """Groups that overlap, each against everybody who is not in it."""
    assert question.everybody
    rates, ranks = intervals.rates(question.groups), shrunk(question.groups)
    found = []
    for each in large.tolist():
        both = beside(question.groups, each, question.everybody)
        ratio, p = poisson.effects(both).ratios[0], float(intervals.p_values(both)[0])
        found.append(_group(question.groups, each, rates[each], ratio, p, float(ranks[each])))
    return found


def beside(groups: Groups, group: int, everybody: Groups) -> Groups:
    """A group, and what is not of it in `everybody`."""
    own = groups.only([group])
    counts = everybody.counts.copy()
    row = np.full(everybody.people, -1, np.int64)
    row[everybody.speaker] = np.arange(len(everybody.speaker))
    counts[row[own.speaker]] -= own.counts
    left = counts[:, UTTERANCES] > 0
    return summed(
        (groups.names[group], "everybody else"), groups.people,
        np.concatenate((own.speaker, everybody.speaker[left])),
        np.concatenate((np.zeros(len(own.speaker), np.int64), np.ones(left.sum(), np.int64))),
        np.concatenate((own.counts, counts[left])),
    )  # fmt: skip


def _folded(groups: Groups, large: Int64[np.ndarray, " shown"]) -> Groups:
    """The large ones in order, and all others as one more, if there are any."""
    place = np.full(len(groups.names), len(large), np.int64)
    place[large] = np.arange(len(large))
    names = tuple(groups.names[each] for each in large)
    group = place[groups.group]
    others = ("others",) if (group == len(large)).any() else ()
    return summed((*names, *others), groups.people, groups.speaker, group, groups.counts)


def _group(
    groups: Groups, each: int, wer: Estimate, ratio: Estimate, p: float, rank: float
) -> Group:
    totals, speakers = groups.totals()[each], int(groups.speakers()[each])
    return Group(
        groups.names[each], int(totals[ERRORS]), int(totals[WORDS]), int(totals[UTTERANCES]), speakers,
        wer, ratio, p, False, rank, speakers / max(1, groups.people),
    )  # fmt: skip


def _about(group: Group, question: Question, number: int) -> Group:
    return replace(group, about=question.about[number]) if question.about else group


def _rank(group: Group) -> float:
    return group.wer.value if np.isfinite(group.wer.value) else -1.0


def _gap(question: Question, large: Int64[np.ndarray, " shown"]) -> Estimate:
    """Of what was found: of the groups that were worst and best where they were found.

    Of what was named: of the worst and the best as they are, with an interval that holds for any two of them.
    """
    if question.everybody is not None or len(large) < 2:
        return UNKNOWN
    some = question.groups.only(large.tolist())
    if question.found is not None:
        return intervals.gap(some, *halves.extremes(question.found.only(large.tolist())))
    pairs = len(large) * (len(large) - 1) // 2
    return intervals.gap(some, *halves.extremes(some), pairs)


def _any_p(question: Question, settings: Settings) -> float:
    if question.everybody is not None:
        rest = [
            intervals.p_values(beside(question.groups, each, question.everybody))[0]
            for each in range(len(question.groups.names))
        ]
        return multiplicity.any_of(np.array(rest, float))
    found = permutation.any_of(question.groups, settings.rounds, settings.seed)
    if question.again is None:
        return found
    other = permutation.any_of(question.again, settings.rounds, settings.seed)
    return halves.any_p(found, other)
