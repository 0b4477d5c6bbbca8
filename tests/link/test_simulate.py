import random

import numpy as np
import pytest

from allears.audio.libopus import FRAME_MS, Decoder
from allears.link.frame import Label
from allears.link.network import RandomNetwork
from allears.link.sender import Redundancy, SenderConfig
from allears.link.simulate import replay, simulate
from allears.wire import bitfile, opus
from allears.wire.bitfile import BitPacket
from allears.wire.loss import LossModel, NoLoss, TraceLoss, UniformLoss, parse_loss, parse_trace
from tests.real import REFERENCE, needs_reference, packets, speech


def over(loss: LossModel, **settings: float) -> RandomNetwork:
    return RandomNetwork(loss, random.Random(0), **settings)


def libopus_alone(stored: list[bytes], lost: list[bool], rate: int) -> np.ndarray:
    """What a program writes that decodes with libopus and nothing of ours.

    Lost packets are concealed one by one; the last of a burst comes from the next packet's LBRR.
    """
    decoder, heard, missing = Decoder(rate), [], 0
    size = opus.duration(stored[0]) * rate // 48_000
    for packet, gone in zip(stored, lost, strict=True):
        if gone:
            missing += 1
            continue
        for left in range(missing, 0, -1):
            if left == 1 and opus.has_lbrr(packet):
                heard.append(decoder.decode_fec(packet, size))
            else:
                heard.append(decoder.conceal(size))
        missing = 0
        heard.append(decoder.decode(packet))
        size = decoder.last_packet_duration
    heard += [decoder.conceal(size) for _ in range(missing)]
    return np.concatenate(heard)


TRACES = {
    "bursts": parse_loss("burst:25%:100ms", 3),
    "single": UniformLoss(0.2, random.Random(4)),
    "heavy": parse_loss("burst:65%:300ms", 5),
    "first packets": TraceLoss([True, True, False] + [False] * 300),
}


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("fec", [False, True])
@pytest.mark.parametrize("frame_ms", FRAME_MS)
def test_decoding_equals_libopus_alone_sample_for_sample(
    frame_ms: float, fec: bool, trace: str
) -> None:
    stored = list(packets(32_000, fec, frame_ms))[:300]
    lost = [TRACES[trace]() for _ in stored]
    call = replay([BitPacket(packet, 0) for packet in stored], over(TraceLoss(lost)))
    wanted = libopus_alone(stored, lost, 16_000)
    assert call.heard.shape == wanted.shape
    assert (call.heard == wanted).all()
    if fec and frame_ms == 20 and trace == "single":
        assert call.share(Label.LBRR) > 0.05


@needs_reference
@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("trace", ["ge20", "ge40", "lossgen20", "real_high_is_lost", None])
def test_reference_packets_under_reference_traces_equal_libopus_alone(
    trace: str | None, rate: int
) -> None:
    stored = bitfile.parse((REFERENCE / "jfk/packets.bit").read_bytes())
    path = REFERENCE / (f"loss/{trace}.txt" if trace else "jfk/loss.txt")
    lost = parse_trace(path.read_text())[: len(stored)]
    stored = stored[: len(lost)]
    call = replay(stored, over(TraceLoss(lost)), rate)
    wanted = libopus_alone([packet.payload for packet in stored], lost, rate)
    assert (call.heard == wanted).all()


def test_without_loss_what_is_heard_is_what_was_said() -> None:
    said = speech()
    call = simulate(said, SenderConfig(bitrate=64_000))
    assert call.heard.shape == said.shape
    assert np.corrcoef(call.heard, said)[0, 1] > 0.95
    assert {frame.label for frame in call.frames} == {Label.RECEIVED}
    assert call.payload_kbps == pytest.approx(64, rel=0.05)
    assert call.wire_kbps == pytest.approx(call.payload_kbps + 16, abs=0.1)


