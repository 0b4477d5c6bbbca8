"""The receiver against packets in every order and state; the clock and the wire are numbers here."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.link.frame import Frame, Label
from allears.link.receiver import Receiver
from allears.link.sender import Redundancy, Sender, SenderConfig
from allears.wire import rtcp
from allears.wire.red import RedBlock, RedPayload
from allears.wire.rtp import RtpPacket
from tests.real import speech


def stream(text: str = "none", seed: int = 0, **settings: object) -> list[RtpPacket]:
    config = SenderConfig(redundancy=Redundancy.parse(text), bitrate=32_000, **settings)  # type: ignore[arg-type]
    return Sender(config, random.Random(seed)).push(speech(seconds=4))


def run(
    receiver: Receiver, arrivals: list[tuple[float, bytes]], seconds: float, begin: float = 0.0
) -> list[Frame]:
    """Pull every 20 ms of `seconds`; each datagram is handed over when its time has come."""
    waiting = sorted(arrivals, key=lambda arrival: arrival[0])
    frames = []
    for number in range(round(begin * 50), round((begin + seconds) * 50)):
        now = number * 0.02
        while waiting and waiting[0][0] <= now:
            at, datagram = waiting.pop(0)
            receiver.receive(datagram, at)
        frames.append(receiver.pull(now))
    return frames


def on_time(packets: list[RtpPacket]) -> list[tuple[float, bytes]]:
    return [(number * 0.02, bytes(packet)) for number, packet in enumerate(packets)]


def labels(frames: list[Frame]) -> list[Label]:
    return [frame.label for frame in frames if frame.timestamp is not None]


def test_before_the_first_packet_there_is_silence() -> None:
    frames = run(Receiver(16_000), [], 0.2)
    assert {frame.label for frame in frames} == {Label.SILENCE}
    assert all(len(frame.samples) == 320 and not frame.samples.any() for frame in frames)


def test_a_good_network_gives_every_frame_after_the_least_delay() -> None:
    receiver = Receiver(16_000)
    frames = run(receiver, on_time(stream()), 4.0)
    assert [frame.timestamp is None for frame in frames[:3]] == [True, True, False]
    assert set(labels(frames)) == {Label.RECEIVED}
    stamps = [frame.timestamp for frame in frames if frame.timestamp is not None]
    assert set(np.diff(stamps)) == {960}


@pytest.mark.parametrize(
    ("text", "gone", "wanted"),
    [
        ("none", [100], [Label.CONCEALED]),
        ("lbrr", [100], [Label.LBRR]),
        ("lbrr", [100, 101, 102], [Label.CONCEALED, Label.CONCEALED, Label.LBRR]),
        ("red:1", [100], [Label.RED]),
        ("red:2", [100, 101], [Label.RED, Label.RED]),
        ("red:2", [100, 101, 102], [Label.CONCEALED, Label.RED, Label.RED]),
        ("lbrr+red:1", [100, 101], [Label.LBRR, Label.RED]),
    ],
)
def test_a_hole_is_filled_from_what_came_later(
    text: str, gone: list[int], wanted: list[Label]
) -> None:
    packets = stream(text)
    arrivals = [each for number, each in enumerate(on_time(packets)) if number not in gone]
    found = labels(run(Receiver(16_000), arrivals, 4.0))
    assert found[100 : 100 + len(gone)] == wanted
    assert set(found[:100] + found[100 + len(gone) : 190]) == {Label.RECEIVED}


def test_red_gives_back_the_very_samples() -> None:
    packets = stream("red:2")
    whole = run(Receiver(16_000), on_time(packets), 4.0)
    holed = run(
        Receiver(16_000), [a for n, a in enumerate(on_time(packets)) if n % 5 not in (3, 4)], 4.0
    )
    # The very last may have had no later packet to come back with.
    for one, other in zip(whole[:-6], holed[:-6], strict=True):
        assert (one.samples == other.samples).all()


def test_order_and_repetition_do_not_matter() -> None:
    packets = stream()
    straight = run(Receiver(16_000), on_time(packets), 4.0)
    mixed = [
        (at + (0.015 if n % 3 else 0.0), data) for n, (at, data) in enumerate(on_time(packets))
    ]
    mixed += [(at + 0.03, data) for at, data in on_time(packets)[::7]]
    receiver = Receiver(16_000, min_delay=0.06)
    heard = run(receiver, mixed, 4.0)
    first = next(n for n, frame in enumerate(heard) if frame.timestamp is not None)
    ahead = next(n for n, frame in enumerate(straight) if frame.timestamp is not None)
    for one, other in zip(straight[ahead:180], heard[first:], strict=False):
        assert (one.samples == other.samples).all()
    assert receiver.statistics().duplicates == len(packets[::7])
    assert receiver.statistics().lost == 0


def test_a_network_that_stands_still_loses_no_word() -> None:
    """300 ms in which nothing comes, then all of it: played late, and caught up with afterwards."""
    packets = stream()
    arrivals = [(1.3 if 1.0 <= at < 1.3 else at, datagram) for at, datagram in on_time(packets)]
    receiver = Receiver(16_000)
    frames = run(receiver, arrivals, 4.2)
    received = [
        f.timestamp for f in frames if f.label is Label.RECEIVED and f.timestamp is not None
    ]
    played = {stamp // 960 for stamp in received}
    assert len(played) >= 0.97 * len(packets)
    assert receiver.statistics().late == 0
    delay = receiver.delay(4.2)
    assert delay is not None and delay < 0.36


def test_a_late_packet_is_not_waited_for_when_newer_ones_are_here() -> None:
    packets = stream()
    arrivals = [
        (at + (0.2 if n == 100 else 0), data) for n, (at, data) in enumerate(on_time(packets))
    ]
    receiver = Receiver(16_000)
    found = labels(run(receiver, arrivals, 4.0))
    assert found[100] is Label.CONCEALED and set(found[101:190]) == {Label.RECEIVED}
    assert receiver.statistics().late == 1


def test_jitter_is_learnt() -> None:
    rng = random.Random(3)
    packets = stream() * 4
    renumbered = [
        RtpPacket(111, n & 0xFFFF, n * 960, 5, packet.payload) for n, packet in enumerate(packets)
    ]
    arrivals = [(at + rng.uniform(0, 0.1), data) for at, data in on_time(renumbered)]
    receiver = Receiver(16_000)
    frames = run(receiver, arrivals, 15.0)
    late_part = labels(frames)[300:]
    assert late_part.count(Label.RECEIVED) > 0.93 * len(late_part)
    assert 0.06 < receiver.target_delay < 0.12


def test_nobody_speaking_is_silence_not_loss() -> None:
    config = SenderConfig(dtx=True)
    said = np.concatenate((speech(seconds=1), np.zeros(32_000, np.float32), speech(seconds=1)))
    sender = Sender(config, random.Random(0))
    arrivals = []
    for number, frame in enumerate(said.reshape(-1, 320)):
        arrivals += [(number * 0.02, bytes(packet)) for packet in sender.push(frame)]
    receiver = Receiver(16_000)
    found = labels(run(receiver, arrivals, 3.9))
    assert found.count(Label.CONCEALED) == 0
    assert found[75:140].count(Label.SILENCE) > 55
    assert receiver.statistics().lost == 0


def test_another_stream_takes_over_without_a_click() -> None:
    first, second = stream(seed=0), stream(seed=1)
    arrivals = on_time(first[:100]) + [(2.5 + at, data) for at, data in on_time(second[:100])]
    receiver = Receiver(16_000)
    frames = run(receiver, arrivals, 4.4)
    assert receiver.statistics().streams == 2
    assert sum(frame.label is Label.RECEIVED for frame in frames) > 185
    whole = np.concatenate([frame.samples for frame in frames])
    jump = np.abs(np.diff(whole, 2))
    begins = next(n for n in range(100, 220) if frames[n].timestamp is None)
    ends = next(n for n in range(begins, 220) if frames[n].timestamp is not None)
    assert jump[(begins - 2) * 320 : (ends + 1) * 320].max() < 0.05
    assert jump.max() > 0.1  # speech itself has larger ones elsewhere


def test_goodbye_ends_the_call_once_all_is_played() -> None:
    packets = stream()
    receiver = Receiver(16_000)
    run(receiver, on_time(packets[:50]), 1.0)
    receiver.receive(rtcp.goodbye(packets[0].ssrc ^ 1), 1.0)
    assert not receiver.ended
    receiver.receive(rtcp.goodbye(packets[0].ssrc), 1.0)
    assert not receiver.ended
    run(receiver, [], 0.2, begin=1.0)
    assert receiver.ended


def test_goodbye_loses_nothing_of_long_packets() -> None:
    """60 ms packets leave part of one in the queue when the last has been decoded."""
    packets = stream(frame_ms=60)[:17]
    receiver = Receiver(16_000)
    for number, packet in enumerate(packets):
        receiver.receive(bytes(packet), 0.06 * number)
        for pull in range(3):
            receiver.pull(0.06 * number + 0.02 * pull)
    receiver.receive(rtcp.goodbye(packets[0].ssrc), 1.02)
    now, last = 1.02, None
    while not receiver.ended:
        last = receiver.pull(now)
        now += 0.02
    assert last is not None and last.timestamp is not None
    heard = last.timestamp + 960 - packets[0].timestamp
    assert heard == 17 * 2880 and now < 1.5
    assert receiver.pull(now).timestamp is None


def test_a_corrupt_payload_is_concealed_and_counted() -> None:
    packets = stream()
    broken = RtpPacket(
        111, packets[100].sequence, packets[100].timestamp, packets[100].ssrc, b"\xff"
    )
    receiver = Receiver(16_000)
    arrivals = [
        (at, bytes(broken) if n == 100 else data) for n, (at, data) in enumerate(on_time(packets))
    ]
    found = labels(run(receiver, arrivals, 4.0))
    assert found[100] is Label.CONCEALED and receiver.statistics().malformed == 1


def test_a_corrupt_copy_is_counted_and_not_played() -> None:
    """Found by fuzzing: a copy whose second frame passes its end, first looked into at a hole."""
    packets = stream()
    last = packets[11]
    corrupt = RedPayload(111, last.payload, (RedBlock(111, 960, bytes([9 << 3 | 2, 205, 1, 2])),))
    arrivals = on_time(packets[:10])
    mended = RtpPacket(63, last.sequence, last.timestamp, last.ssrc, bytes(corrupt))
    receiver = Receiver(16_000)
    found = labels(run(receiver, [*arrivals, (0.22, bytes(mended))], 0.4))
    assert found[10] is Label.CONCEALED and found[11] is Label.RECEIVED
    assert receiver.statistics().malformed == 1


@settings(max_examples=40)
@given(st.data())
def test_no_datagram_breaks_it(data: st.DataObject) -> None:
    """Real packets, mangled and mixed with noise, in any order: frames come out, nothing raises."""
    packets = [bytes(packet) for packet in stream("lbrr+red:1")[:12]]
    receiver = Receiver(16_000)
    for number in range(40):
        for _ in range(data.draw(st.integers(0, 2))):
            datagram = bytearray(data.draw(st.sampled_from(packets)))
            for _ in range(data.draw(st.integers(0, 3))):
                datagram[data.draw(st.integers(0, len(datagram) - 1))] = data.draw(
                    st.integers(0, 255)
                )
            cut = data.draw(st.integers(0, len(datagram)))
            receiver.receive(bytes(datagram[:cut] if cut % 3 == 0 else datagram), number * 0.02)
        frame = receiver.pull(number * 0.02)
        assert len(frame.samples) == 320 and np.isfinite(frame.samples).all()


def test_a_flood_of_strange_timestamps_is_bounded() -> None:
    packet = stream()[0]
    receiver = Receiver(16_000)
    rng = random.Random(0)
    for number in range(5_000):
        stamp = (packet.timestamp + rng.randrange(48_000 * 20)) & 0xFFFFFFFF
        strange = RtpPacket(
            111, (packet.sequence + number) & 0xFFFF, stamp, packet.ssrc, packet.payload
        )
        receiver.receive(bytes(strange), number * 1e-5)
    assert receiver.buffered <= 1000
    for number in range(100):
        receiver.pull(0.2 + number * 0.02)
