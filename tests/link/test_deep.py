"""What is rebuilt, when, and where it joins what is decoded; clock and network are numbers here."""

import random

import numpy as np
import pytest

from allears.audio.libopus import Decoder
from allears.audio.resample import resample
from allears.link.frame import Frame, Label
from allears.link.receiver import Receiver
from allears.link.sender import Redundancy, Sender, SenderConfig
from allears.score import click
from allears.wire.opus import OpusPacket
from allears.wire.rtp import RtpPacket
from tests.link import oracle
from tests.link.test_receiver import labels, on_time, run
from tests.real import speech

LENGTHS = (10, 20, 40, 60)


def stream(text: str = "none", rate: int = 16_000, frame_ms: float = 20, **settings: object):  # type: ignore[no-untyped-def]
    """Packets that carry a true memory of 1 s, and what libopus makes of them at `rate` and 16 kHz."""
    config = SenderConfig(
        rate=rate,
        frame_ms=frame_ms,
        redundancy=Redundancy.parse(text),
        bitrate=32_000,
        **settings,  # type: ignore[arg-type]
    )
    said = speech(seconds=4)
    said = resample(said, 16_000, rate)
    sender = Sender(config, random.Random(0), oracle.Memory(rate, frame_ms, 1000))
    packets = sender.push(said)
    return packets, decoded(packets, rate), decoded(packets, 16_000)


def decoded(packets: list[RtpPacket], rate: int) -> np.ndarray:
    decoder = Decoder(rate)
    return np.concatenate([decoder.decode(packet.payload) for packet in packets])


def arrivals(
    packets: list[RtpPacket], gone: object, frame_ms: float = 20
) -> list[tuple[float, bytes]]:
    return [
        (number * frame_ms / 1000, bytes(packet))
        for number, packet in enumerate(packets)
        if number not in gone  # type: ignore[operator]
    ]


def join(frames: list[Frame]) -> np.ndarray:
    return np.concatenate([frame.samples for frame in frames if frame.timestamp is not None])


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def equal(heard: np.ndarray, clean: np.ndarray) -> bool:
    """Sample for sample, but for the 15 ms that fade into a burst at 1.2 s."""
    same = heard == clean
    same[19_200:19_440] = True
    return bool(same.all())


