"""A network of voices taught against a rival, from new or further, to a checkpoint; what was stopped goes on."""

import os
from pathlib import Path

import torch

from allears.corpus.sound import Sound
from allears.mitigation.adversary import Contest
from allears.mitigation.voices import AdversarialVoices, Form
from allears.speaker import checkpoint
from allears.speaker.ecapa import Ecapa
from allears.speaker.task import Distortion, SpeakerTask, statistics
from allears.speaker.training import CHECKPOINT, Course
from allears.train.average import averaged
from allears.train.loop import run


def teach_voices(
    course: Course,
    sound: Sound,
    folder: Path,
    contest: Contest | None,
    form: Form = "pairs",
    *,
    model: Ecapa | None = None,
    distort: Distortion | None = None,
    until: float = float("inf"),
    device: str = "cpu",
) -> Path | None:
    """Train; the checkpoint (moving average of the weights), or None where the clock said stop before the end.

    `model` is taught further and changed; without one a network of `course.config` begins, alike for each seed
    whatever the contest. Without a contest there is no rival: the training that others are compared with.
    Everything is kept in `folder / course.name`, rival included, and the same call with the model as it was goes
    on there. Classes of the angular margin are not in a checkpoint of voices, so they are learnt anew. Raises
    what `AdversarialVoices` and `train.loop.run` raise.
    """
    torch.set_num_threads(1)
    # oneDNN keeps what it compiled for every length of batch it saw.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    torch.manual_seed(course.plan.seed)
    network = _new(course, sound) if model is None else model.train().requires_grad_(True)
    task: SpeakerTask | AdversarialVoices
    if contest is None:
        task = SpeakerTask(network, sound, course.lesson, distort=distort)
    else:
        task = AdversarialVoices(network, sound, course.lesson, contest, form, distort=distort)
    place = folder / course.name
    done = run(task, course.plan, place, show=lambda _: None, until=until, device=device)
    task.model.load_state_dict(averaged(place))
    path = place / CHECKPOINT
    checkpoint.save(network, path)
    return path if done else None


def _new(course: Course, sound: Sound) -> Ecapa:
    """One that has learnt nothing yet but how loud its bands are."""
    network = Ecapa(course.config)
    centre, deviation = statistics(sound, course.config.bands)
    network.normalise(torch.from_numpy(centre), torch.from_numpy(deviation))
    return network
