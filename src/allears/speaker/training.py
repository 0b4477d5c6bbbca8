"""One training of a network of voices, resumed where it was stopped, and the checkpoint it ends in."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from allears.corpus.augment import Augmentation, Chain, Level, Noise, Reverberation
from allears.corpus.network import LossyCall
from allears.corpus.noises import NOISES, RESPONSES, noises, responses
from allears.corpus.recordings import CorpusError
from allears.corpus.sound import Sound
from allears.speaker import checkpoint
from allears.speaker.ecapa import Ecapa, EcapaConfig
from allears.speaker.task import Distortion, Lesson, Pairing, SpeakerTask, statistics
from allears.train.average import averaged
from allears.train.loop import run
from allears.train.schedule import Plan
from allears.train.task import Weighting, mean

CHECKPOINT = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Course:
    """A network by its configuration, and how it is taught."""

    name: str
    config: EcapaConfig
    plan: Plan
    lesson: Lesson = Lesson()  # noqa: RUF009  frozen


def teach(
    course: Course,
    sound: Sound,
    folder: Path,
    *,
    distort: Distortion | None,
    weighting: Weighting = mean,
    pairing: Pairing | None = None,
    until: float = float("inf"),
    device: str = "cpu",
) -> Path | None:
    """Train; the checkpoint (moving average of the weights), or None where the clock said stop before the end.

    Everything is kept in `folder / course.name`, and the same call goes on there.
    """
    torch.set_num_threads(1)
    # oneDNN keeps what it compiled for every length of batch it saw.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    torch.manual_seed(course.plan.seed)
    model = Ecapa(course.config)
    centre, deviation = statistics(sound, course.config.bands)
    model.normalise(torch.from_numpy(centre), torch.from_numpy(deviation))
    task = SpeakerTask(model, sound, course.lesson, distort=distort, pairing=pairing)
    place = folder / course.name
    done = run(
        task, course.plan, place, weighting=weighting, show=lambda _: None, until=until,
        device=device,
    )  # fmt: skip
    task.model.load_state_dict(averaged(place))
    path = place / CHECKPOINT
    checkpoint.save(model, path)
    return path if done else None


def harder(noise: Path | None, *, network: bool = False) -> Distortion:
    """Rooms and noises whose tables are in a folder, level, and lossy calls where wanted; speed never.

    Raises CorpusError where the folder has no table.
    """
    there = [each for each in (RESPONSES, NOISES) if noise and (noise / each).is_file()]
    if noise and not there:
        raise CorpusError(f"{noise}: has neither {NOISES} nor {RESPONSES} in it")
    steps: list[tuple[float, Augmentation]] = []
    if noise and RESPONSES in there:
        steps.append((0.2, Reverberation(responses(noise))))
    if noise and NOISES in there:
        steps.append((0.4, Noise(noises(noise), (3.0, 25.0))))
    steps.append((0.5, Level((-15.0, 6.0))))
    if network:
        steps.append((0.1, LossyCall()))
    return Chain(tuple(steps))
