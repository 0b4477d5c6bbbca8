"""One training of a recogniser, resumed where it was stopped, and the checkpoint it ends in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from allears.asr import checkpoint
from allears.asr.model import Transducer, TransducerConfig
from allears.asr.task import Distortion, Lesson, TransducerTask, statistics
from allears.asr.tokens import Pieces, Tokens
from allears.corpus.augment import Chain, Level, Noise, Reverberation, Speed
from allears.corpus.network import LossyCall
from allears.corpus.noises import noises, responses
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.outputs import write_whole
from allears.train.average import averaged
from allears.train.loop import run
from allears.train.schedule import Plan


@dataclass(frozen=True, slots=True)
class Course:
    """A model, by its configuration but for the vocabulary, and how it is taught."""

    name: str
    encoder_kind: str
    encoder: dict[str, Any]
    plan: Plan
    predictor_kind: str = "stateless"
    predictor: dict[str, Any] = field(default_factory=lambda: {"width": 192})
    joint: int = 192
    lesson: Lesson = Lesson()  # noqa: RUF009  frozen

    def config(self, vocabulary: int) -> TransducerConfig:
        """The transducer's configuration."""
        return TransducerConfig(
            vocabulary, self.encoder_kind, self.encoder, self.predictor_kind, self.predictor,
            self.joint,
        )  # fmt: skip


def teach(
    course: Course,
    sound: Sound,
    shares: Sequence[float],
    tokens: Tokens,
    folder: Path,
    *,
    distort: Distortion | None,
    until: float = float("inf"),
    device: str = "cpu",
) -> Path | None:
    """Train; the checkpoint (moving average of the weights), or None where the clock said stop before the end."""
    torch.set_num_threads(1)
    torch.manual_seed(course.plan.seed)
    model = Transducer(course.config(tokens.size))
    mean, deviation = statistics(sound, model.config.bands)
    model.normalise(torch.from_numpy(mean), torch.from_numpy(deviation))
    task = TransducerTask(
        model, tokens, sound, course.lesson, seed=course.plan.seed, distort=distort, shares=shares
    )
    place = folder / course.name
    done = run(task, course.plan, place, show=lambda _: None, until=until, device=device)
    path = place / "model.safetensors"
    task.model.load_state_dict(averaged(place))
    checkpoint.save(model, tokens, path)
    return path if done else None


def pieces(sound: Sound, size: int, path: Path) -> Tokens:
    """Symbols for these texts, made once and kept at `path`."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [normalise(each.text) for each in sound.utterances]
        write_whole(path, Pieces.train(texts, size).arrays()["tokens.pieces"].tobytes())
    return Pieces(path.read_bytes())


def distortions(noise: Path) -> Distortion:
    """Speed, rooms, noise, level and lossy calls, each for some utterances."""
    steps = (
        (1.0, Speed()),
        (0.2, Reverberation(responses(noise))),
        (0.4, Noise(noises(noise))),
        (1.0, Level()),
        (0.15, LossyCall()),
    )
    return Chain(steps)
