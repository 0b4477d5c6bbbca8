"""Deep redundancy with the networks that ship: real speech, real packets, real losses."""

import random
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from allears.audio.libopus import Decoder, Encoder
from allears.audio.resample import resample
from allears.link.allocation import LIBOPUS_COST, Allocation
from allears.link.deep import Budget, DeepEncoder, spend
from allears.link.frame import Label
from allears.link.network import RandomNetwork
from allears.link.neural import load
from allears.link.padding import redundancy_bytes
from allears.link.sender import Redundancy, Sender, SenderConfig
from allears.link.simulate import Call, replay, simulate
from allears.score.quality import plcmos, stoi
from allears.weights.errors import WeightsError
from allears.wire import bitfile
from allears.wire.bitfile import BitPacket
from allears.wire.loss import TraceLoss, parse_trace
from allears.wire.opus import OpusPacket
from tests.real import REFERENCE, needs_reference, packets, speech

SECONDS = 5
LOST = [number % 40 >= 28 for number in range(50 * SECONDS + 20)]
"""In steps of 20 ms: bursts of 240 ms, of which none is at the end, since nothing would come after it."""


@cache
def call(
    text: str,
    rate: int = 16_000,
    frame_ms: float = 20,
    *,
    networks: bool = True,
    wait: float = 1.04,
) -> Call:
    """Speech over bursts that take a fifth of it, the same ones each time."""
    config = SenderConfig(rate=rate, frame_ms=frame_ms, redundancy=Redundancy.parse(text))
    pattern = [
        LOST[int(number * frame_ms / 20)] for number in range(int(20 * len(LOST) / frame_ms))
    ]
    losses = RandomNetwork(TraceLoss(pattern), random.Random(0))
    neural = load("allears") if networks else None
    said = resample(speech(seconds=SECONDS), 16_000, rate)
    return simulate(said, config, losses, neural=neural, wait=wait)


def intelligibility(heard: Call) -> float:
    assert heard.reference is not None
    return stoi(*(resample(each, heard.rate, 16_000) for each in (heard.reference, heard.heard)))


def test_bursts_come_back() -> None:
    """What is heard then is more intelligible by far than the best guess."""
    deep, guessed, plain = call("dred"), call("none"), call("none", networks=False)
    assert deep.share(Label.DRED) > 0.99 * deep.loss_rate > 0.15
    assert guessed.share(Label.DRED) == 0 < guessed.share(Label.NEURAL)
    assert plain.share(Label.NEURAL) == 0 < plain.share(Label.CONCEALED)
    assert intelligibility(deep) > 0.1 + max(map(intelligibility, (guessed, plain)))
    assert deep.statistics.recovered_rate > 0.98 and deep.statistics.dred_malformed == 0


def test_labels_are_those_of_the_packets() -> None:
    """What was lost was rebuilt, but for the frame before a packet that has it in-band."""
    for text in ("dred", "lbrr+dred"):
        heard = call(text)
        lost = [sent.lost for sent in heard.sent]
        found = [frame.label for frame in heard.frames]
        assert [label is Label.RECEIVED for label in found] == [not gone for gone in lost]
        for number in range(len(lost)):
            if found[number] is Label.LBRR:
                assert found[number + 1] is Label.RECEIVED
    assert 0 < call("lbrr+dred").share(Label.LBRR) < call("lbrr+dred").share(Label.DRED)


@pytest.mark.parametrize(
    ("rate", "frame_ms"), [(48_000, 20), (16_000, 10), (24_000, 40), (8000, 60)]
)
def test_every_rate_and_packet_length(rate: int, frame_ms: float) -> None:
    deep, plain = call("dred", rate, frame_ms), call("none", rate, frame_ms, networks=False)
    assert deep.share(Label.DRED) > 0.9 * deep.loss_rate > 0.1
    assert intelligibility(deep) > 0.1 + intelligibility(plain)


def test_it_costs_what_it_says() -> None:
    deep, plain = call("dred"), call("none")
    assert plain.redundancy_kbps == 0
    assert deep.redundancy_kbps == pytest.approx(deep.payload_kbps - plain.payload_kbps, abs=1)
    assert 14 < deep.redundancy_kbps < 28


def test_a_shorter_memory_reaches_less_far() -> None:
    gone = [60 <= number < 90 for number in range(400)]
    config = SenderConfig(redundancy=Redundancy(dred=200))
    losses = RandomNetwork(TraceLoss(gone), random.Random(0))
    heard = simulate(speech(seconds=4), config, losses, neural=load("allears"), wait=1.04)
    found = [frame.label for frame in heard.frames]
    known = found[60:90].count(Label.DRED)
    assert 9 <= known <= 11 and set(found[90 - known : 90]) == {Label.DRED}
    assert heard.delay == pytest.approx(0.22, abs=0.021)


