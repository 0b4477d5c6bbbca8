"""What a batch is, how it is weighted, and that a network learns to tell voices."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from allears.corpus.recordings import CorpusError
from allears.speaker import checkpoint, finish, judging
from allears.speaker.embedder import Embedder
from allears.speaker.export import bundle
from allears.speaker.refusal import SpeakerError
from allears.speaker.task import Lesson, SpeakerTask
from allears.speaker.training import Course, harder, teach
from allears.train.schedule import Plan
from allears.train.task import TrainingError
from tests.speaker.material import voices
from tests.speaker.small import CONFIG, exported, network

LESSON = Lesson(speakers=5, seconds=(0.6, 0.9), gently=10)
COURSE = Course("voices", CONFIG, Plan(30, 8e-3, warmup=5, average=0.8), LESSON)


def task(lesson=LESSON, **options):
    torch.manual_seed(0)
    return SpeakerTask(network().requires_grad_(True), voices(), lesson, **options)


def batch(task, number=3, seed=1):
    return task.loss(np.random.default_rng((seed, number)), number)


def test_a_batch_is_known_by_its_seed_and_number():
    given = task(distort=harder(None))
    one, other = batch(given), batch(given)
    assert torch.equal(one.losses, other.losses) and one.members == other.members
    assert batch(given, 4).members != one.members


def test_crops_of_a_speaker_stand_together_and_are_of_different_utterances():
    found = batch(task(replace(LESSON, speakers=6, speeds=(1.0,)))).members
    whose = [voices().utterances[each].speaker for each in found]
    assert whose[::2] == whose[1::2] and len(set(whose)) == 6
    assert all(one != other for one, other in zip(found[::2], found[1::2], strict=True))


def test_a_voice_at_another_speed_is_another_speaker():
    assert len(task().model.margin.weight) == 18
    found = batch(task(replace(LESSON, speakers=18))).members
    whose = [voices().utterances[each].speaker for each in found[::2]]
    assert sorted(whose) == sorted(task().speakers * 3)


@pytest.mark.parametrize("left", ["margin", "prototypical"])
def test_the_losses_are_added(left):
    both, one, other = (
        batch(task(replace(LESSON, **change))).losses
        for change in (
            {},
            {left: 0.0},
            {name: 0.0 for name in ("margin", "prototypical") if name != left},
        )
    )
    torch.testing.assert_close(both, one + other)
    assert one.shape == (10,) and bool((one > 0).all())


def test_pairs_are_weighed_by_what_is_asked():
    asked = []

    def pairing(embeddings, members):
        asked.append((embeddings, members))
        return torch.where(torch.arange(5)[:, None] == 2, 3.0, 1.0).expand(-1, 2)

    alike = batch(task(pairing=lambda embeddings, _: torch.full(embeddings.shape[:2], 0.3)))
    plain, weighed = batch(task()), batch(task(pairing=pairing))
    assert torch.equal(alike.losses, plain.losses)
    more = weighed.losses > plain.losses
    assert more.tolist()[4:6] == [True, True] and not torch.equal(weighed.losses, plain.losses)
    ((embeddings, members),) = asked
    assert embeddings.shape == (5, 2, CONFIG.size) and not embeddings.requires_grad
    assert members == plain.members


def test_too_few_speakers_are_refused():
    with pytest.raises(CorpusError, match="6 speakers at 1 speeds: a batch wants 7"):
        task(replace(LESSON, speakers=7, speeds=(1.0,)))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices")
    with torch.random.fork_rng():
        return teach(COURSE, voices(), folder, distort=None), folder


def test_voices_are_learnt(taught):
    def rate(made):
        clips = judging.heard(Embedder.of(made), voices())
        trials = judging.every_pair(clips)
        scores = clips.embeddings @ clips.embeddings.T
        return judging.equal_error_rate(
            scores[trials.first, trials.second].astype(np.float64), trials.target
        )

    assert rate(bundle(checkpoint.load(taught[0]))) < 0.5 * rate(exported())


def test_what_was_stopped_goes_on_to_the_same_end(taught, tmp_path):
    with torch.random.fork_rng():
        assert teach(COURSE, voices(), tmp_path, distort=None, until=0) is None
        again = teach(COURSE, voices(), tmp_path, distort=None)
    one, other = (checkpoint.load(each).state_dict() for each in (again, taught[0]))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    with pytest.raises(TrainingError, match="another model"):
        teach(replace(COURSE, config=replace(CONFIG, width=27)), voices(), tmp_path, distort=None)


def test_the_finished_file_is_calibrated(taught, tmp_path):
    made = finish.finish(checkpoint.load(taught[0]), voices(), {"a": voices()}, text="six voices")
    path = tmp_path / "voices.safetensors"
    path.write_bytes(made.data)
    about = Embedder(path).about
    assert about.slope > 0 and set(about.rates) == {"a"} and about.text == "six voices"
    assert len(Embedder(path).cohort) == 6 and min(made.rates) == 0
    clips = judging.heard(Embedder(path), voices())
    assert len(clips.speakers) == len(voices())
    with pytest.raises(SpeakerError, match="two clips of one speaker and one of another"):
        judging.every_pair(replace(clips, speakers=("one",) * len(clips.speakers)))


def test_a_checkpoint_says_what_it_is(taught, tmp_path):
    assert checkpoint.load(taught[0]).config == CONFIG
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(SpeakerError, match=r"wrong.safetensors: no checkpoint .*train one again"):
        checkpoint.load(path)
    with pytest.raises(SpeakerError, match="holds something else, not a voice network"):
        checkpoint.load(taught[1] / "voices" / "checkpoint.safetensors")
