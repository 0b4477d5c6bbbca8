"""What an audit said (its JSON): which groups there are, who is in them, and which of them is served worst."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from allears.fairness.cohorts.rules import restored
from allears.fairness.findings import Rule
from allears.fairness.refusal import AuditError
from allears.mitigation.refusal import MitigationError

Task = Literal["asr", "verify"]
_COMMANDS = {
    "asr": "allears audit RESULTS AUDIT.json --json",
    "verify": "allears audit TRIALS AUDIT.json --json",
}


@dataclass(frozen=True, slots=True)
class Cohort:
    """A group of an audit: `rate` of errors, whether it is `worse` than the rest, and whether that is sure.

    `rule` is None where nobody can say who else is in it; `rank` orders groups by how badly they are served.
    """

    grouping: str
    name: str
    rate: float
    rank: float
    worse: bool
    significant: bool
    rule: Rule | None

    def __str__(self) -> str:
        return f"{self.grouping}: {self.name}"


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit's groups by grouping, in its order, the form of writing its words were compared in."""

    path: Path
    groups: Mapping[str, tuple[Cohort, ...]]
    normaliser: str | None

    @property
    def all(self) -> list[Cohort]:
        """Every group."""
        return [each for groups in self.groups.values() for each in groups]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The cohort that is to be served better, and a sentence on why it is this one."""

    cohort: Cohort
    sentence: str


def read(path: Path, task: Task) -> Audited:
    """An audit for a task. Raises MitigationError, which names the file, what is wrong and the remedy."""
    found = _object(path, task)
    kind: Task = "verify" if found.get("kind") == "verification" else "asr"
    if kind != task:
        what = {"asr": "of recognition", "verify": "of speaker verification"}
        raise MitigationError(
            f"{path}: is an audit {what[kind]}, --task {task} needs one {what[task]}; "
            f"give --task {kind}, or the other audit"
        )
    try:
        rows = [each for each in found["groups"] if each.get("trials", "within") == "within"]
        cohorts = [(_of_trials if task == "verify" else _of_words)(path, each) for each in rows]
    except (AttributeError, KeyError, TypeError) as error:
        raise MitigationError(
            f"{path}: groups: {error} is missing or not as it should be; write it again with {_COMMANDS[task]}"
        ) from None
    by = dict.fromkeys(each.grouping for each in cohorts)
    settings = found.get("settings")
    return Audited(
        path,
        {name: tuple(each for each in cohorts if each.grouping == name) for name in by},
        settings.get("normaliser") if isinstance(settings, dict) else None,
    )


def chosen(audit: Audited, name: str | None = None) -> Chosen:
    """The cohort of that name (or "grouping: name"), else the worst for sure, else the worst.

    Raises MitigationError where there is none of that name or several, and where nobody is served worse.
    """
    if name is not None:
        return _named(audit, name)
    if not audit.all:
        raise MitigationError(
            f"{audit.path}: has no group that is large enough to be shown; audit more speakers, or by another "
            "column (--by)"
        )
    bad = sorted(
        (each for each in audit.all if each.worse), key=lambda each: (-each.rank, str(each))
    )
    if not bad:
        raise MitigationError(
            f"{audit.path}: no group is served worse than the rest, so there is nothing to mend; "
            f"--cohort NAME chooses one all the same: {_listed(audit.all)}"
        )
    sure = [each for each in bad if each.significant]
    if sure:
        return Chosen(
            sure[0], f"the worst group of those that are served worse for sure: {sure[0]}"
        )
    return Chosen(
        bad[0], f"no group is served worse for sure; the worst, which may be chance: {bad[0]}"
    )


def _named(audit: Audited, name: str) -> Chosen:
    found = [each for each in audit.all if name in (each.name, str(each))]
    if not found:
        raise MitigationError(
            f"--cohort {name!r}: {audit.path} has no such group; there are: {_listed(audit.all) or 'none'}"
        )
    if len(found) > 1:
        raise MitigationError(f"--cohort {name!r} could be {_listed(found)}; write one of them so")
    (cohort,) = found
    sure = "served worse for sure" if cohort.significant and cohort.worse else (
        "not served worse for sure" if cohort.worse else "not served worse than the rest"
    )  # fmt: skip
    return Chosen(cohort, f"as named, {cohort}, which is {sure}")


def _listed(cohorts: Sequence[Cohort], most: int = 8) -> str:
    names = [repr(str(each)) for each in cohorts[:most]]
    return ", ".join([*names, f"and {len(cohorts) - most} more"] if len(cohorts) > most else names)


def _object(path: Path, task: Task) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MitigationError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise MitigationError(
            f"{path}: is no JSON ({error}); write it with {_COMMANDS[task]}"
        ) from None
    if not isinstance(found, dict) or not isinstance(found.get("groups"), list):
        raise MitigationError(f"{path}: is no audit; write one with {_COMMANDS[task]}")
    return found


def _of_words(path: Path, row: Mapping[str, Any]) -> Cohort:
    ratio, wer = _number(row["ratio"]), _number(row["wer"])
    rank = _number(row["shrunk"])
    return Cohort(
        str(row["grouping"]), str(row["group"]), wer, wer if math.isnan(rank) else rank,
        ratio > 1, bool(row["significant"]), _rule(path, row),
    )  # fmt: skip


def _of_trials(path: Path, row: Mapping[str, Any]) -> Cohort:
    sides = [
        (_number(row[f"{kind}_difference"]) > 0, bool(row[f"{kind}_significant"]))
        for kind in ("fnmr", "fmr")
    ]
    eer = _number(row["eer"])
    return Cohort(
        str(row["grouping"]), str(row["group"]), eer, -1.0 if math.isnan(eer) else eer,
        any(worse for worse, _ in sides), any(worse and sure for worse, sure in sides), _rule(path, row),
    )  # fmt: skip


def _rule(path: Path, row: Mapping[str, Any]) -> Rule | None:
    if row.get("rule") is None:
        return None
    try:
        return restored(row["rule"])
    except AuditError as error:
        raise MitigationError(f"{path}: {row['grouping']}: {row['group']}: {error}") from None


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
