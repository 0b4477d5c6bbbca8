"""The ablation of conversations: its arms, its material, the page's arithmetic by hand, real talk from a file."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from recipes.recognition.material import SPLICED
from recipes.sts import arms, judging, material, real, recipe, table
from recipes.sts.judging import Judged
from recipes.sts.table import Outcome

from allears.asr.timing import Spoken
from allears.corpus.sound import RATE, Sound
from allears.score.diarisation import diarisation_errors
from allears.score.latency import Latency, delays
from allears.score.parties import WordErrors
from allears.score.segments import Segment
from allears.score.turns import TurnCounts
from tests.asr.material import packed
from tests.parties.talk import session
from tests.parties.test_live import manner, networks

ARMS = {arm.name: arm for arm in arms.ARMS}


def test_every_arm_is_trained_for_equally_many_steps():
    for arm in arms.ARMS:
        course = arm.course(600, 80.0, 0)
        assert course.plan.steps == 600, arm.name
        assert course.lesson.separately == 0


def test_the_stem_learns_to_separate_and_nothing_else():
    course = arms.STEM.course(600, 80.0, 1)
    assert course.plan.steps == course.lesson.separately > 600
    assert course.lesson.separation > 0


def test_an_arm_does_not_begin_before_its_stem_is_there(tmp_path, monkeypatch):
    sound = packed(tmp_path / "packs")
    monkeypatch.setattr(
        "sys.argv", ["recipe", "--data", str(tmp_path), "--runs", str(tmp_path), "--steps", "10"]
    )
    wish = recipe._wish()
    with pytest.raises(SystemExit, match="multi-1 begins as stem-1, which is not trained yet"):
        recipe._train(wish, ARMS["multi"], 1, sound, 0.0)


def test_words_at_another_speed_are_said_at_other_times(tmp_path):
    sound = packed(tmp_path)
    some = material.Some(sound, [(0, 1.0), (0, 1.25)])
    plain, fast = some.utterances
    assert fast.speaker == f"{plain.speaker} at 1.25"
    assert len(some.samples(1)) == pytest.approx(len(some.samples(0)) / 1.25, abs=2)
    words = some.words({0: [Spoken("so", 0.5, 1.0)]})
    assert words[plain.name] == [Spoken("so", 0.5, 1.0)]
    assert words[fast.name] == [Spoken("so", 0.4, 0.8)]


def test_no_more_spliced_speech_is_drawn_than_recordings(tmp_path):
    sound = packed(tmp_path)
    made = SPLICED.resolve() / "audio"
    parts = [sound.samples(index) for index in (0, *[1] * 7)]
    spliced = [replace(sound.utterances[1], path=made / f"{n}.flac") for n in range(7)]
    mixed = Sound(
        np.concatenate(parts), np.cumsum([0, *map(len, parts)]), (sound.utterances[0], *spliced)
    )
    drawn = material._drawn(mixed, range(8))
    assert [place for place in drawn if place[0] == 0] == [(0, each) for each in material.SPEEDS]
    assert [place for place in drawn if place[0] > 0] == [
        (1 + n, 1.0) for n in range(len(material.SPEEDS))
    ]


def judged(errors: int, exact: int, late: float, alone: int = 0) -> list[Judged]:
    """Three pairs alike, in every set 20 words of two conversations each."""
    latency = Latency(delays([late] * 10), delays([late] * 10), 10)
    sets = {f"{overlap:.0%}": errors for overlap in material.OVERLAPS}
    return [
        Judged(pair, name, WordErrors(0, 0, wrong, 20), TurnCounts(2, exact), latency)
        for pair in ("a and b", "c and d", "e and f")
        for name, wrong in {**sets, table.ALONE: alone, table.SENTENCES: errors}.items()
    ]


def test_the_page_says_by_how_much_arms_differ(tmp_path):
    outcomes = [
        Outcome(ARMS["single"], 0, judged(12, 0, 0.0, alone=2)),
        Outcome(ARMS["multi"], 0, judged(10, 1, 0.0)),
        Outcome(ARMS["activity"], 0, judged(8, 2, 1.0)),
        Outcome(ARMS["penalty"], 0, judged(8, 2, 0.5, alone=3)),
    ]
    table.write(outcomes, 600, 80.0, tmp_path / "table.md")
    page = (tmp_path / "table.md").read_text()
    assert "multi-turn RNN-T: -20.0 (-20.0 to -20.0) % relative" in page
    assert "Turn counts right: +50.0 (+50.0 to +50.0) points" in page
    assert "90th percentile of <eot> -49.6" in page  # within bins of 10 ms
    assert "ORC-WER +0.0 (+0.0 to +0.0) %" in page
    assert "WER +50.0 (+50.0 to +50.0) % relative to the single channel" in page
    assert "| single-channel RNN-T | 60.0 (60.0–60.0) |" in page


def test_what_was_judged_is_kept(tmp_path):
    found = judged(3, 1, 0.25)
    judging.keep(found, tmp_path / "judged.jsonl")
    assert judging.kept(tmp_path / "judged.jsonl") == found


def test_turns_of_a_recording_are_told_whatever_its_rate(tmp_path):
    from allears.parties.live import Converser

    path = tmp_path / "talk.wav"
    soundfile.write(path, session().samples, RATE)
    turns = real.turns_told(Converser(networks(), manner()), path)
    told = [Segment(f"{turn.turn}", turn.start, turn.end) for turn in turns]
    truth = [Segment(f"{n}", each.start, each.end) for n, each in enumerate(session().turns)]
    assert len(told) == len(truth) == 3
    assert diarisation_errors(truth, told, real.COLLAR_S).rate < 0.2


def test_the_page_of_real_talk_adds_up():
    truth = [Segment("a", 0, 6), Segment("b", 6, 10)]
    one = diarisation_errors(truth, [Segment("one", 0, 10)])
    found = [
        real.Scored("first", 2, diarisation_errors(truth, truth), one, 2, 2),
        real.Scored("second", 2, one, one, 2, 1),
    ]
    page = real._page(found, {"strangers": []})
    assert "| first | 2 | 2 | 2 | 0 (0 + 0 + 0) | 40 (0 + 0 + 40) |" in page
    assert "| second | 2 | 2 | 1 | 40 (0 + 0 + 40) | 40 (0 + 0 + 40) |" in page
    assert "| all |  | 4 | 3 | 20.0 (0.0–40.0) | 40.0 (40.0–40.0) |" in page
