"""What is trained: without a rival, and against one in each of the paper's forms; everything else is equal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from allears.mitigation.adversary import Contest
from allears.mitigation.voices import Form
from allears.speaker.ecapa import EcapaConfig
from allears.speaker.task import Lesson
from allears.speaker.training import Course
from allears.train.schedule import Plan, Precision

PLAIN = "plain"
FORMS: tuple[Form, ...] = ("pairs", "pseudo-labels", "similarity")
RATES = {"slower": 3e-4, "slow": 1e-3, "fast": 1e-2}
"""How quickly the adversary learns; which of these an arm takes, development speakers say."""
SEEDS = 3
_CROPS = 2


@dataclass(frozen=True, slots=True)
class Size:
    """How large everything is: what a laptop can, and what the paper's makers had.

    `regions` the adversary is told of, which are found among the last `memory` embeddings of the first `before`
    batches, in which it does not play yet.
    """

    config: EcapaConfig
    speakers: int
    steps: int
    rate: float
    before: int
    regions: int
    memory: int
    device: str
    precision: Precision


LAPTOP = Size(
    EcapaConfig(width=64, pooled=128, bottleneck=32, size=96),
    32, 800, 2e-3, 200, 16, 4096, "cpu", "bfloat16",
)  # fmt: skip
FULL = Size(
    EcapaConfig(width=1024, pooled=1536, bottleneck=128, scale=8),
    200, 100_000, 1e-3, 10_000, 64, 65_536, "cuda", "bfloat16",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train; no form, no rival. `name` is the table's, with the rate where there are several."""

    form: Form | None = None
    rate: str = ""

    @property
    def name(self) -> str:
        """As folders are called, before the seed."""
        return f"{self.form}-{self.rate}" if self.form else PLAIN

    def contest(self, size: Size, seed: int) -> Contest | None:
        """All that the adversary is."""
        if self.form is None:
            return None
        return Contest(
            warmup=size.before, rate=RATES[self.rate], regions=size.regions, memory=size.memory,
            seed=seed,
        )  # fmt: skip

    def course(self, size: Size, steps: int, seed: int) -> Course:
        """The same for all arms but the name: the angular prototypical loss alone, as the paper has it."""
        plan = Plan(
            steps, size.rate, warmup=min(100, steps // 5), decay=0.05, average=0.998,
            precision=size.precision, seed=seed,
        )  # fmt: skip
        lesson = Lesson(speakers=size.speakers, crops=_CROPS, margin=0.0)
        return Course(f"{self.name}-{seed}", size.config, plan, lesson)


def candidates(form: Form) -> list[Arm]:
    """What an arm may be."""
    return [Arm(form, rate) for rate in RATES]


def every(seeds: int) -> Iterator[tuple[Arm, int]]:
    """All that could be trained."""
    arms = [Arm(), *(arm for form in FORMS for arm in candidates(form))]
    yield from ((arm, seed) for seed in range(seeds) for arm in arms)


def first(seeds: int) -> Iterator[tuple[Arm, int]]:
    """What is trained before anything is chosen."""
    return every(min(seeds, 1))


def then(chosen: Sequence[Arm], seeds: int) -> Iterator[tuple[Arm, int]]:
    """The other seeds of what was chosen, seed by seed."""
    yield from ((arm, seed) for seed in range(1, seeds) for arm in (Arm(), *chosen))


def choose(errors: Mapping[Arm, float]) -> list[Arm]:
    """Of each form the arm with the least equal error rate on development speakers; of equals the slower one.

    A form whose candidates are not all judged is left out.
    """
    return [
        min(candidates(form), key=errors.__getitem__)
        for form in FORMS
        if all(each in errors for each in candidates(form))
    ]
