"""Transcripts in every format, read back."""

import json
import re
from itertools import pairwise

import pytest

from allears.asr.events import Alternative, Result, Word
from allears.asr.formats import FORMATS
from allears.asr.subtitles import LONGEST_S, WIDEST, cues

SAID = ["ask", "not", "what", "your", "country", "can", "do", "for", "you"]


def spoken(texts, start=0.0, step=0.4):
    """Words one after another, with short gaps."""
    return tuple(
        Word(text, start + i * step, start + (i + 1) * step - 0.05, 0.5 + 0.01 * i)
        for i, text in enumerate(texts)
    )


def final(words, start=None, end=None, **more):
    start = words[0].start if start is None and words else start or 0.0
    return Result(words, True, start, end or (words[-1].end if words else start), **more)


def written(form, results, name="talk.wav", live=False):
    writer = FORMATS[form](name, live)
    return writer.begin() + "".join(map(writer.tell, results)) + writer.end()


def seconds(clock):
    hours, minutes, rest = clock.replace(",", ".").split(":")
    assert re.fullmatch(r"\d{2,}:\d\d:\d\d\.\d{3}", clock.replace(",", "."))
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def read_cues(text, mark):
    """(start, end, text) of SubRip or WebVTT blocks; SubRip's are numbered."""
    found = []
    for number, block in enumerate(text.strip().split("\n\n"), 1):
        lines = block.split("\n")
        if mark == ",":
            assert lines.pop(0) == str(number)
        start, end = lines[0].split(" --> ")
        assert mark in start and mark in end and len(lines) == 2
        found.append((seconds(start), seconds(end), lines[1]))
    return found


TWO = [
    Result(spoken(["ask"]), False, 0.0, 0.4),
    final(spoken(SAID), reason="pause"),
    final((), 4.0, 9.0, reason="nothing heard"),
    final(spoken(["ask", "what", "you", "can", "do"], 3725.25)),
]


def test_text_is_a_line_for_a_file():
    assert written("text", TWO) == f"talk.wav\t{' '.join(SAID)} ask what you can do\n"
    assert written("text", [], "a\tb\nc") == "a b c\t\n"


def test_text_of_what_is_live_is_a_line_for_a_phrase():
    assert written("text", TWO, live=True) == f"{' '.join(SAID)}\nask what you can do\n"


def test_lines_tell_everything():
    others = (Alternative("ask", -1.23456), Alternative("asked", -2.0))
    results = [*TWO, final(spoken(["ask"], 4000.0), alternatives=others, reason="end")]
    found = [json.loads(line) for line in written("jsonl", results).splitlines()]
    assert [each["final"] for each in found] == [False, True, True, True]
    assert all(each["file"] == "talk.wav" for each in found)
    assert "reason" not in found[0] and found[1]["reason"] == "pause"
    assert found[2]["text"] == "ask what you can do" and found[2]["start"] == 3725.25
    assert found[2]["words"][0] == {
        "text": "ask", "start": 3725.25, "end": 3725.6, "confidence": 0.5
    }  # fmt: skip
    assert found[3]["alternatives"] == [
        {"text": "ask", "score": -1.235},
        {"text": "asked", "score": -2.0},
    ]


def test_a_partial_that_takes_all_back_is_told():
    (found,) = written("jsonl", [Result((), False, 1.0, 2.0)]).splitlines()
    assert json.loads(found)["text"] == ""


@pytest.mark.parametrize(("form", "mark"), [("srt", ","), ("vtt", ".")])
def test_subtitles_read_back(form, mark):
    text = written(form, TWO)
    if form == "vtt":
        assert text.startswith("WEBVTT\n\n")
        text = text.removeprefix("WEBVTT\n\n")
    found = read_cues(text, mark)
    assert " ".join(each[2] for each in found) == " ".join(SAID) + " ask what you can do"
    assert found[0][0] == 0.0 and found[-1][0] == 3725.25
    for (_, end, _), (start, _, _) in pairwise(found):
        assert end <= start


def test_subtitles_of_a_web_page_cannot_be_markup():
    words = (Word("<b>&", 0.0, 1.0, 1.0), Word("-->", 1.0, 2.0, 1.0))
    assert "&lt;b&gt;&amp; --&gt;\n" in written("vtt", [final(words)])


@pytest.mark.parametrize("step", [0.1, 0.4, 1.3, 7.0])
def test_subtitles_can_be_read(step):
    words = spoken(SAID * 8 + ["x" * 60] + SAID, 2.0, step)
    found = cues(words, words[-1].end + 3)
    assert " ".join(each.text for each in found) == " ".join(word.text for word in words)
    for each, after in zip(found, [*found[1:], None], strict=True):
        assert len(each.text) <= WIDEST or " " not in each.text
        assert 0 < each.end - each.start <= LONGEST_S + 1e-9
        assert after is None or each.end <= after.start


def test_a_pause_parts_subtitles_and_short_ones_stay():
    words = (Word("yes", 1.0, 1.2, 1.0), Word("no", 4.0, 4.1, 1.0))
    first, second = cues(words, 4.3)
    assert (first.start, first.end, second.start, second.end) == (1.0, 2.0, 4.0, 4.3)


def test_ctm_reads_back():
    lines = written("ctm", TWO, "my talks/a talk.wav").splitlines()
    words = [word for each in TWO if each.final for word in each.words]
    for line, word in zip(lines, words, strict=True):
        name, channel, start, length, text, confidence = line.split()
        assert (name, channel, text) == ("a_talk", "1", word.text)
        assert float(start) == pytest.approx(word.start, abs=6e-4)
        assert float(start) + float(length) == pytest.approx(word.end, abs=6e-4)
        assert float(confidence) == pytest.approx(word.confidence, abs=6e-4)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_said_is_nothing_but_what_the_format_wants(form):
    expected = {"text": "talk.wav\t\n", "vtt": "WEBVTT\n\n"}.get(form, "")
    assert written(form, [final((), 0.0, 5.0)]) == expected


def test_clocks_round_and_carry():
    words = (Word("late", 3599.9996, 3600.5, 1.0),)
    assert "01:00:00,000 --> 01:00:00,500" in written("srt", [final(words)])
