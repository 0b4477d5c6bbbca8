"""Findings made by hand."""

import math
from typing import Any

from allears.fairness.findings import (
    Audit,
    Comparison,
    Example,
    Group,
    Grouping,
    LeftOut,
    Region,
)
from allears.score.bootstrap import Estimate

NOTHING = Estimate(math.nan, math.nan, math.nan)
HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='broken=1'>\"{{ 7 * 7 }}"


def around(value: float, share: float = 0.1) -> Estimate:
    return Estimate(value, value * (1 - share), value * (1 + share))


def group(name: str, wer: float, ratio: float, p: float, **changed: Any) -> Group:
    words = changed.pop("words", 4000)
    speakers = changed.pop("speakers", 20)
    values: dict[str, Any] = {
        "errors": round(wer * words),
        "words": words,
        "utterances": words // 10,
        "speakers": speakers,
        "wer": around(wer),
        "ratio": around(ratio, 0.2),
        "p": p,
        "significant": p < 0.05,
        "shrunk": 0.9 * wer + 0.02,
        "share": speakers / 120,
    }
    return Group(name, **(values | changed))


def grouping(by: str, *groups: Group, **changed: Any) -> Grouping:
    values: dict[str, Any] = {
        "kind": "named",
        "worst": groups[0].name if groups else "",
        "best": groups[-1].name if groups else "",
        "gap": around(groups[0].wer.value / groups[-1].wer.value - 1, 0.3) if groups else NOTHING,
        "any_p": min((each.p for each in groups), default=math.nan),
        "correction": "holm",
        "held_out": False,
        "suppressed": 0,
        "unseen": 0.24,
    }
    return Grouping(by, groups=groups, **(values | changed))


def accents() -> Grouping:
    return grouping(
        "accent",
        group("Indian English", 0.312, 1.61, 0.0004, about="mostly of Mumbai and Delhi"),
        group("Nigerian English", 0.28, 1.4, 0.09, speakers=8),
        group("Scottish English", 0.21, 1.1, 0.6),
        group("US English", 0.12, 0.55, 0.003),
        suppressed=2,
    )


def regions() -> Grouping:
    boxes = {
        "region 1": (25.1, -97.0, 34.9, -80.0),
        "region 2": (25.1, -124.2, 49.0, -110.0),
        "region 3": (34.9, -110.0, 49.0, -88.0),
        "region 4": (34.9, -88.0, 47.5, -67.1),
        "region 5": (25.1, -110.0, 34.9, -97.0),
        "region 6": (18.9, -160.2, 22.2, -154.8),
        "region 7": (55.0, -166.0, 70.0, -131.0),
    }
    worst = group("region 1", 0.262, 1.5, 0.002)
    middle = [group(f"region {each}", 0.2 - each / 200, 1.0, 0.5) for each in range(2, 7)]
    return grouping(
        "latitude, longitude", worst, *middle, group("region 7", 0.11, 0.6, 0.01),
        kind="place", correction="bh", held_out=True,
        regions=tuple(Region(name, (box,)) for name, box in boxes.items()),
    )  # fmt: skip


def audit(*groupings: Grouping, **changed: Any) -> Audit:
    values: dict[str, Any] = {
        "overall": Estimate(0.187, 0.171, 0.204),
        "speakers": 120,
        "words": 51_234,
        "utterances": 5_120,
        "settings": {"Speakers drawn anew": "1000 times, seed 0"},
    }
    return Audit("results.csv", groupings=groupings or (accents(), regions()), **(values | changed))


def full() -> Audit:
    three = (
        Estimate(0.187, 0.171, 0.204),
        Estimate(0.16, 0.15, 0.17),
        Estimate(-0.027, -0.04, -0.013),
    )
    unsure = Estimate(0.312, 0.28, 0.35), Estimate(0.32, 0.28, 0.36), Estimate(0.008, -0.02, 0.03)
    return audit(
        left_out=(
            LeftOut("no words in the reference", 3, (17, 230, 1004)),
            LeftOut("the same row as one before", 12, (5, 6, 7)),
        ),
        notes=("Speaker “ann” has two places; the first is taken.",),
        examples=(
            Example(
                "Indian English",
                "please call the office at nine",
                "please fall the of is at nine",
                3,
                6,
            ),
            Example("Indian English", "yes", "", 1, 1),
        ),
        comparison=Comparison(
            "small", "large", three, {"accent": {"Indian English": unsure, "US English": three}}
        ),
    )