def test_the_reference_keeps_time_with_what_is_heard() -> None:
    """Jitter makes the receiver stretch time; what was said is stretched alike, so it still fits."""
    said = np.tile(speech(), 2)
    jittery = simulate(said, SenderConfig(bitrate=64_000), over(NoLoss(), jitter=0.02))
    assert jittery.reference is not None and len(jittery.reference) == len(jittery.heard)
    assert len(jittery.heard) != len(said)
    received = [n for n, frame in enumerate(jittery.frames) if frame.label is Label.RECEIVED]

    def fit(reference: np.ndarray) -> float:
        """Median correlation of received frames with what the reference has there."""
        places = [320 * n for n in received if 320 * (n + 1) <= len(reference)]
        pairs = [(jittery.heard[at : at + 320], reference[at : at + 320]) for at in places]
        loud = [(one, other) for one, other in pairs if one.std() > 0.02 and other.std() > 0.001]
        return float(np.median([np.corrcoef(one, other)[0, 1] for one, other in loud]))

    assert fit(jittery.reference) > 0.9
    assert fit(said) < 0.5
    calm = simulate(said, SenderConfig(bitrate=64_000))
    assert calm.reference is not None and (calm.reference == said).all()


def test_the_end_of_the_speech_comes_out() -> None:
    said = speech(seconds=1.005)
    call = simulate(said, SenderConfig(bitrate=64_000))
    assert len(call.heard) == len(said)
    assert np.corrcoef(call.heard[-800:], said[-800:])[0, 1] > 0.9


def test_labels_tell_the_truth() -> None:
    lost = [number in (50, 80, 81, 120) for number in range(300)]
    call = simulate(
        speech(seconds=4), SenderConfig(redundancy=Redundancy(red=1)), over(TraceLoss(lost))
    )
    labels = [frame.label for frame in call.frames]
    assert [n for n, label in enumerate(labels) if label is Label.RED] == [50, 81, 120]
    assert [n for n, label in enumerate(labels) if label is Label.CONCEALED] == [80]
    assert [sent.lost for sent in call.sent] == lost[: len(call.sent)]


def test_equal_seeds_make_equal_calls() -> None:
    def once(seed: int) -> np.ndarray:
        network = RandomNetwork(
            parse_loss("burst:20%:80ms", seed), random.Random(seed), jitter=0.02, duplicate=0.1
        )
        return simulate(speech(seconds=3), network=network, seed=seed).heard

    assert (once(1) == once(1)).all()
    one, two = once(1), once(2)
    assert len(one) != len(two) or (one != two).any()


def test_everything_lost_is_silence_of_the_same_length() -> None:
    call = simulate(speech(seconds=1), network=over(UniformLoss(1.0, random.Random(0))))
    assert call.heard.shape == (16_000,) and not call.heard.any()
    assert {frame.label for frame in call.frames} == {Label.SILENCE}


def test_redundancy_brings_back_more_than_none() -> None:
    def concealed(text: str) -> float:
        config = SenderConfig(redundancy=Redundancy.parse(text), bitrate=32_000)
        return simulate(speech(), config, over(parse_loss("burst:20%:60ms", 7))).share(
            Label.CONCEALED
        )

    none, lbrr, one, three = map(concealed, ("none", "lbrr", "red:1", "red:3"))
    assert none > lbrr > 0 and none > one > three


def test_packets_not_sent_are_pauses_in_a_bit_file() -> None:
    stored = [BitPacket(packet, 0) for packet in packets()[:100]]
    stored[40] = BitPacket(stored[40].payload[:1], 0)  # the codec's way to say "a pause begins"
    stored[41:60] = [BitPacket(b"", 0)] * 19
    call = replay(stored, over(NoLoss()))
    assert len(call.heard) == 100 * 320
    assert [frame.label for frame in call.frames[40:60]] == [Label.SILENCE] * 20
    assert call.statistics.lost == 0


def test_nothing_said_is_nothing_heard() -> None:
    assert simulate(np.zeros(0, np.float32)).heard.size == 0
    assert replay([], over(NoLoss())).heard.size == 0
