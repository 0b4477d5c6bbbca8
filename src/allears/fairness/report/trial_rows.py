"""What an audit of speaker verification found, for programs: strict JSON, and groups as comma-separated values."""

import csv
import io
import json
import math
from typing import Any

from allears.fairness.cohorts.rules import plain
from allears.fairness.findings import Rule
from allears.fairness.trial_findings import Against, TrialAudit, TrialGroup, TrialGrouping
from allears.fairness.verification import Part
from allears.score.bootstrap import Estimate

RATES = ("eer", "fmr", "fnmr")


def rows(audit: TrialAudit) -> list[dict[str, Any]]:
    """One for each group, then one for impostors across two; what cannot be had is None."""
    return [
        row
        for by in audit.groupings
        for row in (
            *(_row(by, each) for each in by.groups),
            *(_part(by, each, "across") for each in by.across),
        )
    ]


def as_json(audit: TrialAudit) -> str:
    """All that was found; strict JSON, one line."""
    overall = (
        {"trials": audit.targets + audit.impostors, "targets": audit.targets, "impostors": audit.impostors,
         "speakers": audit.speakers}
        | _spread("eer", audit.eer) | _spread("min_dcf", audit.cost) | _spread("cllr", audit.cllr)
        | _spread("min_cllr", audit.least_cllr) | _spread("fmr", audit.false_match)
        | _spread("fnmr", audit.false_non_match)
    )  # fmt: skip
    rules = _rules(audit)
    found = {
        "kind": "verification",
        "source": audit.source,
        "threshold": _number(audit.threshold),
        "threshold_given": audit.asked,
        "overall": overall,
        "groups": [
            row | {"rule": plain(rules.get((row["grouping"], row["group"])))} for row in rows(audit)
        ],
        "groupings": [
            {"grouping": each.by, "suppressed": each.suppressed, "unknown_speakers": each.unknown}
            for each in audit.groupings
        ],
        "left_out": [
            {"reason": each.reason, "rows": each.rows, "first": list(each.first)}
            for each in audit.left_out
        ],
        "notes": list(audit.notes),
        "settings": dict(audit.settings),
    }
    return json.dumps(found, ensure_ascii=False, allow_nan=False)


def _rules(audit: TrialAudit) -> dict[tuple[str, str], Rule]:
    return {(by.by, name): rule for by in audit.groupings for name, rule in by.rules.items()}


def as_csv(audit: TrialAudit) -> str:
    """The groups; what cannot be had is empty, and no cell is taken for a formula by a spreadsheet."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows(audit):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return file.getvalue()


def _row(by: TrialGrouping, group: TrialGroup) -> dict[str, Any]:
    return (
        _part(by, group.part, "within")
        | _against("fmr", group.let_in)
        | _against("fnmr", group.refused)
    )


def _part(by: TrialGrouping, part: Part, trials: str) -> dict[str, Any]:
    return (
        {"grouping": by.by, "group": part.name, "trials": trials, "speakers": part.speakers,
         "targets": part.targets, "impostors": part.impostors}
        | _spread("eer", part.eer) | _spread("fmr", part.false_match) | _spread("fnmr", part.false_non_match)
        | _against("fmr", Against()) | _against("fnmr", Against())
    )  # fmt: skip


def _against(name: str, found: Against) -> dict[str, Any]:
    return (
        _spread(f"{name}_difference", found.difference)
        | _spread(f"{name}_ratio", found.ratio)
        | {f"{name}_p": _number(found.p), f"{name}_significant": found.significant}
    )


def _spread(name: str, found: Estimate) -> dict[str, Any]:
    return {
        name: _number(found.value),
        f"{name}_low": _number(found.low),
        f"{name}_high": _number(found.high),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


_OF_RATE = tuple(f"{rate}{end}" for rate in RATES for end in ("", "_low", "_high"))
_OF_REST = tuple(
    f"{rate}_{what}"
    for rate in ("fmr", "fnmr")
    for what in (
        "difference", "difference_low", "difference_high", "ratio", "ratio_low", "ratio_high", "p", "significant",
    )
)  # fmt: skip
COLUMNS = (
    "grouping", "group", "trials", "speakers", "targets", "impostors", *_OF_RATE, *_OF_REST,
)  # fmt: skip
"""Of a group: counts, its error rates with 95 % intervals, and two of them held against the rest's."""