@pytest.mark.parametrize(
    ("rate", "frame_ms", "lbrr"), [(16_000, 20, True), (48_000, 10, False), (48_000, 40, True)]
)
def test_any_libopus_decodes_the_same(rate: int, frame_ms: float, lbrr: bool) -> None:
    said = resample(speech(seconds=3), 16_000, rate)
    config = SenderConfig(
        rate=rate, frame_ms=frame_ms, redundancy=Redundancy(lbrr, dred=1040), bitrate=40_000
    )
    sent = [packet.payload for packet in Sender(config, random.Random(0)).push(said)]
    encoder = Encoder(
        rate, frame_ms=frame_ms, bitrate=40_000, inband_fec=lbrr, expected_loss=config.expected_loss
    )
    size = encoder.frame_size
    bare = [encoder.encode(said[at : at + size]) for at in range(0, len(said) - size + 1, size)]
    one, other = Decoder(rate), Decoder(rate)
    for deep, plain in zip(sent, bare, strict=True):
        assert OpusPacket.parse(deep).frames == OpusPacket.parse(plain).frames
        assert redundancy_bytes(deep) == len(deep) - len(plain) < 1000
        assert len(deep) <= 1275 * len(OpusPacket.parse(deep).frames)
        assert (one.decode(deep) == other.decode(plain)).all()
        assert one.final_range == other.final_range
    assert sum(map(bool, map(redundancy_bytes, sent))) > 0.9 * len(sent)


def test_a_packet_that_is_full_already_stays_as_it_is() -> None:
    config = SenderConfig(rate=48_000, bitrate=510_000, redundancy=Redundancy(dred=1040))
    said = resample(speech(seconds=1), 16_000, 48_000)
    sent = Sender(config, random.Random(0)).push(said)
    assert max(len(packet.payload) for packet in sent) <= 1276
    assert not any(
        redundancy_bytes(packet.payload) for packet in sent if len(packet.payload) > 1260
    )


def test_nothing_is_sent_while_nobody_speaks() -> None:
    said = np.concatenate((speech(seconds=1), np.zeros(32_000, np.float32), speech(seconds=1)))
    config = SenderConfig(dtx=True, redundancy=Redundancy(dred=1040))
    sent = Sender(config, random.Random(0)).push(said)
    gaps = np.diff([packet.timestamp for packet in sent]) % 2**32
    pause = int(np.argmax(gaps))
    assert gaps[pause] >= 10 * 960
    assert redundancy_bytes(sent[pause].payload) == 0 and len(sent[pause].payload) <= 2


@needs_reference
def test_what_another_model_says_is_not_listened_to() -> None:
    """Opus' own packets tell nothing to who has other weights."""
    stored = bitfile.parse((REFERENCE / "jfk/packets.bit").read_bytes())[:250]
    lost = parse_trace((REFERENCE / "jfk/loss.txt").read_text())
    heard = replay(stored, RandomNetwork(TraceLoss(lost), random.Random(0)), neural=load("allears"))
    assert heard.share(Label.DRED) == 0
    assert heard.statistics.dred_unknown > 0.9 * heard.statistics.packets
    assert heard.redundancy_kbps > 15


@needs_reference
def test_opus_own_packets_sound_as_from_opus(opus_weights: str) -> None:
    stored = bitfile.parse((REFERENCE / "jfk/packets.bit").read_bytes())
    lost = parse_trace((REFERENCE / "jfk/loss.txt").read_text())
    heard = replay(
        stored, RandomNetwork(TraceLoss(lost), random.Random(0)), neural=load(opus_weights)
    )
    said = speech("jfk")
    theirs = np.fromfile(REFERENCE / "jfk/decoded.s16", "<i2").astype(np.float32) / 32_768
    assert heard.share(Label.DRED) > 0.97 * heard.loss_rate

    def rated(decoded: np.ndarray) -> tuple[float, float]:
        aligned = decoded[104:][: len(said) - 104]
        return plcmos(aligned), stoi(said[: len(aligned)], aligned)

    (ours, heard_words), (opus, opus_words) = rated(heard.heard), rated(theirs)
    assert abs(ours - opus) < 0.05
    assert opus_words - 0.01 < heard_words < opus_words + 0.02


def test_a_replayed_call_is_the_call() -> None:
    sent = call("dred").sent
    stored = [BitPacket(each.opus, each.final_range) for each in sent]
    losses = TraceLoss([each.lost for each in sent])
    again = replay(stored, RandomNetwork(losses, random.Random(0)), neural=load("allears"))
    assert [f.label for f in again.frames][:290] == [f.label for f in call("dred").frames][:290]
    plain = replay(stored, RandomNetwork(TraceLoss([False]), random.Random(0)))
    assert {frame.label for frame in plain.frames} == {Label.RECEIVED}


