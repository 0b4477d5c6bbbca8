"""What an audit found, for programs: JSON that every reader takes, and groups as comma-separated values."""

import csv
import io
import json
import math
from typing import Any

from allears.fairness.cohorts.rules import plain
from allears.fairness.findings import Audit, Comparison, Group, Grouping
from allears.score.bootstrap import Estimate

COLUMNS = (
    "grouping", "kind", "group", "about", "wer", "low", "high", "speakers", "utterances", "words", "errors",
    "ratio", "ratio_low", "ratio_high", "p", "significant", "shrunk", "share",
)  # fmt: skip
"""Of a group: its word error rate with a 95 % interval, counts, and its rate through that of the rest."""


def rows(audit: Audit) -> list[dict[str, Any]]:
    """One for each group of each grouping, in the order of the report; what cannot be had is None."""
    return [_row(by, group) for by in audit.groupings for group in by.groups]


def as_json(audit: Audit) -> str:
    """All that was found, texts of utterances but where they may be shown; strict JSON, one line."""
    found = {
        "source": audit.source,
        "overall": _estimate(audit.overall)
        | {"speakers": audit.speakers, "utterances": audit.utterances, "words": audit.words},
        "gaps": [_gap(each) for each in audit.groupings],
        "groups": [
            _row(by, group) | {"rule": plain(by.rules.get(group.name))}
            for by in audit.groupings
            for group in by.groups
        ],
        "comparison": _comparison(audit.comparison),
        "left_out": [
            {
                "reason": each.reason,
                "counted": each.counted,
                "rows": each.rows,
                "first": list(each.first),
            }
            for each in audit.left_out
        ],
        "notes": list(audit.notes),
        "settings": dict(audit.settings or {}),
    }
    return json.dumps(found, ensure_ascii=False, allow_nan=False)


def as_csv(audit: Audit) -> str:
    """The groups; what cannot be had is empty, and no cell is taken for a formula by a spreadsheet."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows(audit):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return file.getvalue()


def _row(by: Grouping, group: Group) -> dict[str, Any]:
    values = (
        by.by, by.kind, group.name, group.about, *map(_number, group.wer), group.speakers, group.utterances,
        group.words, group.errors, *map(_number, group.ratio), _number(group.p), bool(group.significant),
        _number(group.shrunk), _number(group.share),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _gap(by: Grouping) -> dict[str, Any]:
    return {
        "grouping": by.by,
        "kind": by.kind,
        "worst": by.worst,
        "best": by.best,
        "gap": _number(by.gap.value),
        "low": _number(by.gap.low),
        "high": _number(by.gap.high),
        "p": _number(by.any_p),
        "unseen": _number(by.unseen),
        "correction": by.correction,
        "held_out": by.held_out,
        "suppressed": by.suppressed,
        "stability": None if by.stability is None else _number(by.stability),
        "regions": [{"group": each.group, "boxes": [[*map(_number, box)] for box in each.boxes]}
                    for each in by.regions],
    }  # fmt: skip


def _comparison(found: Comparison | None) -> dict[str, Any] | None:
    if found is None:
        return None
    groups = [
        {"grouping": by, "group": group} | _pair(estimates)
        for by, groups in found.groups.items()
        for group, estimates in groups.items()
    ]
    return (
        {"first": found.first, "second": found.second} | _pair(found.overall) | {"groups": groups}
    )


def _pair(estimates: tuple[Estimate, Estimate, Estimate]) -> dict[str, Any]:
    names = ("first_wer", "second_wer", "difference")
    return {name: _estimate(each, "value") for name, each in zip(names, estimates, strict=True)}


def _estimate(found: Estimate, name: str = "wer") -> dict[str, Any]:
    return {name: _number(found.value), "low": _number(found.low), "high": _number(found.high)}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
