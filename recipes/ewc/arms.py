"""Ways to adapt a recogniser to those whom it serves badly: of one base all, and for as many steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from allears.asr.task import Lesson
from allears.mitigation.ewc import Part
from allears.train.schedule import Plan
from recipes.ewc.base import Size

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""λ of those that are held, of which development speakers choose."""
RATE = 1e-4
L2SP, EWC = "l2-sp", "ewc"


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to adapt: which part learns, how much of the base's speech is heard again, what holds the weights."""

    name: str
    label: str
    part: Part = "all"
    replay: float = 0.0
    strength: float = 0.0
    family: str = ""
    """L2SP or EWC, which have several strengths."""


PLAIN = Arm("plain", "plain fine-tuning")
SINGLE = (
    PLAIN,
    Arm("replay", "replay, half of what is heard", replay=0.5),
    Arm("encoder", "encoder alone", part="encoder"),
    Arm("predictor", "predictor alone", part="predictor"),
    Arm("joiner", "joiner alone", part="joiner"),
)
FAMILIES = {L2SP: "L2-SP, λ chosen", EWC: "EWC, λ chosen"}


def held(strengths: Sequence[float] = STRENGTHS) -> tuple[Arm, ...]:
    """L2-SP and EWC in every strength."""
    return tuple(
        Arm(f"{family}-{each:g}", f"{name}, λ = {each:g}", strength=each, family=family)
        for family, name in ((L2SP, "L2-SP"), (EWC, "EWC"))
        for each in strengths
    )


ARMS = (*SINGLE, *held())


def plan(size: Size, seed: int, steps: int | None = None) -> Plan:
    """How long and how fast a base goes on."""
    steps = steps or size.adaptation
    return Plan(steps, RATE, warmup=max(1, steps // 8), decay=0.0, average=0.95, seed=seed)


def lesson(size: Size) -> Lesson:
    """As the base had it, but for its beginning."""
    return Lesson(seconds=size.seconds, longest_s=10.0, warped=0.1)
