"""Wherever a call changes between received, recovered and concealed, it clicks no more than speech."""

import random

import numpy as np
import pytest

from allears.link.frame import Frame, Label
from allears.link.network import RandomNetwork
from allears.link.neural import load
from allears.link.sender import Redundancy, SenderConfig
from allears.link.simulate import simulate
from allears.score import click
from allears.wire.loss import LossModel, NoLoss, TraceLoss, parse_loss
from tests.real import speech


def call(text: str, loss: LossModel, bitrate: int, jitter: float = 0.0) -> tuple[Frame, ...]:
    config = SenderConfig(redundancy=Redundancy.parse(text), bitrate=bitrate, complexity=2)
    network = RandomNetwork(loss, random.Random(0), jitter=jitter)
    neural = load("allears") if config.redundancy.dred else None
    return simulate(speech(), config, network, neural=neural).frames


def join(frames: tuple[Frame, ...]) -> np.ndarray:
    return np.concatenate([frame.samples for frame in frames])


def at_changes(frames: tuple[Frame, ...], signal: np.ndarray) -> list[float]:
    return [
        click.strength(signal, 16_000, 320 * number)
        for number in range(1, len(frames))
        if frames[number].label != frames[number - 1].label
    ]


def inside(frames: tuple[Frame, ...]) -> list[float]:
    """Where nothing changes: a voice speaks before and after."""
    signal = join(frames)
    return [
        click.strength(signal, 16_000, 320 * number)
        for number in range(2, len(frames) - 2)
        if {frame.label for frame in frames[number - 2 : number + 2]} == {Label.DRED}
    ]


def test_the_measure_hears_a_click() -> None:
    said = speech()
    natural = [click.strength(said, 16_000, at) for at in range(1600, len(said) - 1600, 160)]
    clicked = []
    for at in range(1600, len(said) - 1600, 160):
        broken = said[at - 400 : at + 400].copy()
        broken[400:] += 0.1
        clicked.append(click.strength(broken, 16_000, 400))
    assert np.median(clicked) > 2 * np.percentile(natural, 99)
    assert click.strength(said, 16_000, 3) == 0


@pytest.mark.parametrize(
    ("text", "bitrate"),
    [
        ("none", 16_000),
        ("none", 24_000),
        ("lbrr", 32_000),
        ("red:1", 24_000),
        ("lbrr+red:1", 64_000),
        ("dred", 24_000),
        ("lbrr+dred", 40_000),
    ],
)
def test_no_change_of_label_clicks(text: str, bitrate: int) -> None:
    clean = join(call(text, NoLoss(), bitrate))
    heard, as_said, cut = [], [], []
    for seed in range(6):
        frames = call(text, parse_loss("burst:30%:60ms", seed), bitrate)
        heard += at_changes(frames, join(frames))
        as_said += at_changes(frames, clean)
        muted = clean.copy()
        for number, frame in enumerate(frames):
            if frame.label is not Label.RECEIVED:
                muted[320 * number : 320 * (number + 1)] = 0
        cut += at_changes(frames, muted)
    assert len(heard) > 400
    # A voice may well begin its noise right there, and its own pulses are sharper than those recorded.
    deep = "dred" in text
    own = inside(call(text, parse_loss("burst:50%:400ms", 1), bitrate)) if deep else as_said
    for percentile in (50, 90, 99) if deep else (50, 90, 99, 100):
        limit = max(np.percentile(as_said, percentile), np.percentile(own, percentile))
        assert np.percentile(heard, percentile) < 1.25 * limit, percentile
    # What a receiver does that plays nothing for what is missing: the measure tells them apart.
    assert np.percentile(cut, 90) > 3 * np.percentile(heard, 99)


@pytest.mark.parametrize("text", ["none", "lbrr"])
def test_no_packet_clicks_wherever_it_is_lost(text: str) -> None:
    """Each packet in turn, and the two before it, as the only ones lost."""
    clean = join(call(text, NoLoss(), 32_000))
    natural = max(click.strength(clean, 16_000, at) for at in range(320, len(clean), 40))
    worst = 0.0
    for first in range(7):
        pattern = [number % 7 in (first, (first + 1) % 7) for number in range(700)]
        frames = call(text, TraceLoss(pattern), 32_000)
        worst = max(worst, *at_changes(frames, join(frames)))
    assert worst < 1.1 * natural


def test_changing_speed_does_not_click() -> None:
    """A network whose delay swings makes the receiver stretch time; nothing is to be heard of it."""
    frames = call("none", NoLoss(), 32_000, jitter=0.02)
    heard, clean = join(frames), join(call("none", NoLoss(), 32_000))
    # Every place, since stretching does not keep to the frames.
    places = range(320, min(len(heard), len(clean)) - 320, 16)
    strengths = [click.strength(heard, 16_000, at) for at in places]
    natural = [click.strength(clean, 16_000, at) for at in places]
    assert len(heard) != len(clean)
    assert np.percentile(strengths, 99.9) < 1.25 * np.percentile(natural, 99.9)
    assert max(strengths) < 1.5 * max(natural)
