"""What the paper measured (arXiv 2207.07776, VoxCeleb): without a rival, and with pairs that are reweighted."""

from typing import Literal, NamedTuple

from allears.mitigation.voices import Form


class Line(NamedTuple):
    """A figure in per cent, before and after, its relative change, and of what groups it is of what `kind`."""

    title: str
    before: float | None
    after: float | None
    change: float
    kind: Literal["EER", "gap", "deviation"]
    by: str = ""
    group: str = ""


BEST: Form = "pairs"
"""The form that did best."""
LINES = (
    Line("EER", 1.17, 1.08, -7.6, "EER"),
    Line("EER of men", 1.39, 1.25, 100 * (1.25 / 1.39 - 1), "EER", "gender", "male"),
    Line("EER of women", 0.69, 0.67, 100 * (0.67 / 0.69 - 1), "EER", "gender", "female"),
    Line("gap between genders", None, None, -17.0, "gap", "gender"),
    Line("deviation over nationalities", 0.21, 0.19, -10.0, "deviation", "nationality"),
)