def test_going_back_brings_words_back() -> None:
    """As a live call does, which lags by two packets only."""
    live, guessed = call("dred", wait=0.0), call("none")
    assert live.statistics.rewinds > 2 and live.frames[0].timestamp is not None
    assert intelligibility(live) > intelligibility(guessed) + 0.03
    assert live.delay < 0.5 < call("dred").delay
    stamps = [frame.timestamp for frame in live.frames if frame.timestamp is not None]
    assert (np.diff(stamps) < 0).sum() >= live.statistics.rewinds
    assert live.seconds < len(live.heard) / 16_000 < live.seconds + 1


@pytest.mark.parametrize("milliseconds", [40, 200, 1040])
def test_the_finest_within_a_budget_is_chosen(milliseconds: int) -> None:
    usual = spend(milliseconds, None, LIBOPUS_COST)
    assert (usual.q0, usual.dq, usual.milliseconds) == (5, 6, milliseconds)
    budgets = (10, 100, 200, 400, 800, 3000)
    spent = [spend(milliseconds, bits, LIBOPUS_COST) for bits in budgets]
    assert (spent[0].milliseconds, spent[0].q0) == (40, 15)
    assert (spent[-1].milliseconds, spent[-1].q0) == (milliseconds, 0)
    told = [each.milliseconds for each in spent]
    assert told == sorted(told)
    whole = [each.q0 for each in spent if each.milliseconds == milliseconds]
    assert whole == sorted(whole, reverse=True)
    for bits, each in zip(budgets[1:], spent[1:], strict=True):
        allocation = Allocation(0, dred=each.milliseconds, q0=each.q0, dq=each.dq)
        assert LIBOPUS_COST.bits(allocation) <= bits


def kbps(name: str, bitrate: int | None) -> float:
    """Of deep redundancy for 1.04 s, in fifteen seconds."""
    config = SenderConfig(redundancy=Redundancy(dred=1040), dred_bitrate=bitrate)
    said = np.resize(speech(name), 15 * 16_000)
    sent = Sender(config, random.Random(0)).push(said)
    return sum(redundancy_bytes(each.payload) for each in sent) * 8 / 20 / len(sent)


@pytest.mark.parametrize("name", ["lj", "jfk"])
@pytest.mark.parametrize(("bitrate", "over"), [(14_000, 1.1), (18_000, 1.02), (24_000, 1.02)])
def test_a_budget_is_what_is_sent(name: str, bitrate: int, over: float) -> None:
    """But where even the coarsest takes more."""
    assert 0.85 * bitrate / 1000 < kbps(name, bitrate) < over * bitrate / 1000


def test_a_controller_may_take_it_away_and_give_it_back() -> None:
    made = DeepEncoder(
        "allears", 16_000, seconds=0.02, lookahead=0.0065, milliseconds=1040, bitrate=None
    )
    usual, given = made.quality, []
    for number, quality in enumerate((usual, replace(usual, milliseconds=0), usual)):
        made.quality = quality
        for frame in np.split(speech(seconds=6)[32_000 * number :][:32_000], 100):
            made.push(frame)
            extension = made.extension(255)
            given.append(len(extension.data) if extension else 0)
    assert min(given[50:100]) > 20 and min(given[205:300]) > 20
    assert not any(given[100:200])


@pytest.mark.parametrize("name", ["lj", "jfk"])
def test_a_second_takes_at_most_21_kilobits_whoever_speaks(name: str) -> None:
    assert kbps(name, None) <= 21


def test_what_was_overspent_makes_coarser_until_it_is_paid_back() -> None:
    budget = Budget(100, seconds=0.02)
    for _ in range(60):
        budget.spend(100)
    assert budget.coarser == 0
    for _ in range(5):
        budget.spend(200)
    assert budget.coarser == 2
    for _ in range(1000):
        budget.spend(300)
    assert budget.coarser == 10
    # A minute of too much is forgiven in half a second.
    for _ in range(50):
        budget.spend(50)
    assert budget.coarser < 3


def test_no_budget_at_all_is_none_to_be_overspent() -> None:
    budget = Budget(0, seconds=0.02)
    budget.spend(0)
    assert budget.coarser == 0


def test_what_was_saved_is_kept_for_a_second() -> None:
    budget = Budget(100, seconds=0.02)
    for _ in range(1000):
        budget.spend(0)
    for _ in range(50):
        budget.spend(200)
    assert budget.coarser == 0
    for _ in range(3):
        budget.spend(200)
    assert budget.coarser == 1


def test_weights_that_are_not_there_are_named() -> None:
    with pytest.raises(WeightsError, match="nowhere"):
        Sender(SenderConfig(redundancy=Redundancy(dred=40), weights="nowhere"), random.Random(0))
    with pytest.raises(WeightsError, match="nowhere"):
        load("nowhere")


def test_packets_without_it_are_not_longer() -> None:
    assert not any(map(redundancy_bytes, packets()))
