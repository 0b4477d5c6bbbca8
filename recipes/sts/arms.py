"""What is compared: the paper's ablation, each arm with one thing more than the last, and two with one branch."""

from dataclasses import dataclass, replace

from allears.parties.penalty import Punctuality
from allears.parties.targets import Form
from allears.parties.task import Lesson
from allears.parties.training import Course
from allears.train.schedule import Plan

SEEDS = 0, 1
WORDS = Lesson(form=Form.WORDS)
MARKS = replace(WORDS, form=Form.TURNS)
FASTEMIT = replace(MARKS, fastemit=0.01)
ACTIVITY = replace(FASTEMIT, activity=0.2)
PENALTY = replace(ACTIVITY, start=Punctuality(4.0, 2.0, 0.3), end=Punctuality(8.0, 4.0, 0.3))


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to tell who says what, and what it is called in the table."""

    name: str
    label: str
    lesson: Lesson
    branches: int = 2

    def course(self, steps: int, seconds: float, seed: int) -> Course:
        """Its training."""
        plan = Plan(
            steps, rate=6e-4, warmup=min(100, steps // 5), decay=0.01, average=0.998,
            precision="bfloat16", seed=seed,
        )  # fmt: skip
        lesson = replace(self.lesson, seconds=seconds)
        return Course(f"{self.name}-{seed}", plan, lesson, self.branches)


ARMS = (
    Arm("single", "single-channel RNN-T", WORDS, 1),
    Arm("multi", "multi-turn RNN-T", WORDS),
    Arm("marks", "+ start and end of turn", MARKS),
    Arm("fastemit", "+ FastEmit", FASTEMIT),
    Arm("activity", "+ speech activity", ACTIVITY),
    Arm("penalty", "+ latency penalty (STS)", PENALTY),
    Arm("tsot", "t-SOT, one branch", replace(WORDS, form=Form.CHANGES), 1),
)
