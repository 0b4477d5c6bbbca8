"""What became of each cohort: its errors before and after, on speakers never used, and what is said of it."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allears.fairness.report import figures
from allears.score.bootstrap import Estimate

EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Change:
    """A group's error rate before and after, and by how much it rose, speakers paired; of `speakers` tested."""

    grouping: str
    group: str
    speakers: int
    before: Estimate
    after: Estimate
    difference: Estimate

    def __str__(self) -> str:
        return f"{self.grouping}: {self.group}" if self.grouping else self.group

    @property
    def worse(self) -> bool:
        """Whether the error rose for sure: the 95 % interval of the difference lies above 0."""
        return self.difference.bounded and bool(self.difference.low > 0)

    @property
    def better(self) -> bool:
        """Whether it fell for sure."""
        return self.difference.bounded and bool(self.difference.high < 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All of it: `taken` says whether there is a new model, `sentences` what was decided and why.

    `changes` begin with everybody. `error` is what rates are of: words that are wrong, or equal error rate.
    """

    task: str
    method: str
    cohort: str
    error: str
    taken: bool
    choice: str
    sentences: tuple[str, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def worse(self) -> list[Change]:
        """Whose error rose for sure."""
        return [each for each in self.changes if each.worse]

    @property
    def last(self) -> str:
        """What matters most in one line."""
        if bad := self.worse:
            return f"Significantly worse: {'; '.join(map(_rise, bad))}"
        unsure = [str(each) for each in self.changes if not each.difference.bounded]
        but = f" (not enough speakers to say so of {', '.join(unsure)})" if unsure else ""
        kept = "" if self.taken else ": the old model is kept"
        return f"No cohort became significantly worse{kept}{but}."


def uncompared(
    labels: Mapping[str, Mapping[str, str]], tested: Collection[str], changes: Sequence[Change]
) -> tuple[str, ...]:
    """A note on groups of test speakers that are too small for anything to be said of them; none where all are."""
    there = {(each.grouping, each.group) for each in changes}
    small = sorted(
        f"{by}: {name}"
        for by, groups in labels.items()
        for name in {groups[each] for each in tested} - {""}
        if (by, name) not in there
    )
    return (f"not compared, of too few test speakers: {', '.join(small)}",) if small else ()


def _rise(change: Change) -> str:
    return (
        f"{change} (from {figures.rate(change.before.value)} to {figures.rate(change.after.value)}, "
        f"{figures.change(change.difference.value)} points, 95 % interval {figures.changes(change.difference)})"
    )


def as_json(found: Outcome) -> str:
    """The same for programs; strict JSON, one line."""
    made = {
        "task": found.task,
        "method": found.method,
        "cohort": found.cohort,
        "error": found.error,
        "taken": found.taken,
        "choice": found.choice,
        "sentences": list(found.sentences),
        "changes": [_row(each) for each in found.changes],
        "worse": [str(each) for each in found.worse],
        "notes": list(found.notes),
        "last": found.last,
    }
    return json.dumps(made, ensure_ascii=False, allow_nan=False)


def _row(change: Change) -> dict[str, Any]:
    estimates = {"before": change.before, "after": change.after, "difference": change.difference}
    return {
        "grouping": change.grouping or None,
        "group": change.group,
        "speakers": change.speakers,
        **{name: _spread(each) for name, each in estimates.items()},
        "significantly_worse": change.worse,
        "significantly_better": change.better,
    }


def _spread(found: Estimate) -> dict[str, float | None]:
    parts: Sequence[tuple[str, float]] = (
        ("value", found.value), ("low", found.low), ("high", found.high),
    )  # fmt: skip
    return {name: float(each) if math.isfinite(each) else None for name, each in parts}
