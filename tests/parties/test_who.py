from dataclasses import replace

import numpy as np
import pytest

from allears.errors import AllearsError
from allears.parties.floor import KEPT_S, Floor, Taken
from allears.parties.turns import Open
from allears.parties.who import Rules, Speakers
from allears.speaker.embedder import Embedder
from allears.speaker.verifier import Verifier
from tests.speaker.small import CONFIG, exported

RATE = 16_000
ANN, BOB, CYD = np.eye(4, dtype=np.float32)[:3]


class Loudness:
    """Whose voice it is stands in how loud it is: a voice for tests of who is told apart, not of voices."""

    def embed(self, samples):
        level = round(float(np.abs(samples).max(initial=0)) * 10)
        if not level:
            raise AllearsError("nobody speaks")
        return np.eye(4, dtype=np.float32)[level - 1]

    def same(self, first, second):
        return 10 * (float(first @ second) - 0.5)


def near(voice, other, share):
    mixed = (1 - share) * voice + share * other
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)


def speakers(enrolled=(), **rules):
    return Speakers(Loudness(), dict(enrolled), Rules(**rules))


def test_voices_are_told_apart_as_they_come():
    met = speakers()
    names = [met.name(voice, 2.0) for voice in (ANN, BOB, near(ANN, CYD, 0.2), CYD, BOB)]
    assert names == ["speaker 1", "speaker 2", "speaker 1", "speaker 3", "speaker 2"]


def test_who_is_enrolled_is_called_by_name():
    met = speakers({"Ann": ANN})
    assert [met.name(voice, 2.0) for voice in (BOB, near(ANN, BOB, 0.3))] == ["speaker 1", "Ann"]


def test_two_who_talk_at_once_are_not_one():
    met = speakers({"Ann": ANN})
    assert met.name(ANN, 2.0, others=["Ann"]) == "speaker 1"


def test_after_too_little_nobody_new_is_met():
    met = speakers(least_s=1.0)
    assert met.name(ANN, 0.5) == ""
    assert met.name(ANN, 1.5) == "speaker 1"
    # The nearest of those there are, rather than nobody.
    assert met.name(BOB, 0.5) == "speaker 1"


def test_no_more_are_met_than_there_may_be():
    met = speakers(most=2)
    assert [met.name(voice, 2.0) for voice in (ANN, BOB, CYD)][:2] == ["speaker 1", "speaker 2"]
    assert met.name(CYD, 2.0) in ("speaker 1", "speaker 2")


def test_a_guess_is_not_remembered():
    met = speakers()
    assert met.guess(ANN) == ""
    met.name(ANN, 2.0)
    assert met.guess(near(ANN, BOB, 0.3)) == "speaker 1"
    assert met.guess(BOB) == ""


def test_a_speaker_is_the_mean_of_what_was_heard():
    met = speakers()
    met.name(ANN, 8.0)
    met.name(near(ANN, BOB, 0.45), 8.0)
    # Nearer to the mean of both than the cosine that is asked for, though not to the first alone.
    assert met.guess(near(ANN, BOB, 0.64)) == "speaker 1"


def towards(degrees):
    """A voice of the small network in the plane of a cohort, so far from its middle."""
    found = np.zeros(CONFIG.size, np.float32)
    found[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return found


@pytest.fixture(scope="module")
def verifier():
    """A network whose cohort's voices are alike, and most like those at 0°; even odds are at a score of 1."""
    made = exported()
    cohort = np.stack([towards(each) for each in (-20, -10, 0, 10, 20)])
    about = replace(made.about, top=5, slope=1.0, offset=-1.0)
    return Verifier(Embedder.of(replace(made, cohort=cohort, about=about)))


def test_a_voice_that_is_like_many_is_not_taken_for_all(verifier):
    """Whoever judged by cosines would say Ann both times: of who is like the cohort they say little."""
    common, rare = towards(0), towards(90)
    met = Speakers(verifier, {"Ann": common, "Bob": rare})
    between = towards(44)
    assert between @ common > between @ rare
    assert met.guess(between) == "Bob"
    assert met.name(between, 3.0) == "Bob"
    stranger = towards(15)
    assert stranger @ common > between @ rare
    assert Speakers(verifier, {"Ann": common}).name(stranger, 3.0) == "speaker 1"


def test_who_is_met_is_held_against_the_cohort_as_the_verifier_does(verifier):
    met = Speakers(verifier, {"Bob": towards(90)})
    met.name(towards(70), 10.0)
    mean = 20 * towards(90) + 10 * towards(70)
    name, nats = met._likeliest(towards(60), ())
    expected = verifier.compare(mean / np.linalg.norm(mean), towards(60)).ratio
    assert name == "Bob" and nats == pytest.approx(expected, rel=1e-5)


def taken(number):
    return Taken(number, Open(0, 0), 0.0)


def sound(level, seconds):
    return np.full(int(seconds * RATE), level / 10, np.float32)


def test_a_voice_is_heard_where_nobody_else_speaks():
    floor = Floor(speakers())
    floor.listen(np.concatenate((sound(1, 2), sound(3, 1), sound(2, 2))))
    floor.hold(2.0, [taken(1)])
    floor.hold(3.0, [taken(1), taken(2)])  # both at once: nobody's
    floor.hold(5.0, [taken(2)])
    assert floor.name(taken(1), 3.0, []) == "speaker 1"
    assert floor.name(taken(2), 5.0, []) == "speaker 2"
    again = Floor(speakers({"one": ANN, "two": BOB}))
    again.listen(np.concatenate((sound(1, 2), sound(3, 1), sound(2, 2))))
    again.hold(2.0, [taken(1)])
    again.hold(3.0, [taken(1), taken(2)])
    again.hold(5.0, [taken(2)])
    assert [again.name(taken(1), 3.0, []), again.name(taken(2), 5.0, [])] == ["one", "two"]


def test_who_it_may_be_is_said_before_the_turn_is_over():
    floor = Floor(speakers({"Ann": ANN}))
    floor.listen(sound(1, 2))
    floor.hold(0.5, [taken(1)])
    assert floor.guess(taken(1), []) == ""
    floor.hold(1.5, [taken(1)])
    assert floor.guess(taken(1), []) == "Ann"


def test_what_is_kept_is_bounded():
    floor = Floor(speakers())
    for second in range(100):
        floor.listen(sound(1, 1))
        floor.hold(second + 1.0, [taken(1)])
    kept = sum(len(each.samples) for each in floor._alone.values()) + len(floor._waiting)
    assert kept <= KEPT_S * RATE
    floor.name(taken(1), 100.0, [])
    assert not floor._alone


def test_silence_is_nobodys():
    floor = Floor(speakers({"Ann": ANN}))
    floor.listen(sound(0, 3))
    floor.hold(3.0, [taken(1)])
    assert floor.name(taken(1), 3.0, []) == ""


def test_with_nobody_to_be_met_nothing_is_kept():
    floor = Floor(None)
    floor.listen(sound(1, 3))
    floor.hold(3.0, [taken(1)])
    assert floor.name(taken(1), 3.0, []) == ""
    assert not len(floor._waiting)


@pytest.mark.parametrize("late", [0.0, 0.4])
def test_what_came_after_a_turn_is_not_its_voice(late):
    floor = Floor(speakers({"one": ANN, "two": BOB}))
    floor.listen(np.concatenate((sound(1, 1), sound(2, late))))
    floor.hold(1.0 + late, [taken(1)])
    assert floor.name(taken(1), 1.0, []) == "one"
