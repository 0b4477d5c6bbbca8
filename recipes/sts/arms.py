"""What is compared: the paper's ablation, each arm with one thing more than the last, and two with one branch.

Arms of two branches begin as one stem: the separator alone, taught by what each talker adds to a conversation,
which costs little, as nothing is recognised. So they differ by what their losses do, and not by how well two
branches happened to divide the talkers. From there all arms are trained for equally many steps.
"""

from dataclasses import dataclass, replace

from allears.parties.penalty import Punctuality
from allears.parties.targets import Form
from allears.parties.task import Lesson
from allears.parties.training import Course
from allears.train.schedule import Plan

SEEDS = 0, 1
_STEM = 3
"""Steps of the stem for each of an arm."""
WORDS = Lesson(form=Form.WORDS, simply=0)
APART = replace(WORDS, separation=1.0)
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

    def steps(self, each: int) -> int:
        """Where arms have so many each."""
        return _STEM * each if self is STEM else each

    def course(self, each: int, seconds: float, seed: int) -> Course:
        """Its training."""
        steps = self.steps(each)
        plan = Plan(
            steps, rate=1e-3 if self is STEM else 3e-4, warmup=min(100, steps // 5), decay=0.01,
            average=0.995, precision="bfloat16", seed=seed,
        )  # fmt: skip
        lesson = replace(self.lesson, seconds=seconds, separately=steps if self is STEM else 0)
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
