"""How many more speakers it would take to know what could still be chance."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from allears.fairness.findings import Audit, Group, Grouping
from allears.fairness.report.figures import service

LEVEL, POWER = 0.05, 0.8
MOST = 100_000
"""Who needs more speakers than this is served like the others, for all anybody will know."""
WORSE = 1.005
"""Times the rest, from which a group looks worse when printed."""


@dataclass(frozen=True, slots=True)
class Need:
    """Speakers that a group has, and how many more would tell it from the rest; None: no number would."""

    grouping: Grouping
    group: Group
    more: int | None


def needs(audit: Audit) -> list[Need]:
    """Of groups that look worse but could be so by chance, fewest speakers first, those without number last."""
    found = [
        Need(by, group, more_speakers(group, audit.speakers, len(by.groups)))
        for by in audit.groupings
        for group in by.groups
        if service(group) == "unsure" and group.ratio.value >= WORSE and group.ratio.bounded
    ]
    return sorted(found, key=lambda need: math.inf if need.more is None else need.more)


def more_speakers(group: Group, everybody: int, groups: int) -> int | None:
    """Speakers that a group lacks to tell a ratio as it has now from 1, four times in five.

    The logarithm's variance is taken to go with 1/n + 1/m, n speakers of the group and m of the rest, who stay as
    many as they are; the level is Bonferroni's of all groups. None where more of the group alone will not do.
    """
    now, rest = group.speakers, everybody - group.speakers
    effect = abs(math.log(group.ratio.value)) if group.ratio.value > 0 else math.inf
    if not (group.ratio.bounded and group.ratio.low > 0 and effect and now and rest > 0):
        return None
    normal = NormalDist()
    error = math.log(group.ratio.high / group.ratio.low) / (2 * normal.inv_cdf(0.975))
    wanted = effect / (normal.inv_cdf(1 - LEVEL / (2 * max(1, groups))) + normal.inv_cdf(POWER))
    share = (wanted / error) ** 2 * (1 / now + 1 / rest) - 1 / rest if error else math.inf
    if share <= 0 or 1 / share - now > MOST:
        return None
    return max(0, math.ceil(1 / share - now))