@pytest.mark.parametrize("frame_ms", LENGTHS)
@pytest.mark.parametrize("text", ["none", "lbrr"])
def test_a_burst_is_rebuilt_where_it_was(text: str, frame_ms: int) -> None:
    packets, clean, _ = stream(text, frame_ms=frame_ms)
    gone = range(1200 // frame_ms, 1680 // frame_ms)
    receiver = Receiver(16_000, neural=oracle.neural(clean), wait=0.6)
    frames = run(receiver, arrivals(packets, gone, frame_ms), 3.5)
    found, heard = labels(frames), join(frames)
    assert set(found[:60] + found[84:140]) == {Label.RECEIVED}
    # The frame right before a packet is in that packet, as it was.
    copied = max(20, frame_ms) // 20 if text == "lbrr" else 0
    assert set(found[60 : 84 - copied]) == {Label.DRED}
    assert set(found[84 - copied : 84]) <= {Label.LBRR}
    end = 320 * (83 - copied)
    assert equal(heard[:end], clean[:end])
    after = slice(30_000, 44_000)
    assert correlation(heard[after], clean[after]) > 0.95
    assert receiver.statistics().rewinds == 0


@pytest.mark.parametrize("rate", [8000, 12_000, 24_000, 48_000])
def test_at_other_rates_it_stands_at_the_same_time(rate: int) -> None:
    packets, clean, narrow = stream(rate=rate)
    receiver = Receiver(rate, neural=oracle.neural(narrow), wait=0.6)
    frames = run(receiver, arrivals(packets, range(60, 84)), 3.5)
    assert labels(frames)[60:84] == [Label.DRED] * 24
    heard = join(frames)
    inside = slice(rate * 61 // 50, rate * 83 // 50)
    low, wanted = (resample(each[inside], rate, 8000)[400:-400] for each in (heard, clean))
    spoken = resample(narrow[16_000 * 61 // 50 : 16_000 * 83 // 50], 16_000, 8000)[400:-400]
    assert correlation(low, spoken) > 0.9999
    assert correlation(low, wanted) > 0.95  # libopus itself sounds a little different at each rate
    for at in (60, 84):
        strength = click.strength(heard, rate, at * rate // 50)
        assert strength < max(
            click.strength(clean, rate, place) for place in range(rate, 2 * rate, 50)
        )


def test_what_nobody_knows_is_guessed() -> None:
    """A burst of 1.4 s, of which packets tell 1 s."""
    packets, clean, _ = stream()
    gone = range(40, 110)
    for guesses, label in ((True, Label.NEURAL), (False, Label.CONCEALED)):
        receiver = Receiver(
            16_000, max_delay=2, neural=oracle.neural(clean, guesses=guesses), wait=1.4
        )
        found = labels(run(receiver, arrivals(packets, gone), 4.9))
        assert set(found[40:58]) <= {label, Label.SILENCE}
        assert set(found[61:110]) == {Label.DRED}
        assert found[110] is Label.RECEIVED


def test_the_nearest_packet_that_knows_is_asked() -> None:
    """The first packet after the burst carries nothing, the second what cannot be read."""
    packets, clean, _ = stream()
    changed = {84: bare(packets[84]), 85: corrupt(packets[85])}
    datagrams = [bytes(changed.get(number, packet)) for number, packet in enumerate(packets)]
    timed = [(0.02 * n, data) for n, data in enumerate(datagrams) if not 60 <= n < 84]
    receiver = Receiver(16_000, neural=oracle.neural(clean), wait=0.6)
    frames = run(receiver, timed, 3.5)
    assert labels(frames)[60:84] == [Label.DRED] * 24
    assert equal(join(frames)[: 83 * 320], clean[: 83 * 320])
    assert receiver.statistics().dred_malformed == 1


def changed(packet: RtpPacket, payload: bytes) -> RtpPacket:
    return RtpPacket(packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc, payload)


def bare(packet: RtpPacket) -> RtpPacket:
    opus = OpusPacket.parse(packet.payload)
    return changed(packet, bytes(OpusPacket(opus.config, opus.stereo, 0, opus.frames)))


def corrupt(packet: RtpPacket) -> RtpPacket:
    opus = OpusPacket.parse(packet.payload)
    assert opus.padding
    return changed(packet, bytes(opus.with_padding(opus.padding + b"more")))


def test_what_another_model_made_is_counted_and_left_alone() -> None:
    packets, clean, _ = stream()
    strange = [
        changed(each, each.payload.replace(oracle.FORMAT.prefix, b"A\x01news")) for each in packets
    ]
    receiver = Receiver(16_000, neural=oracle.neural(clean), wait=0.6)
    found = labels(run(receiver, arrivals(strange, range(60, 84)), 3.5))
    assert Label.DRED not in found and found[60] is Label.NEURAL
    statistics = receiver.statistics()
    assert statistics.dred_unknown == statistics.packets and statistics.dred_malformed == 0
    assert receiver.target_delay < 0.1


def test_without_networks_it_is_as_if_there_were_no_redundancy() -> None:
    packets, _, _ = stream()
    gone = range(60, 70)
    plain = run(Receiver(16_000), arrivals([bare(each) for each in packets], gone), 3.5)
    deep = run(Receiver(16_000), arrivals(packets, gone), 3.5)
    for one, other in zip(plain, deep, strict=True):
        assert one.label is other.label and (one.samples == other.samples).all()


def test_red_comes_before_what_is_rebuilt() -> None:
    _, clean, _ = stream()
    protected = stream_of_red()
    receiver = Receiver(16_000, neural=oracle.neural(clean), wait=0.6)
    found = labels(run(receiver, arrivals(protected, range(60, 70)), 3.5))
    assert found[60:70] == [Label.DRED] * 8 + [Label.RED] * 2


def stream_of_red() -> list[RtpPacket]:
    config = SenderConfig(redundancy=Redundancy(red=2), bitrate=32_000)
    return Sender(config, random.Random(0), oracle.Memory(16_000, 20, 1000)).push(speech(seconds=4))


# Going back


def test_what_outlasts_the_delay_is_said_once_it_is_known() -> None:
    packets, clean, _ = stream()
    receiver = Receiver(16_000, neural=oracle.neural(clean))
    frames = run(receiver, arrivals(packets, range(60, 75)), 4.4)
    found = labels(frames)
    assert found[59] is Label.RECEIVED and found[60] is Label.NEURAL
    back = found.index(Label.DRED)
    assert 70 <= back <= 75
    assert found[back : back + 15] == [Label.DRED] * 15 and found[back + 15] is Label.RECEIVED
    assert receiver.statistics().rewinds == 1
    stamps = [f.timestamp for f in frames if f.timestamp is not None]
    assert stamps[back] == stamps[60]
    heard = join(frames)
    assert (heard[back * 320 : (back + 14) * 320] == clean[60 * 320 : 74 * 320]).all()
    # The delay that this has cost is being made up for.
    delay = receiver.delay(4.4)
    assert delay is not None and delay < 0.2


def test_it_goes_back_no_further_than_the_delay_may_grow() -> None:
    packets, clean, _ = stream()
    receiver = Receiver(16_000, max_delay=0.3, neural=oracle.neural(clean))
    worst = 0.0
    timed = arrivals(packets, range(60, 90))
    found = []
    for number in range(200):
        now = 0.02 * number
        for at, data in timed:
            if now - 0.02 < at <= now:
                receiver.receive(data, at)
        found.append(receiver.pull(now).label)
        worst = max(worst, receiver.delay(now) or 0)
    assert worst < 0.3 + 0.021
    assert 10 <= found.count(Label.DRED) <= 14


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_a_short_guess_is_left_alone(gone: int) -> None:
    """Less than 40 ms that have been guessed already are not said again."""
    packets, clean, _ = stream()
    receiver = Receiver(16_000, neural=oracle.neural(clean))
    found = labels(run(receiver, arrivals(packets, range(60, 60 + gone)), 3.5))
    assert receiver.statistics().rewinds == 0
    guessed = max(0, gone - 2)  # the delay is that of two packets
    wanted = [Label.NEURAL] * guessed + [Label.DRED] * (gone - guessed)
    assert found[60 : 60 + gone] == wanted


def test_it_goes_nowhere_without_being_told() -> None:
    packets, clean, _ = stream()
    receiver = Receiver(16_000, neural=oracle.neural(clean), rewind=False)
    found = labels(run(receiver, arrivals(packets, range(60, 75)), 3.5))
    assert receiver.statistics().rewinds == 0 and found.count(Label.DRED) <= 2


def test_late_packets_are_played_themselves() -> None:
    """300 ms in which nothing comes, then all of it: nothing is rebuilt of what is here."""
    packets, clean, _ = stream()
    timed = [(1.3 if 1.0 <= at < 1.3 else at, data) for at, data in on_time(packets)]
    receiver = Receiver(16_000, neural=oracle.neural(clean))
    frames = run(receiver, timed, 4.2)
    assert Label.DRED not in labels(frames) and receiver.statistics().rewinds == 0
    played = {f.timestamp // 960 for f in frames if f.label is Label.RECEIVED and f.timestamp}
    assert len(played) >= 0.97 * len(packets)


def test_a_pause_is_not_gone_back_over() -> None:
    """Two seconds in which nobody speaks, and the packet after them lost: only that is said again."""
    said = np.concatenate((speech(seconds=1), np.zeros(32_000, np.float32), speech(seconds=1)))
    config = SenderConfig(dtx=True, bitrate=32_000)
    sender = Sender(config, random.Random(0), oracle.Memory(16_000, 20, 1000))
    timed = []
    for number, frame in enumerate(said.reshape(-1, 320)):
        timed += [(number * 0.02, packet) for packet in sender.push(frame)]
    resumed = next(n for n, (at, _) in enumerate(timed) if at >= 3.0)
    for lost in (0, 1, 5):
        kept = [
            (at, bytes(packet))
            for n, (at, packet) in enumerate(timed)
            if not resumed <= n < resumed + lost
        ]
        receiver = Receiver(16_000, neural=oracle.neural(np.zeros(64_000, np.float32)))
        found = labels(run(receiver, kept, 3.9))
        assert lost - 1 <= found.count(Label.DRED) <= lost  # one may go in hurrying
        assert receiver.statistics().rewinds == (lost > 3), lost


def test_another_stream_begins_anew() -> None:
    first, clean, _ = stream()
    config = SenderConfig(bitrate=32_000)
    other = Sender(config, random.Random(1), oracle.Memory(16_000, 20, 1000))
    second = other.push(speech(seconds=2))
    timed = arrivals(first[:60], ()) + [
        (1.7 + at, data) for at, data in arrivals(second, range(20, 30))
    ]
    receiver = Receiver(16_000, neural=oracle.neural(clean))
    frames = run(receiver, timed, 3.7)
    assert receiver.statistics().streams == 2
    assert sum(frame.label is Label.RECEIVED for frame in frames) > 130
    assert sum(frame.label is Label.DRED for frame in frames) == 10
    assert all(np.isfinite(frame.samples).all() for frame in frames)
