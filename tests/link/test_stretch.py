import numpy as np
import pytest

from allears.link import stretch
from allears.link.frame import Label
from allears.link.playout import Playout
from allears.score.click import strength
from tests.real import speech

RATE = 16_000


def tone(hertz: float, seconds: float = 0.06) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


@pytest.mark.parametrize("hertz", [110, 150.5, 220, 313])
def test_a_tone_loses_or_gains_whole_periods(hertz: float) -> None:
    """Shifted by a period the tone is itself: nothing but its length changes."""
    signal = tone(hertz)
    for change, sign in ((stretch.shorten, -1), (stretch.lengthen, 1)):
        changed = change(signal, RATE)
        difference = len(changed) - len(signal)
        assert sign * difference > 0
        periods = abs(difference) * hertz / RATE
        assert periods == pytest.approx(round(periods), abs=0.02)
        tail = signal[-200:]
        assert np.allclose(changed[-200:], tail) and changed[0] == signal[0]
        assert np.abs(np.diff(changed, 2)).max() < 1.2 * np.abs(np.diff(signal, 2)).max()


def test_noise_is_left_alone() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 960).astype(np.float32)
    assert len(stretch.shorten(noise, RATE)) == len(stretch.lengthen(noise, RATE)) == 960


def test_silence_may_be_cut_anywhere() -> None:
    quiet = np.random.default_rng(0).normal(0, 1e-4, 960).astype(np.float32)
    assert len(stretch.shorten(quiet, RATE)) < 960 < len(stretch.lengthen(quiet, RATE))


def test_too_short_a_signal_is_left_alone() -> None:
    assert len(stretch.shorten(tone(200, 0.003), RATE)) == int(0.003 * RATE)


def test_stretched_speech_does_not_click() -> None:
    said = speech()
    for change in (stretch.shorten, stretch.lengthen):
        worst = 0.0
        for at in range(3200, len(said) - 3200, 3200):
            changed = change(said[at : at + 640], RATE)
            whole = np.concatenate((said[at - 320 : at], changed, said[at + 640 : at + 960]))
            for seam in range(320, 320 + 320, 16):
                worst = max(worst, strength(whole, RATE, seam))
        natural = max(strength(said, RATE, at) for at in range(3200, len(said) - 3200, 8))
        assert worst < 1.2 * natural


def test_splice_ends_where_the_new_signal_goes_on() -> None:
    old, new = np.ones(80, np.float32), np.zeros(320, np.float32)
    spliced = stretch.splice(old, new)
    assert len(spliced) == len(new)
    assert stretch.splice(new, old)[-1] == 1
    assert spliced[0] == 1 and spliced[79] == 0 and not spliced[80:].any()


def labelled(*pieces: tuple[int, Label]) -> Playout:
    playout = Playout(RATE)
    at = 0
    for size, label in pieces:
        playout.push(tone(200, 1)[at : at + size], label)
        at += size
    return playout


def test_playout_gives_whole_frames_labelled_by_majority() -> None:
    playout = labelled((100, Label.CONCEALED), (240, Label.RECEIVED), (300, Label.LBRR))
    first, label = playout.pop()
    assert len(first) == 320 and label is Label.RECEIVED
    second, label = playout.pop()
    assert len(second) == 320 and label is Label.LBRR and playout.size == 0
    assert np.allclose(np.concatenate((first, second)), tone(200, 0.04))


def test_playout_keeps_labels_when_it_stretches() -> None:
    playout = labelled((320, Label.CONCEALED), (320, Label.RECEIVED))
    removed = playout.shorten()
    assert removed in (80, 160) and playout.size == 640 - removed
    assert playout.pop()[1] is (Label.CONCEALED if removed == 80 else Label.RECEIVED)
    longer = labelled((320, Label.RED), (320, Label.RECEIVED))
    added = longer.lengthen()
    assert added in (80, 160) and longer.size == 640 + added
    assert [longer.pop()[1] for _ in range(2)] == [Label.RED, Label.RECEIVED]
