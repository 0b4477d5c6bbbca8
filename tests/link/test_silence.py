"""Pauses in which packets are lost: nobody is heard who did not speak, and no network works for it."""

import contextlib
import random
from collections.abc import Iterator
from functools import cache
from unittest import mock

import numpy as np
import onnxruntime as ort
import pytest

from allears.link.frame import Frame, Label
from allears.link.neural import load
from allears.link.receiver import Receiver
from allears.link.sender import Redundancy, Sender, SenderConfig
from allears.wire.dred import MAX_LATENTS
from allears.wire.rtp import RtpPacket
from tests.real import speech

RATE, FRAME = 16_000, 320
RNG = np.random.default_rng(0)
PAUSE = {
    "digital": np.zeros(3 * RATE, np.float32),
    "denormal": (1e-40 * RNG.choice((-1, 1), 3 * RATE)).astype(np.float32),
    "hiss": (1e-5 * RNG.normal(size=3 * RATE)).astype(np.float32),
}
"""Three seconds of nothing: as a computer, a filter's decay or a silent room has it."""

BEGIN, END = 1.5, 4.5
"""Seconds at which the pause begins and ends."""

LOST = ((0.8, 1.0), (1.4, 1.8), (2.4, 2.7), (3.3, 4.0), (4.7, 5.0))
"""Seconds from which to which all packets are lost."""


@cache
def sent(redundancy: str, dtx: bool, pause: str) -> tuple[list[tuple[float, RtpPacket]], list[int]]:
    """Packets with the time that they are sent, and how often a network ran for each 20 ms."""
    said = np.concatenate((speech(seconds=BEGIN), PAUSE[pause], speech(seconds=BEGIN)))
    config = SenderConfig(redundancy=Redundancy.parse(redundancy), dtx=dtx)
    sender, packets, work = Sender(config, random.Random(0)), [], []
    for number, frame in enumerate(said.reshape(-1, FRAME)):
        with counted() as runs:
            packets += [(0.02 * number, packet) for packet in sender.push(frame)]
        work.append(runs.call_count)
    return packets, work


@contextlib.contextmanager
def counted() -> Iterator[mock.Mock]:
    """Counts how often a network is run, whichever it is."""
    with mock.patch.object(
        ort.InferenceSession, "run", autospec=True, side_effect=ort.InferenceSession.run
    ) as runs:
        yield runs


@cache
def heard(
    redundancy: str, dtx: bool, pause: str, wait: float
) -> tuple[tuple[float, Frame, int], ...]:
    """Each frame with the second of what was said that it is about, and how often a network ran for it."""
    packets, _ = sent(redundancy, dtx, pause)
    receiver = Receiver(RATE, neural=load("allears"), wait=wait)
    kept = [each for each in packets if not any(begin <= each[0] < end for begin, end in LOST)]
    first, frames = packets[0][1].timestamp, []
    for number in range(round(50 * (2 * BEGIN + 3 + wait))):
        now = 0.02 * number
        while kept and kept[0][0] <= now + 1e-6:
            at, packet = kept.pop(0)
            receiver.receive(bytes(packet), at)
        with counted() as runs:
            frame = receiver.pull(now)
        if frame.timestamp is not None:
            frames.append(((frame.timestamp - first) / 48_000, frame, runs.call_count))
    return tuple(frames)


def during(begin: float, end: float, *call: object) -> list[tuple[float, Frame, int]]:
    return [each for each in heard(*call) if begin <= each[0] < end]  # type: ignore[arg-type]


CALLS = [
    ("none", False, "hiss", 0.0),
    ("none", True, "digital", 0.0),
    ("dred", False, "denormal", 0.0),
    ("dred", False, "digital", 1.04),
    ("dred", True, "hiss", 0.0),
    ("dred", True, "denormal", 1.04),
]
"""Redundancy, whether silence is sent, which silence it is, and how long the listener waits."""


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_nobody_is_heard_who_did_not_speak(call: tuple[object, ...]) -> None:
    pause = during(BEGIN + 0.4, END, *call)
    assert any(frame.label is not Label.RECEIVED for _, frame, _ in pause)
    powers = [np.mean(np.square(frame.samples, dtype=np.float64)) for _, frame, _ in pause]
    assert 10 * np.log10(max(powers)) < -60
    loudest = max(np.abs(frame.samples).max() for _, frame, _ in during(0, BEGIN, *call))
    assert loudest > 0.05


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_networks_do_not_work_more_for_silence(call: tuple[object, ...]) -> None:
    """They rebuild what they are told of; where nobody tells anything they rest."""
    spoken, pause = (
        [runs for _, _, runs in during(*span, *call)] for span in ((0.5, BEGIN), (BEGIN, END))
    )
    assert np.mean(pause) < np.mean(spoken)
    # At once at most a beginning, and as much of a payload as there can be.
    assert max(pause) <= max(spoken) + 1 + MAX_LATENTS
    if call[0] == "none":
        assert not any(runs for _, _, runs in during(BEGIN + 1, END, *call))


@pytest.mark.parametrize("pause", PAUSE)
def test_a_sender_does_not_work_more_in_silence(pause: str) -> None:
    _, work = sent("dred", False, pause)
    begin, end = round(50 * BEGIN), round(50 * END)
    assert 0 < max(work[begin:end]) <= max(work[:begin])
    assert np.mean(work[begin:end]) <= np.mean(work[10:begin])
