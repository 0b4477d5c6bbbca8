from dataclasses import replace

import numpy as np
import pytest
import torch

from allears.asr.recogniser import RecogniserError
from allears.asr.task import Lesson as SingleLesson
from allears.asr.task import TransducerTask
from allears.corpus.mixtures.turns import Session
from allears.parties import checkpoint, training
from allears.parties.model import before
from allears.parties.targets import Form, marked
from allears.parties.task import ConversationTask, Lesson, _cuts
from allears.parties.training import Course
from allears.train.average import averaged
from allears.train.loop import run
from allears.train.schedule import Plan
from allears.train.task import TrainingError
from tests.parties.talk import LESSON, TOKENS, learnt, pack, recogniser, session

PLAN = Plan(6, 1e-3, warmup=2)


def task(lesson=LESSON, draw=None, branches=2):
    tokens = marked(TOKENS, lesson.form)
    whole = session()
    torch.manual_seed(1)
    model = before(recogniser(), tokens.size, branches=branches)
    return ConversationTask(model, tokens, draw or (lambda _: whole), lesson)


def losses(made, number=100):
    torch.manual_seed(3)
    return made.loss(np.random.default_rng(5), number)


def reversed_turns(_):
    """The same sound, where it is said that nobody spoke first who did."""
    whole = session()
    first, second, third = whole.turns
    swapped = (
        replace(first, text=second.text), replace(second, text=first.text), third
    )  # fmt: skip
    return replace(whole, turns=swapped)


def test_a_batch_has_as_much_as_was_asked_for():
    given = task(replace(LESSON, seconds=12.0))
    found = [losses(given, number) for number in range(8)]
    assert {each.losses.shape for each in found} <= {(2,), (3,)}
    whole = session().duration + 0.4
    heard = sum(each.figures["seconds"] for each in found)
    assert heard == pytest.approx(sum(len(each.losses) for each in found) * whole, abs=0.8)
    assert 8 * 12 <= heard <= 8 * 12 + 2 * whole + 0.4 * 24
    assert 0.3 < found[0].figures["activity"] < 1.2  # nats of a coin toss: 0.69


def test_conversations_of_a_batch_are_alike_in_length():
    whole = session()

    def draw(number):
        seconds = 2 + number % 9
        return replace(whole, samples=np.tile(whole.samples, 3)[: seconds * 16_000], turns=())

    given = task(replace(LESSON, seconds=30.0, window=0), draw)
    ranges = []
    for number in range(8):
        lengths = [each.duration for each in given._sessions(number)]
        assert 15 < sum(lengths) < 45
        ranges.append(max(lengths) - min(lengths))
    assert np.mean(ranges) < 4  # of 8 s that they differ by


@pytest.mark.parametrize("lengths", [[1, 1, 1, 20], [9] * 4, [1, 2, 3, 4, 50], [0.1] * 30 + [90.0]])
def test_no_batch_has_nothing_to_learn_from(lengths):
    cuts = _cuts(np.array(lengths, float))
    assert cuts[0] == 0
    assert cuts[-1] == len(lengths)
    assert all(np.diff(cuts) > 0)


@pytest.mark.parametrize("form", [Form.WORDS, Form.TURNS])
@pytest.mark.parametrize("branches", [1, 2, 3])
@pytest.mark.parametrize("window", [0, 6])
def test_every_form_on_as_many_branches_as_there_may_be(form, branches, window):
    """With three there is one on which nothing is to be said."""
    lesson = Lesson(form=form, seconds=5.0, window=window, activity=0.1)
    made = losses(task(lesson, branches=branches))
    assert torch.isfinite(made.losses).all()
    made.losses.sum().backward()


def test_the_best_order_is_never_worse_than_the_one_that_is_told():
    swapped = replace(LESSON, activity=0.0)
    for draw in (None, reversed_turns):
        told = losses(task(swapped, draw)).losses
        best = losses(task(replace(swapped, permuted=True), draw)).losses
        assert (best <= told + 1e-4).all()


def test_branches_that_are_told_whom_they_hear_learn_to_have_them_apart():
    given = task(replace(LESSON, separation=1.0))
    optimiser = torch.optim.Adam(given.model.parameters(), 3e-3)
    found = []
    for number in range(25):
        made = losses(given, number)
        found.append(made.figures["separation"])
        optimiser.zero_grad()
        made.losses.sum().backward()
        optimiser.step()
    assert 0.3 < found[0] < 3  # 1 where nothing is known
    assert found[-1] < 0.6 * found[0]


