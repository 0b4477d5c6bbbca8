"""Which ways of dividing speakers an audit looks at: all that the data allows, each prepared to be judged.

What is named beforehand is judged on everybody. What is found (on the map, in the census, among voices, among
combinations of labels) is found on one half of the speakers and judged on the other, and then the reverse.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from allears.fairness.cohorts.attributes import Attributes, columns
from allears.fairness.cohorts.census import Census
from allears.fairness.cohorts.discovery import Discovery
from allears.fairness.cohorts.partition import CensusPartition
from allears.fairness.cohorts.rules import named
from allears.fairness.cohorts.search import SubgroupSearch
from allears.fairness.cohorts.sizing import sized_tree
from allears.fairness.cohorts.voices import VoiceClusters
from allears.fairness.findings import Kind
from allears.fairness.judging import Question
from allears.fairness.refusal import AuditError
from allears.fairness.statistics import halves
from allears.fairness.sums import UNKNOWN, Groups, Sums

LEAST = 40
"""Speakers that it takes to find anything on half of them."""
Make = Callable[[Sums, Bool[np.ndarray, " speakers"]], Discovery]
"""A discovery fitted to some speakers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and who is in its groups in other sums of the same speakers (a second system's)."""

    question: Question
    again: Callable[[Sums], Groups]


def asked(
    sums: Sums, by: Sequence[str], zip_column: str | None, census: Census | None, seed: int
) -> Iterator[Asked]:
    """The named groupings `by` first, then what can be found. Raises AuditError where a named one is not there."""
    for each in by:
        yield _named(sums, each)
    if len(sums.speakers) < LEAST:
        return
    half = halves.split(len(sums.speakers), seed)
    for kind, title, make in _discoveries(sums, zip_column, census, seed):
        try:
            yield _found(sums, kind, title, make, half)
        except AuditError:
            continue  # too few speakers of whom this is known: nothing can be found
    single = sorted({name for each in by for name in columns(each)})
    if len(single) > 1 and (searched := _searched(sums, single, by, half)):
        yield searched


def _named(sums: Sums, by: str) -> Asked:
    found = Attributes(by).fit(sums)
    groups = found.groups(sums)
    if not groups.names:
        raise AuditError(f"--by {by}: no row has a label there")
    return Asked(Question(by, "named", groups, rules=named(sums, by)), found.groups)


def _discoveries(
    sums: Sums, zip_column: str | None, census: Census | None, seed: int
) -> Iterator[tuple[Kind, str, Make]]:
    if sums.places is not None:
        yield "place", "place", lambda sums, among: sized_tree(sums, among, seed)
    if census is not None and zip_column is not None:
        yield (
            "census",
            "census",
            lambda sums, among: CensusPartition(census, zip_column).fit(sums, among),
        )
    if sums.voices is not None:
        yield "voice", "voice", lambda sums, among: VoiceClusters(seed=seed).fit(sums, among)


def _found(
    sums: Sums, kind: Kind, title: str, make: Make, half: Bool[np.ndarray, " people"]
) -> Asked:
    """Found without the first half and judged on it, then the reverse."""
    first = make(sums, ~half)
    whole = first.groups(sums)
    second = make(sums, half).groups(sums)
    question = Question(
        title, kind, whole.of(half), whole.of(~half), second.of(~half),
        stability=getattr(first, "stability_", None), regions=getattr(first, "regions_", ()),
        rules=getattr(first, "rules_", {}),
    )  # fmt: skip
    return Asked(question, lambda other: first.groups(other).of(half))


def _searched(
    sums: Sums, names: Sequence[str], alone: Sequence[str], half: Bool[np.ndarray, " people"]
) -> Asked | None:
    """Combinations found without the first half and judged on it; none of a single label that was named anyway."""
    search = SubgroupSearch(names).fit(sums, ~half)
    new = [
        number
        for number, each in enumerate(search.subgroups_)
        if len(each.labels) > 1 or each.labels[0][0] not in alone
    ]
    if not new:
        return None
    question = Question(
        " × ".join(names), "search", search.groups(sums).only(new).of(half),
        everybody=sums.everybody().of(half), rules=search.rules_,
    )  # fmt: skip
    return Asked(question, lambda other: search.groups(other).only(new).of(half))


def rows_of(groups: Groups, group: str, sums: Sums) -> Bool[np.ndarray, " rows"]:
    """Rows of those who are in a group with all that they said; for groups that speakers belong to as a whole."""
    there = np.zeros(len(sums.speakers), bool)
    number = groups.names.index(group) if group in groups.names else UNKNOWN
    there[groups.speaker[groups.group == number]] = True
    found: Bool[np.ndarray, " rows"] = there[sums.speaker]
    return found
