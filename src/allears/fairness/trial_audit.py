"""The audit of speaker verification: trial lists in files become findings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from allears.fairness import trial_tables, verification
from allears.fairness.audit import USUAL
from allears.fairness.calibration import costs
from allears.fairness.cohorts.attributes import columns
from allears.fairness.cohorts.rules import of_labels
from allears.fairness.findings import Rule
from allears.fairness.statistics import bootstrap
from allears.fairness.trial_findings import Line, TrialAudit, TrialGroup, TrialGrouping
from allears.fairness.trial_judging import Errors, counted, judged
from allears.fairness.verification import NOTHING, Draw, Part, Trials
from allears.score import trials as scoring
from allears.score.bootstrap import Estimate

P_TARGET = 0.01
FEW = 20
"""Speakers under which percentiles are too narrow."""
UNDIVIDED = "nothing is known by which to divide speakers; name attributes with --by"


@dataclass(frozen=True, slots=True)
class TrialWish:
    """Everything but the lists: `names` of columns by role, attributes, a table of speakers, the threshold.

    Groups of fewer than `min_speakers` are not shown. Without `by`, usual attributes are looked at.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    speakers: Path | None = None
    threshold: float | None = None
    min_speakers: int = 5
    draws: int = bootstrap.DRAWS
    seed: int = bootstrap.SEED


def audit_trials(
    paths: Sequence[Path], wish: TrialWish, *, progress: Callable[[str], None] = lambda _: None
) -> TrialAudit:
    """Who is refused or let in more often. `progress` is told what is being done.

    Raises AuditError, which names the file, the field and the remedy, for what cannot be audited.
    """
    progress("reading the trials")
    asked = [name for each in wish.by for name in columns(each)] or None
    listed = trial_tables.read(
        paths, wish.names, by=asked, usual=USUAL, speakers=wish.speakers
    )  # fmt: skip
    return audit_listed(listed, wish, ", ".join(map(str, paths)), progress=progress)


def audit_listed(
    listed: trial_tables.Listed,
    wish: TrialWish,
    source: str,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> TrialAudit:
    """The same of trials that were read; `source` is what they are called."""
    by = wish.by or tuple(listed.trials.labels)
    labels = {each: _labels(listed.trials, each) for each in by}
    shown = {each: _large(labels[each], wish.min_speakers) for each in by}
    trials = replace(listed.trials, labels=shown)
    progress("judging them")
    some = tuple(each for each in by if any(shown[each]))
    found = verification.verify(
        trials, some, threshold=wish.threshold, p_target=P_TARGET, draws=wish.draws, seed=wish.seed
    )
    drawn = [bootstrap.drawn(len(trials.speakers), wish.seed, each) for each in range(wish.draws)]
    everybody = counted(trials, np.zeros(len(trials.speakers), np.int64), 1, found.threshold, drawn)
    groupings = tuple(
        replace(each, rules=_rules(listed.trials, each))
        for each in _groupings(trials, labels, found, wish.min_speakers, drawn)
    )
    targets = int(trials.target.sum())
    cllr, least_cllr = costs(trials, drawn)
    return TrialAudit(
        source, targets, len(trials.target) - targets, len(trials.speakers),
        found.eer, found.cost, cllr, least_cllr, found.threshold, wish.threshold is not None,
        _rate(everybody[1]), _rate(everybody[0]), _line(trials, np.ones(len(trials.target), bool)),
        groupings, listed.left_out, (*listed.notes, *_notes(wish, by, groupings)), _settings(wish, by),
    )  # fmt: skip


def _labels(trials: Trials, by: str) -> tuple[str | None, ...]:
    """Each speaker's group by an attribute, or by several joined by `*`; None where one is not known."""
    return tuple(
        " × ".join(map(str, each)) if all(each) else None for each in _combined(trials, by)
    )


def _combined(trials: Trials, by: str) -> list[tuple[str | None, ...]]:
    """Each speaker's labels."""
    there = {name.lower(): values for name, values in trials.labels.items()}
    parts = [trials.labels.get(name, there[name.lower()]) for name in columns(by)]
    return list(zip(*parts, strict=True))


def _rules(trials: Trials, by: TrialGrouping) -> dict[str, Rule]:
    """Who is in the groups that are shown."""
    known = {tuple(map(str, each)) for each in _combined(trials, by.by) if all(each)}
    shown = {each.part.name for each in by.groups}
    rules = of_labels(columns(by.by), sorted(known))
    return {name: rule for name, rule in rules.items() if name in shown}


def _large(labels: Sequence[str | None], least: int) -> tuple[str | None, ...]:
    """Without groups of few speakers."""
    return tuple(each if each and labels.count(each) >= least else None for each in labels)


def _groupings(
    trials: Trials, labels: Mapping[str, tuple[str | None, ...]], found: verification.Verification,
    least: int, drawn: list[Draw],
) -> tuple[TrialGrouping, ...]:  # fmt: skip
    named: dict[str, tuple[str, ...]] = {}
    tables: list[tuple[Errors, Errors]] = []
    for by in labels:
        names = tuple(sorted({str(each) for each in trials.labels[by] if each}))
        parts = {each.name: each for each in found.parts.get(by, ())[: len(names)]}
        named[by] = tuple(each for each in names if parts[each].speakers >= least)
        tables.append(
            counted(trials, _codes(trials, by, named[by]), len(named[by]), found.threshold, drawn)
        )
    against = judged(tables)
    return tuple(
        TrialGrouping(
            by,
            tuple(
                TrialGroup(_shown(part, kinds, at, least), refused, let_in)
                for at, (part, refused, let_in) in enumerate(
                    zip(_named(found.parts.get(by, ()), named[by]), *judgements, strict=True)
                )
            ),
            _across(trials, by, named[by], found.parts.get(by, ()), least),
            len({each for each in labels[by] if each}) - len(named[by]),
            sum(each is None for each in labels[by]),
            _lines(trials, by, named[by]),
        )
        for by, kinds, judgements in zip(labels, tables, against, strict=True)
    )


def _codes(trials: Trials, by: str, names: Sequence[str]) -> Int64[np.ndarray, " speakers"]:
    """Each speaker's group; −1 is none of these."""
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers.get(each or "", -1) for each in trials.labels[by]], np.int64)


