"""From samples to payloads and back to features, with the weights that ship."""

import numpy as np
import pytest

from allears.audio import bark
from allears.redundancy.decoder import RedundancyDecoder
from allears.redundancy.encoder import RedundancyEncoder, advance
from allears.redundancy.history import History
from allears.redundancy.model import RedundancyModel
from allears.redundancy.quality import RedundancyQuality
from allears.weights import store
from allears.wire import dred
from allears.wire.errors import ParseError
from tests.real import speech

SECONDS, SIZE = 0.02, 320
QUALITY = RedundancyQuality()


@pytest.fixture(scope="module")
def model():
    return RedundancyModel(store.models("allears"))


def encoded(model, samples, rate=16_000, quality=QUALITY, seconds=SECONDS):
    encoder = RedundancyEncoder(model, rate)
    size = int(rate * seconds)
    for at in range(0, len(samples) - size + 1, size):
        encoder.push(samples[at : at + size])
        yield encoder.payload(quality, seconds)


def true_features(model, samples):
    """As the decoded signal would have them: 6.5 ms later."""
    late = np.concatenate((np.zeros(104, np.float32), samples))
    late = late[: len(late) // bark.HOP * bark.HOP]
    features, _ = model.extractor(late[None], model.extractor.initial_state(1))
    return features[0]


def test_what_comes_back_is_what_was_said_then(model):
    samples = speech("lj", 4)
    truth = true_features(model, samples)
    payloads = list(encoded(model, samples))
    decoder = RedundancyDecoder(model)
    errors, chance = [], []
    for number in range(100, len(payloads), 7):
        recovery = decoder.parse(payloads[number])
        for back in range(1, 60):
            found = recovery.features(-10.0 * back)
            frame = 2 * number - back
            errors.append(np.abs(found - truth[frame])[:18].mean())
            chance.append(np.abs(found - truth[frame - 12])[:18].mean())
    assert np.mean(errors) < 0.5
    assert np.mean(errors) < 0.6 * np.mean(chance)


def test_a_second_of_fluent_speech_costs_less_than_25_kbps(model):
    payloads = [each for each in encoded(model, speech("jfk")) if each is not None][60:]
    assert np.mean([len(each) for each in payloads]) * 8 / SECONDS < 25_000
    reach = [RedundancyDecoder(model).parse(each).reach_ms for each in payloads]
    assert np.median(reach) >= 1000


def test_coarser_is_smaller_and_shorter_too(model):
    samples = speech("lj", 3)
    mean = {}
    for quality in (QUALITY, RedundancyQuality(q0=12), RedundancyQuality(milliseconds=200)):
        mean[quality] = np.mean(
            [len(each) for each in encoded(model, samples, quality=quality) if each]
        )
    assert mean[RedundancyQuality(q0=12)] < 0.7 * mean[QUALITY]
    assert mean[RedundancyQuality(milliseconds=200)] < 0.6 * mean[QUALITY]


def test_what_does_not_fit_is_left_out_from_the_far_end(model):
    encoder = RedundancyEncoder(model, 16_000)
    encoder.push(speech("lj", 3))
    whole, short = encoder.payload(QUALITY, SECONDS), encoder.payload(QUALITY, SECONDS, 40)
    assert len(short) <= 40 < len(whole)
    decoder = RedundancyDecoder(model)
    far, near = decoder.parse(whole), decoder.parse(short)
    assert 40 < near.reach_ms < far.reach_ms
    assert np.array_equal(near.features(-20), far.features(-20))
    assert near.features(-near.reach_ms - 40) is None


@pytest.mark.parametrize(
    ("rate", "seconds"), [(48_000, 0.02), (24_000, 0.06), (16_000, 0.01), (8_000, 0.04)]
)
def test_every_rate_and_packet_says_the_same(model, rate, seconds):
    from allears.audio.resample import resample

    there = resample(speech("lj", 3), 16_000, rate)
    *_, usual = encoded(model, resample(there, rate, 16_000))
    *_, other = encoded(model, there, rate=rate, seconds=seconds)
    decoder = RedundancyDecoder(model)
    first, second = decoder.parse(usual), decoder.parse(other)
    # Packets begin at different times before the same end.
    shift = 1000 * (seconds - SECONDS)
    pairs = [(first.features(-10.0 * k), second.features(-10.0 * k + shift)) for k in range(4, 50)]
    differences = [np.abs(a - b)[:8].mean() for a, b in pairs if a is not None and b is not None]
    assert len(differences) > 30
    assert np.mean(differences) < 0.6


def test_many_streams_in_one_batch_are_each_themselves(model):
    clips = [speech("lj", 2), speech("jfk", 2), speech("lj", 4)[-32_000:]]
    alone = []
    for clip in clips:
        *_, last = encoded(model, clip)
        alone.append(last)
    encoders = [RedundancyEncoder(model, 16_000) for _ in clips]
    for at in range(0, 32_000, SIZE):
        for encoder, clip in zip(encoders, clips, strict=True):
            encoder.keep(clip[at : at + SIZE])
        # Ragged: now and then one stream's work is left for later.
        advance(encoders if at % 960 else encoders[1:])
    advance(encoders)
    decoder = RedundancyDecoder(model)
    for encoder, single in zip(encoders, alone, strict=True):
        together = encoder.payload(QUALITY, SECONDS)
        pairs = [
            (decoder.parse(each).features(-10.0 * k) for each in (together, single))
            for k in range(1, 80)
        ]
        differences = [np.abs(a - b).mean() for a, b in pairs]
        assert np.mean(differences) < 0.05


def test_silence_says_nothing_and_is_left_out(model):
    assert set(encoded(model, np.zeros(32_000, np.float32))) == {None}
    samples = np.concatenate((speech("lj", 2), np.zeros(16_000, np.float32)))
    *_, payload = encoded(model, samples)
    recovery = RedundancyDecoder(model).parse(payload)
    assert recovery.features(-500) is None
    assert recovery.features(-1010) is not None
    *_, payload = encoded(model, np.concatenate((speech("lj", 2), np.zeros(32_000, np.float32))))
    assert payload is None


class Counting:
    """A decoder that counts the latents it is given in each call."""

    def __init__(self, decoder):
        self._decoder, self.size, self.latents = decoder, decoder.size, []

    def __call__(self, inputs, state):
        self.latents.append(inputs[0].shape[1])
        return self._decoder(inputs, state)


def counted(model, payload):
    recovery = RedundancyDecoder(model).parse(payload)
    counting = Counting(model.decoder)
    parts = {"decoder": counting, "begin": model.begin, "tables": model.tables}
    recovery._model = type("Model", (), parts)
    return recovery, counting.latents


def test_only_as_much_is_decoded_as_is_asked_for(model):
    encoder = RedundancyEncoder(model, 16_000)
    encoder.push(speech("lj", 3))
    recovery, latents = counted(model, encoder.payload(QUALITY, SECONDS))
    block = model.decoder.size
    recovery.features(-10)
    assert latents == [1]
    recovery.features(-90)
    assert latents == [1, block]
    recovery.features(-50)
    recovery.features(-40.0 * block)
    assert latents == [1, block]


@pytest.mark.parametrize("length", [200, 520, 1040])
def test_far_first_is_near_first(model, length):
    """All in blocks, from the farthest; latent by latent, from the nearest; and now this, now that."""
    encoder = RedundancyEncoder(model, 16_000)
    encoder.push(speech("lj", 3))
    payload = encoder.payload(RedundancyQuality(milliseconds=length), SECONDS)
    (near, single), (far, blocks), (mixed, _) = (counted(model, payload) for _ in range(3))
    places = [-10.0 * k for k in range(1, length // 10)]
    found = {at: each for at in places if (each := near.features(at)) is not None}
    assert len(found) > 0.8 * len(places)
    assert set(single) == {1} and len(single) >= length // 40 - 1
    for at in reversed(found):
        assert np.abs(far.features(at) - found[at]).max() < 1e-4
    assert set(blocks) == {model.decoder.size}
    for at in sorted(found, key=lambda at: at % 130):
        assert np.abs(mixed.features(at) - found[at]).max() < 1e-4
    assert far.features(-length - 60.0) is None


def test_payloads_of_another_model_and_broken_ones_are_refused(model):
    decoder = RedundancyDecoder(model)
    encoder = RedundancyEncoder(model, 16_000)
    encoder.push(speech("lj", 3))
    payload = encoder.payload(QUALITY, SECONDS)
    for broken in (b"", b"D\x0c" + payload[6:], payload[:6], payload[:7], payload + bytes(1000)):
        with pytest.raises(ParseError):
            decoder.parse(broken)
    rng = np.random.default_rng(0)
    for _ in range(200):
        noise = payload[:6] + rng.bytes(int(rng.integers(1, 120)))
        try:
            recovery = decoder.parse(noise)
        except ParseError:
            continue
        found = recovery.features(-200)
        assert found is None or np.isfinite(found).all()


def test_the_history_keeps_what_a_payload_may_need():
    history = History()
    latent, state = np.zeros(25, np.float32), np.zeros(50, np.float32)
    assert len(history.told(0, 26)[0]) == 0
    for number in range(5000):
        history.add(latent + number, state + number, active=number % 3000 < 2900)
    latents, states = history.told(3, dred.MAX_LATENTS)
    assert latents[:, 0].tolist() == [4996 - 2 * k for k in range(26)]
    assert states[0, 0] == 4996
    assert history.quiet == 0
