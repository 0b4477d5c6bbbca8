"""A recogniser goes on learning from where it was, and a stopped run from where it stopped."""

from dataclasses import replace

import torch

from allears.asr import checkpoint
from allears.asr.task import Lesson
from allears.mitigation import tuning
from allears.mitigation.tuning import going_on, tune
from tests.mitigation.material import PLAN, TOKENS, same, tones, transducer

LESSON = Lesson(fastemit=0.0, seconds=4.0)


def tuned(folder, plan=PLAN, **options):
    torch.set_num_threads(1)
    return tune(transducer(), TOKENS, tones(), plan, folder, lesson=LESSON, **options)


def test_it_begins_with_what_was_known_and_goes_on_where_it_stopped(tmp_path):
    still, _ = checkpoint.load(tuned(tmp_path / "still", replace(PLAN, rate=0.0)))
    assert same(still.state_dict(), transducer().state_dict())
    assert tuned(tmp_path / "stopped", until=0.0) is None
    one, other = (
        checkpoint.load(tuned(tmp_path / each))[0].state_dict() for each in ("stopped", "whole")
    )
    assert same(one, other) and not same(one, transducer().state_dict())


def test_the_blank_is_lowered_anew_by_those_set_aside_once_all_is_learnt(tmp_path, monkeypatch):
    def lowered(model, tokens, development):
        asked.append((tokens, development))
        with torch.no_grad():
            model.joiner.read.bias[0] -= 1.5

    asked = []
    monkeypatch.setattr(tuning, "balanced", lowered)
    plain, _ = checkpoint.load(tuned(tmp_path / "plain"))
    assert tuned(tmp_path / "aside", development=tones(), until=0.0) is None
    assert not asked
    found, _ = checkpoint.load(tuned(tmp_path / "aside", development=tones()))
    assert asked == [(TOKENS, tones())]
    with torch.no_grad():
        plain.joiner.read.bias[0] -= 1.5
    assert same(found.state_dict(), plain.state_dict())


def test_only_a_part_and_only_those_who_have_a_share(tmp_path):
    seen = []

    def listening(losses, members):
        seen.extend(members)
        return losses.mean()

    before = transducer().state_dict()
    path = tuned(tmp_path, part="predictor", shares=[1, 0] * 4, weighting=listening)
    after = checkpoint.load(path)[0].state_dict()
    moved = {name.split(".")[0] for name in before if not torch.equal(after[name], before[name])}
    assert moved == {"predictor"}
    assert set(seen) == {0, 2, 4, 6}


def test_a_model_that_knows_is_not_taught_as_a_beginner():
    found = going_on(Lesson(fastemit=0.02, seconds=30.0))
    assert (found.window, found.ctc, found.simply, found.shortly, found.plainly) == (0, 0, 0, 0, 0)
    assert (found.fastemit, found.seconds) == (0.02, 30.0)