def _named(parts: Sequence[Part], names: Sequence[str]) -> list[Part]:
    """Groups come before what is across, which may be named alike."""
    return [next(each for each in parts if each.name == name) for name in names]


def _shown(part: Part, kinds: tuple[Errors, Errors], group: int, least: int) -> Part:
    """Without the rates that are of fewer speakers."""
    refused, let_in = (each.people[group] >= least for each in kinds)
    return replace(
        part,
        eer=part.eer if refused and let_in else NOTHING,
        false_non_match=part.false_non_match if refused else NOTHING,
        false_match=part.false_match if let_in else NOTHING,
    )


def _across(
    trials: Trials, by: str, names: Sequence[str], parts: Sequence[Part], least: int
) -> tuple[Part, ...]:
    """Impostors of one group as another, where enough speakers of both are."""
    codes = _codes(trials, by, names)
    first, second = codes[trials.enrolled], codes[trials.spoke]
    by_name = {each.name: each for each in parts if not each.targets}
    found = []
    for one in range(len(names)):
        for other in range(one + 1, len(names)):
            both = ((first == one) & (second == other)) | ((first == other) & (second == one))
            heard = codes[np.union1d(trials.enrolled[both], trials.spoke[both])]
            if min((heard == one).sum(), (heard == other).sum()) >= least:
                found.append(by_name[f"{names[one]} – {names[other]}"])
    return tuple(found)


def _lines(trials: Trials, by: str, names: Sequence[str]) -> dict[str, Line]:
    codes = _codes(trials, by, names)
    first, second = codes[trials.enrolled], codes[trials.spoke]
    own = {name: (first == at) & (second == at) for at, name in enumerate(names)}
    return {
        name: _line(trials, among)
        for name, among in own.items()
        if 0 < trials.target[among].sum() < among.sum()
    }


def _line(trials: Trials, among: Bool[np.ndarray, " trials"]) -> Line:
    accepted, missed = scoring.det(scoring.curve(trials.scores[among], trials.target[among]))
    return tuple(accepted.tolist()), tuple(missed.tolist())


def _rate(errors: Errors) -> Estimate:
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = errors.wrong[:, 0] / errors.trials[:, 0]
    return bootstrap.percentiles(float(rates[0]), rates[1:])


def _notes(
    wish: TrialWish, by: Sequence[str], groupings: Sequence[TrialGrouping]
) -> tuple[str, ...]:
    notes = []
    if not by:
        notes.append(UNDIVIDED)
    elif not wish.by:
        notes.append(
            f"no attribute was named, so those were looked at that are usual: {', '.join(by)}"
        )
    for each in groupings:
        if each.unknown:
            notes.append(
                f"of {each.unknown} speakers the {each.by} is not known: their trials count for everybody, "
                "for no group"
            )
        if few := [group.part.name for group in each.groups if group.part.speakers < FEW]:
            notes.append(
                f"{each.by}: intervals of {', '.join(few)} are of fewer than {FEW} speakers, and may be too narrow"
            )
    return tuple(notes)


def _settings(wish: TrialWish, by: Sequence[str]) -> dict[str, str]:
    return {
        "groups named beforehand": ", ".join(by) or "none",
        "threshold": "where errors are equal" if wish.threshold is None else f"{wish.threshold:g}",
        "detection cost": f"one speaker in {P_TARGET:.0%} of trials, errors of either kind cost 1",
        "fewest speakers of a group shown": str(wish.min_speakers),
        "draws of speakers": str(wish.draws),
        "seed": str(wish.seed),
    }
