"""How a training goes: its length, its rate step by step, its arithmetic and what it keeps."""

import math
from dataclasses import dataclass
from typing import Literal

Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast: `steps` in all, of which `warmup` rise; cosine to `floor` · rate.

    A step is `accumulate` batches of each process; losses are computed in `precision`, weights are always
    float32. `average` is the share of the past in the moving average of the weights. `keep` says how many
    of the weights as they were every `keep_steps` steps stay, for `checkpoint.averaged_of`.
    """

    steps: int
    rate: float = 2e-3
    warmup: int = 200
    floor: float = 0.02
    betas: tuple[float, float] = (0.9, 0.98)
    decay: float = 0.0
    clip: float = 1.0
    average: float = 0.999
    accumulate: int = 1
    precision: Precision = "float32"
    seed: int = 0
    save_seconds: float = 60.0
    keep: int = 0
    keep_steps: int = 1000

    def factor(self, step: int) -> float:
        """The learning rate of a step, as a share of `rate`."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
