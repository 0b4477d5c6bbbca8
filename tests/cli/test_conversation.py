import io

import pytest
from rich.console import Console

from allears.asr.events import Word
from allears.cli.conversation import COLOURS, Transcript
from allears.parties.events import Event, Kind
from allears.parties.formats import line


def event(kind, turn, speaker, text):
    said = tuple(Word(each, 1.0, 2.0, 1.0) for each in text.split())
    return Event(kind, turn, speaker, 1.0, 2.0, said, 2.5)


@pytest.fixture
def terminal():
    return Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=60)


def seen(console):
    return console.file.getvalue()


def code(number):
    return (
        f"\x1b[{31 + ('red', 'green', 'yellow', 'blue', 'magenta', 'cyan').index(COLOURS[number])}m"
    )


def test_each_speaker_has_a_colour_that_stays(terminal):
    with Transcript(terminal, ["Ann", "Ben"]) as transcript:
        for turn, name in enumerate(("Ben", "Cem", "Ann", "Ben", "")):
            transcript.tell(event(Kind.FINAL, turn, name, f"word{turn}"))
    lines = [each for each in seen(terminal).splitlines() if "word" in each]
    colours = [code(1), code(2), code(0), code(1)]
    assert len(lines) == 5 and len(set(colours)) == 3
    for text, colour in zip(lines, colours, strict=False):
        assert colour in text
    assert "unknown: word4" in lines[-1] and not any(each in lines[-1] for each in colours)


def test_turns_go_on_under_each_other_until_they_are_over(terminal):
    with Transcript(terminal) as transcript:
        transcript.tell(event(Kind.TURN_START, 1, "", ""))
        transcript.tell(event(Kind.PARTIAL, 1, "", "one"))
        transcript.tell(event(Kind.PARTIAL, 2, "", "two"))
        both = seen(terminal)
        assert both.rindex("unknown: one") < both.rindex("unknown: two")
        final = event(Kind.FINAL, 1, "Ann", "one more")
        transcript.tell(final)
        transcript.tell(event(Kind.TURN_END, 1, "Ann", "one more"))
        after = seen(terminal)[len(both) :]
        assert after.index(line(final)) < after.rindex("unknown: two")
        assert "unknown: one" not in after.split(line(final))[1]


def test_more_speakers_than_colours_have_them_again(terminal):
    with Transcript(terminal, map(str, range(len(COLOURS)))) as transcript:
        transcript.tell(event(Kind.FINAL, 1, "one more", "word"))
    assert f"{code(0)}[00:01.0" in seen(terminal)


def test_turns_without_words_are_not_shown(terminal):
    with Transcript(terminal) as transcript:
        transcript.tell(event(Kind.FINAL, 1, "Ann", ""))
    assert "Ann" not in seen(terminal)
