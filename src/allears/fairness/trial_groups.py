"""Groups of trials in an audit of speaker verification: by what is said of them, and what each group costs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from allears.fairness.calibration import costs
from allears.fairness.statistics import bootstrap
from allears.fairness.trial_audit import P_TARGET, UNDIVIDED, TrialWish
from allears.fairness.trial_findings import Against, TrialAudit, TrialGroup, TrialGrouping
from allears.fairness.verification import NOTHING, Part, Trials, parts, verify
from allears.score import trials as scoring
from allears.score.bootstrap import Estimate

_ALL = ""


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one group: the least detection cost at a threshold of its own, and Cllr."""

    detection: Estimate = NOTHING
    cllr: Estimate = NOTHING


def marked(
    audit: TrialAudit, trials: Trials, marks: Mapping[str, np.ndarray], wish: TrialWish
) -> TrialAudit:
    """With groups of trials by what is said of each, besides those of speakers; their errors are not compared.

    `marks` are texts by attribute, one for each trial, empty where nothing is known.
    """
    found = [_grouping(audit, trials, by, values, wish) for by, values in marks.items()]
    notes = tuple(each for each in audit.notes if not (found and each == UNDIVIDED))
    return replace(audit, groupings=(*audit.groupings, *found), notes=notes)


def _grouping(
    audit: TrialAudit, trials: Trials, by: str, values: np.ndarray, wish: TrialWish
) -> TrialGrouping:
    names = sorted({*values.tolist()} - {""})
    found = {
        name: _part(_some(trials, values == name), name, audit.threshold, wish) for name in names
    }
    large = [each for each in found.values() if each.speakers >= wish.min_speakers]
    lines = {}
    for each in large:
        if each.targets and each.impostors:
            some = _some(trials, values == each.name)
            one, other = scoring.det(scoring.curve(some.scores, some.target))
            lines[each.name] = tuple(one.tolist()), tuple(other.tolist())
    return TrialGrouping(
        by, tuple(TrialGroup(each, Against(), Against()) for each in large), (),
        len(found) - len(large), 0, lines,
    )  # fmt: skip


def _part(trials: Trials, name: str, threshold: float, wish: TrialWish) -> Part:
    """Figures of all these trials."""
    everybody = replace(trials, labels={_ALL: (name,) * len(trials.speakers)})
    (found,) = parts(everybody, _ALL, threshold, _drawn(trials, wish))
    return found


def costs_by_group(
    audit: TrialAudit, trials: Trials, marks: Mapping[str, np.ndarray], wish: TrialWish
) -> dict[tuple[str, str], Costs]:
    """By grouping and group; NaN where the audit shows no equal error rate either."""
    found = {}
    for grouping in audit.groupings:
        for group in grouping.groups:
            name = group.part.name
            found[grouping.by, name] = Costs()
            if np.isfinite(group.part.eer.value):
                said = marks.get(grouping.by)
                among = _within(trials, grouping.by, name) if said is None else said == name
                found[grouping.by, name] = _costs(_some(trials, among), wish)
    return found


def _within(trials: Trials, by: str, name: str) -> Bool[np.ndarray, " trials"]:
    """Trials whose both speakers are in a group, of one attribute or of several joined by `*`."""
    columns = [trials.labels[each.strip().lower()] for each in by.split("*")]
    own = np.array(
        [all(each) and " × ".join(map(str, each)) == name for each in zip(*columns, strict=True)]
    )
    both: Bool[np.ndarray, " trials"] = own[trials.enrolled] & own[trials.spoke]
    return both


def _costs(trials: Trials, wish: TrialWish) -> Costs:
    whole = verify(trials, p_target=P_TARGET, draws=wish.draws, seed=wish.seed)
    return Costs(whole.cost, costs(trials, _drawn(trials, wish))[0])


def _drawn(trials: Trials, wish: TrialWish) -> list[np.ndarray]:
    return [bootstrap.drawn(len(trials.speakers), wish.seed, each) for each in range(wish.draws)]


def _some(trials: Trials, among: Bool[np.ndarray, " trials"]) -> Trials:
    return replace(
        trials, scores=trials.scores[among], target=trials.target[among],
        enrolled=trials.enrolled[among], spoke=trials.spoke[among],
    )  # fmt: skip
