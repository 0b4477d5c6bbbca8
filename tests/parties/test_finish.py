from functools import cache

import numpy as np
import pytest

from allears.asr import checkpoint as single
from allears.asr.recogniser import RecogniserError
from allears.asr.search.words import Timing
from allears.asr.session import OnnxNetworks
from allears.outputs import write_whole
from allears.parties.finish import finish
from allears.parties.judging import NOTHING, judge, said
from allears.parties.opening import open_converser
from allears.parties.turns import Manner
from tests.parties.talk import TOKENS, learnt, recogniser, session


@cache
def finished():
    return finish(learnt(), [session()], smaller=("int8",), text="one talk")


def judged(networks, manner):
    return sum(judge(networks, [session()], manner), NOTHING)


def test_what_was_learnt_by_heart_is_judged_so():
    found = finished()
    assert list(found.judged) == ["float32", "int8"]
    words, turns = found.judged["float32"].words, found.judged["float32"].turns
    assert words.words == sum(len(turn.text.split()) for turn in session().turns)
    assert words.errors <= 1
    assert (turns.exact, turns.sessions) == (1, 1)
    assert found.sizes["int8"] < 0.5 * found.sizes["float32"]


def test_turns_are_told_to_begin_and_end_when_they_did():
    found = finished()
    about = found.bundle.about
    networks = OnnxNetworks.of(found.bundle)
    manner = Manner(networks.tokens, Timing(0.04), about.turn_start_delay_s, about.turn_end_delay_s)
    latency = judged(networks, manner).latency
    assert latency.matched == 3
    # What is taken off is by how much they are late, to a bin of what is counted.
    assert about.turn_start_delay_s == pytest.approx(latency.start.percentile(50) - 0.04, abs=0.02)
    assert about.turn_end_delay_s == pytest.approx(latency.end.percentile(50), abs=0.02)


def test_the_file_is_what_converse_takes(tmp_path):
    path = tmp_path / "talk.safetensors"
    write_whole(path, finished().data)
    stream = open_converser(path).stream()
    events = stream.accept(session().samples) + stream.finish()
    finals = sorted((each.start, each.text) for each in events if each.kind == "final")
    assert len(finals) == 3
    assert [start for start, _ in finals] == pytest.approx(
        [turn.start for turn in session().turns], abs=0.15
    )


def test_without_conversations_it_stays_as_it_is():
    found = finish(learnt(), [])
    assert (found.judged, found.lowered) == ({}, 0.0)
    assert found.bundle.about.rates == {}


def test_a_recogniser_of_single_talkers_is_refused(tmp_path):
    single.save(recogniser(), TOKENS, tmp_path / "single.safetensors")
    with pytest.raises(RecogniserError, match="holds transducer"):
        finish(tmp_path / "single.safetensors", [])


def test_the_truth_is_by_speaker():
    segments = said(session())
    assert [each.label for each in segments] == [turn.speaker for turn in session().turns]
    assert np.all(np.diff([each.start for each in segments]) > 0)