def test_at_first_nothing_but_separating_may_be_learnt():
    given = task(replace(LESSON, separation=2.0, separately=10))
    first, later = losses(given, 9), losses(given, 10)
    assert first.losses.mean().item() == pytest.approx(2 * first.figures["separation"], rel=1e-4)
    first.losses.sum().backward()
    learnt = {n for n, each in given.model.named_parameters() if each.grad is not None}
    assert learnt
    assert all(".separating." in name or ".gates." in name for name in learnt)
    assert "activity" in later.figures


def test_what_is_learnt_apart_is_part_of_the_loss():
    plain, apart = (losses(task(replace(LESSON, separation=each))) for each in (0.0, 2.0))
    more = 2.0 * apart.figures["separation"]
    assert (apart.losses - plain.losses).mean().item() == pytest.approx(more, rel=1e-3)


def test_of_a_recording_nobody_knows_what_each_turn_adds():
    recorded = replace(session(), parts=())
    with pytest.raises(ValueError, match="talk: what each turn adds to the sound is not known"):
        losses(task(replace(LESSON, separation=1.0), lambda _: recorded))


def test_marks_that_must_be_punctual_cost_more():
    free = replace(LESSON, start=Lesson().start, end=Lesson().end)
    assert (losses(task()).losses > losses(task(free)).losses + 0.1).all()


def test_a_conversation_in_which_nobody_speaks_is_learnt_too():
    silent = Session("silent", np.zeros(32_000, np.float32), ())
    given = task(replace(LESSON, seconds=6.0), lambda n: silent if n % 2 else session())
    found = [losses(given, number).losses for number in range(4)]
    assert sum(map(len, found)) > 4
    assert all(torch.isfinite(each).all() for each in found)


def test_a_batch_in_which_nobody_speaks_at_all_is_learnt_too():
    silent = Session("silent", np.zeros(32_000, np.float32), ())
    assert torch.isfinite(losses(task(LESSON, lambda _: silent)).losses).all()


def test_symbols_that_are_not_the_models_are_refused():
    made = before(recogniser(), TOKENS.size, branches=2)
    with pytest.raises(ValueError, match="symbols where there are"):
        ConversationTask(made, marked(TOKENS, Form.TURNS), lambda _: session(), LESSON)


def test_stopped_and_gone_on_it_is_the_same_training(tmp_path):
    whole = session()
    given = recogniser(), TOKENS, lambda _: whole
    course = Course("one", PLAN, replace(LESSON, activity=0.1))
    first = training.teach(course, *given, tmp_path)
    assert training.teach(replace(course, name="two"), *given, tmp_path, until=0.0) is None
    second = training.teach(replace(course, name="two"), *given, tmp_path)
    assert first is not None
    assert second is not None
    one, other = checkpoint.load(first)[0], checkpoint.load(second)[0]
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def ends(course, folder, begin=None):
    """The weights a training ends with that takes no step of its own."""
    training.teach(
        course, recogniser(), TOKENS, lambda _: session(), folder, until=0.0, begin=begin
    )
    return averaged(folder / course.name)


def test_gone_on_from_another_training_all_is_there_but_marks_it_did_not_know(tmp_path):
    words = Course("words", PLAN, replace(LESSON, form=Form.WORDS))
    assert training.teach(words, recogniser(), TOKENS, lambda _: session(), tmp_path)
    before = averaged(tmp_path / "words")
    after = ends(Course("turns", PLAN, LESSON), tmp_path, tmp_path / "words")
    assert set(before) == set(after)
    for name, value in before.items():
        rows = after[name][: len(value)] if value.dim() else after[name]
        assert torch.equal(rows, value), name
    wider = [name for name in before if len(after[name]) > len(before[name])]
    assert "taught.acoustic.weight" in wider


def test_of_a_recognisers_training_what_cheap_joiners_learnt_is_taken(tmp_path):
    task = TransducerTask(recogniser(), TOKENS, pack(), SingleLesson(seconds=5.0), seed=0)
    run(task, PLAN, tmp_path / "single", show=lambda _: None, until=0.0)
    course = Course("turns", PLAN, LESSON)
    found = ends(course, tmp_path, tmp_path / "single")["taught.language.weight"]
    assert torch.equal(found[: TOKENS.size], averaged(tmp_path / "single")["language.weight"])


def test_a_training_of_another_model_is_no_beginning(tmp_path):
    one = Course("one", PLAN, LESSON, branches=1)
    ends(one, tmp_path)
    with pytest.raises(TrainingError, match="one: was a training of another model"):
        ends(Course("two", PLAN, LESSON), tmp_path, tmp_path / "one")


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    from allears.asr import checkpoint as single

    single.save(recogniser(), TOKENS, tmp_path / "one.safetensors")
    with pytest.raises(RecogniserError, match="holds transducer, not a separator-transducer"):
        checkpoint.load(tmp_path / "one.safetensors")
    with pytest.raises(RecogniserError, match="holds separator-transducer, not a transducer"):
        single.load(learnt())
