import io
import json
import re
from itertools import pairwise

import pytest

from allears.asr import formats as transcripts
from allears.asr.events import Result, Word
from allears.parties.events import Event, Kind
from allears.parties.formats import FORMATS, UNKNOWN, line


def words(*given):
    return tuple(Word(text, start, end, 0.5) for text, start, end in given)


def turn(number, speaker, start, end, said=(), told=None):
    """The four events of a turn, of which the partial has the first word."""
    told = end + 0.1 if told is None else told
    return [
        Event(Kind.TURN_START, number, "", start, start, (), start + 0.1),
        Event(Kind.PARTIAL, number, "", start, end, said[:1], told),
        Event(Kind.FINAL, number, speaker, start, end, said, told),
        Event(Kind.TURN_END, number, speaker, start, end, said, told),
    ]


LONG = turn(1, "Ann Lee", 0.5, 9.25, words(("so", 0.5, 0.75), ("then", 5.0, 9.25)))
SHORT = turn(2, "<B&B>", 2.0, 3.5, words(("no", 2.0, 3.5)))
SILENT = turn(3, "Ann Lee", 10.0, 11.0)
NOBODY = turn(4, "", 3725.06, 3726.0, words(("bye", 3725.06, 3726.0)))
EMPTY = turn(5, "Ann Lee", 4000.0, 4000.0)
EVENTS = [*SHORT, *LONG, *SILENT, *NOBODY, *EMPTY]


def written(form, events=EVENTS, name="a room/the talk.wav"):
    writer = FORMATS[form](name)
    return "".join(map(writer.tell, events)) + writer.end()


def test_text_is_a_line_for_each_turn_with_words():
    assert written("text") == (
        "[00:02.0–00:03.5] <B&B>: no\n"
        "[00:00.5–00:09.2] Ann Lee: so then\n"
        f"[62:05.1–62:06.0] {UNKNOWN}: bye\n"
    )
    assert line(turn(1, "x", 59.96, 60.04)[2]) == "[01:00.0–01:00.0] x: "


def test_json_is_a_line_for_each_event():
    found = [json.loads(each) for each in written("jsonl").splitlines()]
    assert [each["event"] for each in found] == [each.kind.value for each in EVENTS]
    first, *_ = [each for each in found if each["turn"] == 1]
    assert first == {
        "event": "turn_start", "turn": 1, "speaker": "", "start": 0.5, "end": 0.5, "text": "",
        "words": [], "told": 0.6, "latency": 0.1,
    }  # fmt: skip
    final = next(each for each in found if (each["turn"], each["event"]) == (1, "final"))
    assert (final["text"], final["speaker"], final["latency"]) == ("so then", "Ann Lee", 0.1)
    assert all(list(each) == list(first) for each in found)


def test_json_has_words_as_transcripts_have_them():
    said = words(("eins", 0.12345, 0.5), ("zwei", 0.5, 1.0))
    ours = json.loads(written("jsonl", turn(1, "", 0, 1, said)[2:3]))
    result = Result(said, True, 0.0, 1.0)
    theirs = json.loads(transcripts.FORMATS["jsonl"]("", False).tell(result))
    assert ours["words"] == theirs["words"] and ours["text"] == theirs["text"]


def test_rttm_has_turns_that_take_time_in_order():
    assert written("rttm") == (
        "SPEAKER the_talk 1 0.500 8.750 <NA> <NA> Ann_Lee <NA> <NA>\n"
        "SPEAKER the_talk 1 2.000 1.500 <NA> <NA> <B&B> <NA> <NA>\n"
        "SPEAKER the_talk 1 10.000 1.000 <NA> <NA> Ann_Lee <NA> <NA>\n"
        f"SPEAKER the_talk 1 3725.060 0.940 <NA> <NA> {UNKNOWN} <NA> <NA>\n"
    )


def test_stm_has_turns_with_words_in_order():
    assert written("stm") == (
        "the_talk 1 Ann_Lee 0.500 9.250 so then\n"
        "the_talk 1 <B&B> 2.000 3.500 no\n"
        f"the_talk 1 {UNKNOWN} 3725.060 3726.000 bye\n"
    )


def test_seglst_is_a_list_of_segments_in_order():
    found = json.loads(written("seglst"))
    assert [each["words"] for each in found] == ["so then", "no", "", "bye"]
    assert found[0] == {
        "session_id": "the_talk", "speaker": "Ann Lee", "start_time": 0.5, "end_time": 9.25,
        "words": "so then",
    }  # fmt: skip


def test_webvtt_has_voices_and_lines_in_order_although_turns_overlap():
    assert written("vtt") == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:00:01.500\n<v Ann Lee>so\n\n"
        "00:00:02.000 --> 00:00:03.500\n<v &lt;B&amp;B&gt;>no\n\n"
        "00:00:05.000 --> 00:00:09.250\n<v Ann Lee>then\n\n"
        "01:02:05.060 --> 01:02:06.000\nbye\n\n"
    )


def test_no_line_of_webvtt_takes_no_time():
    found = written("vtt", turn(1, "x", 2.0, 2.0, words(("no", 2.0, 2.0))))
    assert found == "WEBVTT\n\n00:00:02.000 --> 00:00:02.001\n<v x>no\n\n"


@pytest.mark.parametrize(
    ("form", "nothing"),
    [("text", ""), ("jsonl", ""), ("rttm", ""), ("stm", ""), ("seglst", "[]\n"), ("vtt", "WEBVTT\n\n")],
)  # fmt: skip
def test_a_conversation_without_turns_is_whole_too(form, nothing):
    assert written(form, []) == nothing
    assert set(FORMATS) == {"text", "jsonl", "rttm", "stm", "seglst", "vtt"}


@pytest.mark.parametrize("form", ["rttm", "stm", "seglst", "vtt"])
def test_what_is_to_be_in_order_waits_for_the_end(form):
    writer = FORMATS[form]("x")
    assert not any(map(writer.tell, EVENTS)) and writer.end()


def test_scorers_read_what_is_written():
    meeteval = pytest.importorskip("meeteval")
    ours = [(each.start, each.end, each.text) for each in (LONG[2], SHORT[2], NOBODY[2])]
    stm = meeteval.io.STM.load(io.StringIO(written("stm")))
    assert [(float(e.begin_time), float(e.end_time), e.transcript) for e in stm] == ours
    assert {each.filename for each in stm} == {"the_talk"}
    rttm = meeteval.io.RTTM.load(io.StringIO(written("rttm")))
    assert [float(each.duration) for each in rttm] == [8.75, 1.5, 1.0, 0.94]
    assert [each.speaker_id for each in rttm] == ["Ann_Lee", "<B&B>", "Ann_Lee", UNKNOWN]
    seglst = meeteval.io.SegLST(json.loads(written("seglst")))
    times = [(each["start_time"], each["end_time"], each["words"]) for each in seglst]
    assert [each for each in times if each[2]] == ours


def test_any_name_is_one_field():
    for name, field in (
        ("-", "-"),
        ("microphone", "microphone"),
        ("two words.x.ogg", "two_words.x"),
    ):
        (row,) = written("rttm", SHORT, name).splitlines()
        assert row.split()[1] == field and len(row.split()) == 10


def test_times_of_webvtt_never_go_back():
    starts = re.findall(r"^(\S+) -->", written("vtt", [*SHORT, *NOBODY, *LONG]), re.MULTILINE)
    assert len(starts) == 4 and all(a <= b for a, b in pairwise(starts))
