"""Who is in a group, said so that it holds for anybody: as a value, as JSON, and whether somebody is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from allears.fairness.cohorts.attributes import columns
from allears.fairness.cohorts.grid import CELL, located
from allears.fairness.findings import Living, Rule
from allears.fairness.refusal import AuditError
from allears.fairness.sums import UNKNOWN, Sums

_JOINED = " × "


def named(sums: Sums, by: str) -> dict[str, Rule]:
    """Of each combination of labels that a grouping by columns has."""
    names = columns(by)
    at = [sums.columns.index(each) for each in names]
    found = np.unique(sums.codes[:, at], axis=0)
    return of_labels(
        names,
        (
            [sums.values[column][code] for column, code in zip(at, codes, strict=True)]
            for codes in found[(found != UNKNOWN).all(1)].tolist()
        ),
    )


def of_labels(names: Sequence[str], combinations: Iterable[Sequence[str]]) -> dict[str, Rule]:
    """Of groups that are called by their labels, in these columns."""
    return {
        _JOINED.join(labels): Rule(labels=tuple(zip(names, labels, strict=True)))
        for labels in combinations
    }


def plain(rule: Rule | None) -> dict[str, Any] | None:
    """As JSON has it; None where there is no rule."""
    if rule is None:
        return None
    found: dict[str, Any] = {}
    if rule.labels:
        found["labels"] = dict(rule.labels)
    if rule.boxes:
        found["boxes"] = [list(each) for each in rule.boxes]
    if rule.living:
        living = rule.living
        found["census"] = {
            "column": living.column, "sign": living.sign, "value": living.value, "met": living.met,
            "zip": living.zip,
        }  # fmt: skip
    return found


def restored(found: Any) -> Rule:
    """What `plain` made. Raises AuditError where it made something else."""
    try:
        labels = tuple((str(name), str(label)) for name, label in found.get("labels", {}).items())
        boxes = tuple(
            (float(s), float(w), float(n), float(e)) for s, w, n, e in found.get("boxes", ())
        )
        census = found.get("census")
        living = _living(census) if census is not None else None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AuditError(f"a rule that cannot be read ({error}); write the audit again") from None
    if not (labels or boxes or living):
        raise AuditError("a rule that says nothing; write the audit again")
    return Rule(labels, boxes, living)


def _living(census: Mapping[str, Any]) -> Living:
    sign, value = census["sign"], census["value"]
    if sign not in ("=", "≥") or (sign == "≥") == isinstance(value, str):
        raise ValueError(f"{sign!r} {value!r}")
    amount = value if isinstance(value, str) else float(value)
    return Living(str(census["column"]), sign, amount, bool(census["met"]), str(census["zip"]))


def within(
    boxes: Sequence[tuple[float, float, float, float]], places: Float64[np.ndarray, "speakers 2"]
) -> list[bool | None]:
    """Whether latitudes and longitudes are in one of `boxes`, as a tree has it; None where unknown."""
    squares = located(places)
    degrees = np.array(boxes).reshape(-1, 2, 2) + np.array((90, 180))
    corners = np.round(degrees / CELL).astype(int)
    inside = (squares[:, None] >= corners[None, :, 0]) & (squares[:, None] < corners[None, :, 1])
    found = inside.all(2).any(1)
    known = squares[:, 0] != UNKNOWN
    return [bool(each) if there else None for each, there in zip(found, known, strict=True)]


def lives(living: Living, value: str | float | None) -> bool | None:
    """Whether a kind or an amount of the census is as the rule has it; None where it is not known."""
    if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
        return None
    if living.sign == "=":
        return (str(value) == str(living.value)) == living.met
    return (float(value) >= float(living.value)) == living.met
