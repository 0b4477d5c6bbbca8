"""What a list of trials that was scored here came to, for programs: an audit's JSON with costs of each group."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allears.fairness.report import trial_rows
from allears.fairness.trial_findings import TrialAudit
from allears.fairness.trial_groups import Costs
from allears.fairness.trial_recordings import Unscored
from allears.score.bootstrap import Estimate

_ENDS = ("", "_low", "_high")


def as_json(audit: TrialAudit, costs: Mapping[tuple[str, str], Costs], marks: Sequence[str]) -> str:
    """`eer`, `mindcf`, `cllr` and more, each with `_low` and `_high`, of all trials and of each of `groups`.

    Those of `marks` are of trials, all others of speakers. Strict JSON, one line.
    """
    found = json.loads(trial_rows.as_json(audit))
    overall = found.pop("overall")
    overall |= {f"mindcf{end}": overall.pop(f"min_dcf{end}") for end in _ENDS}
    for row in found["groups"]:
        cost = costs.get((row["grouping"], row["group"]), Costs())
        row |= _spread("mindcf", cost.detection) | _spread("cllr", cost.cllr)
        if row["grouping"] in marks:
            row["trials"] = "labelled"
    kind, source = found.pop("kind"), found.pop("source")
    return json.dumps(
        {"kind": kind, "source": source} | overall | found, ensure_ascii=False, allow_nan=False
    )


def as_csv(listed: Unscored, llr: np.ndarray) -> str:
    """The trials as an audit reads them: natural logarithms of likelihood ratios beside what was known."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        ["first", "second", "same", "llr", "enrolled", "tested",
         *(f"{side}_{name}" for name in listed.labels for side in ("first", "second")), *listed.marks]
    )  # fmt: skip
    known = [listed.labels[name] for name in listed.labels]
    rows = zip(
        listed.first.tolist(), listed.second.tolist(), listed.target.tolist(), llr.tolist(),
        listed.enrolled.tolist(), listed.spoke.tolist(), *(each.tolist() for each in listed.marks.values()),
        strict=True,
    )  # fmt: skip
    for first, second, target, score, enrolled, spoke, *marks in rows:
        labels = [each[who] or "" for each in known for who in (enrolled, spoke)]
        writer.writerow(
            [listed.recordings[first], listed.recordings[second], int(target), f"{score:.6g}",
             listed.speakers[enrolled], listed.speakers[spoke], *labels, *marks]
        )  # fmt: skip
    return file.getvalue()


def _spread(name: str, found: Estimate) -> dict[str, Any]:
    return {
        f"{name}{end}": float(value) if math.isfinite(value) else None
        for end, value in zip(_ENDS, found, strict=True)
    }
