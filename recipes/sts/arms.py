"""What is compared: the paper's ablation, each arm with one thing more than the last, and two with one branch.

Arms of two branches have the greater part of their training in common: they begin as one stem, that of the
multi-turn RNN-T, and part from there. So they differ by what their losses do, and not by how well two branches
happened to divide the talkers; and all have been trained for equally many steps.
"""

from dataclasses import dataclass, replace

from allears.parties.penalty import Punctuality
from allears.parties.targets import Form
from allears.parties.task import Lesson
from allears.parties.training import Course
from allears.train.schedule import Plan

SEEDS = 0, 1
_SHARED = 0.6
"""Of the steps of an arm of two branches, those of the stem."""
WORDS = Lesson(form=Form.WORDS, simply=0)
APART = replace(WORDS, separation=2.0)
MARKS = replace(APART, form=Form.TURNS)
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

    @property
    def stem(self) -> str | None:
        """The name of what it begins as, if not as the recogniser itself."""
        return STEM.name if self.branches > 1 and self is not STEM else None

    def steps(self, whole: int) -> int:
        """Of so many in all, those of its own."""
        shared = round(_SHARED * whole)
        return shared if self is STEM else whole - shared if self.stem else whole

    def course(self, whole: int, seconds: float, seed: int) -> Course:
        """Its training, of the `whole` steps its own."""
        steps = self.steps(whole)
        plan = Plan(
            steps, rate=6e-4, warmup=min(100, steps // 5), decay=0.01, average=0.995,
            precision="bfloat16", seed=seed,
        )  # fmt: skip
        lesson = replace(self.lesson, seconds=seconds)
        return Course(f"{self.name}-{seed}", plan, lesson, self.branches)


STEM = Arm("stem", "what arms of two branches begin as", APART)
ARMS = (
    Arm("single", "single-channel RNN-T", WORDS, 1),
    Arm("multi", "multi-turn RNN-T", APART),
    Arm("marks", "+ start and end of turn", MARKS),
    Arm("fastemit", "+ FastEmit", FASTEMIT),
    Arm("activity", "+ speech activity", ACTIVITY),
    Arm("penalty", "+ latency penalty (STS)", PENALTY),
    Arm("tsot", "t-SOT, one branch", replace(WORDS, form=Form.CHANGES), 1),
)
