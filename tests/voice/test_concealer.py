"""Speaking where nothing came, with the weights that ship."""

import numpy as np
import pytest

from allears.audio import bark
from allears.voice.concealer import Concealer, unknown
from allears.voice.model import VoiceModel
from allears.voice.together import run
from allears.weights import store
from tests.real import speech

HOP, FRAME = bark.HOP, 320


@pytest.fixture(scope="module")
def model():
    return VoiceModel(store.models("allears"))


@pytest.fixture(scope="module")
def truth(model):
    samples = speech("lj", 6)
    features, _ = model.extractor(samples[None], model.extractor.initial_state(1))
    return features[0]


def told(truth, at):
    """The true features from sample `at` on."""
    return lambda ahead: truth[at // HOP + ahead]


def envelope(samples):
    """Cepstra of the samples on their own."""
    cepstra, _ = bark.cepstra(samples[None, : len(samples) // HOP * HOP], bark.initial_state(1))
    return cepstra[0]


def test_what_is_told_is_said(model, truth):
    samples = speech("lj", 6)
    concealer = Concealer(model)
    begin, lost = 32_000, 8_000
    concealer.hear(samples[:begin])
    spoken = np.concatenate(
        [concealer.speak(FRAME, told(truth, begin + at)) for at in range(0, lost, FRAME)]
    )
    assert spoken.shape == (lost,)
    real = samples[begin : begin + lost]
    distance = np.abs(envelope(spoken) - envelope(real))[2:].mean()
    other = np.abs(envelope(samples[begin + lost : begin + 2 * lost]) - envelope(real))[2:].mean()
    assert distance < 0.55 * other
    levels = [np.log10(np.mean(x.reshape(-1, 800) ** 2, axis=1) + 1e-7) for x in (spoken, real)]
    assert np.corrcoef(*levels)[0, 1] > 0.8


def test_a_guess_goes_on_for_a_while_and_fades_to_nothing(model):
    samples = speech("lj", 6)
    begin = 30_400
    concealer = Concealer(model)
    concealer.hear(samples[:begin])
    guessed = np.concatenate([concealer.speak(FRAME) for _ in range(40)])
    before = np.sqrt(np.mean(samples[begin - 1600 : begin] ** 2))
    assert before > 0.02
    assert 0.2 * before < np.sqrt(np.mean(guessed[:640] ** 2)) < 3 * before
    assert np.abs(guessed[-1600:]).max() < 0.05 * before
    assert not concealer.speak(16_000)[-1600:].any()


def test_silence_stays_silent(model):
    concealer = Concealer(model)
    concealer.hear(np.zeros(16_000, np.float32))
    assert np.abs(concealer.speak(8_000)).max() < 1e-3
    fresh = Concealer(model)
    assert np.abs(fresh.speak(3_200)).max() < 1e-3


def test_lingering_changes_nothing_of_what_is_spoken(model, truth):
    samples = speech("lj", 4)
    first, second = Concealer(model), Concealer(model)
    for each in (first, second):
        each.hear(samples[:32_000])
    ahead = []
    for at in range(0, 1600, 160):
        spoken = first.speak(160, told(truth, 32_000 + at))
        lingered = first.linger(80, told(truth, 32_000 + at + 160))
        ahead.append(lingered)
        assert np.allclose(spoken, second.speak(160, told(truth, 32_000 + at)), atol=1e-6)
        if at:
            assert np.allclose(ahead[-2], spoken[:80], atol=1e-6)
    assert not Concealer(model).linger(80).any()


@pytest.mark.parametrize("size", [40, 80, 120, 320, 960])
def test_pieces_of_any_length_are_one_speech(model, size):
    samples = speech("lj", 4)
    whole, parts = Concealer(model), Concealer(model)
    for each in (whole, parts):
        each.hear(samples[:32_000])
    once = whole.speak(1920)
    pieces = np.concatenate([parts.speak(size) for _ in range(1920 // size)])
    assert np.allclose(once, pieces, atol=1e-6)


def test_hearing_comes_in_any_pieces(model):
    samples = speech("lj", 4)
    whole, parts = Concealer(model), Concealer(model)
    whole.hear(samples[:32_000])
    for piece in np.split(samples[:32_000], [7, 5_000, 5_001, 20_000]):
        parts.hear(piece)
    assert np.allclose(whole.speak(640), parts.speak(640), atol=1e-6)


def test_many_voices_in_one_batch_are_each_themselves(model, truth):
    """Streams whose holes begin, end and are told of at different times."""
    samples = speech("lj", 6)

    def story(number):
        """What happens to a stream at each frame: None where it is received."""
        begin = 40_000 + 1_600 * number
        events = []
        for frame in range(12):
            lost = (frame + number) % 5 not in (0, 1)
            at = begin + frame * FRAME
            events.append((at, (told(truth, at) if number % 2 else unknown) if lost else None))
        return begin, events

    def alone(number):
        concealer = Concealer(model)
        begin, events = story(number)
        concealer.hear(samples[:begin])
        spoken = []
        for at, features in events:
            if features is None:
                concealer.hear(samples[at : at + FRAME])
            else:
                spoken.append(concealer.speak(FRAME, features))
        return np.concatenate(spoken)

    concealers = [Concealer(model) for _ in range(4)]
    for number, each in enumerate(concealers):
        each.hear(samples[: story(number)[0]])
    together = [[] for _ in concealers]
    for frame in range(12):
        asking = {}
        for number, each in enumerate(concealers):
            at, features = story(number)[1][frame]
            if features is None:
                each.hear(samples[at : at + FRAME])
            else:
                asking[number] = each.speaking(FRAME, features)
        for number, spoken in zip(asking, run(model, list(asking.values())), strict=True):
            together[number].append(spoken)
    for number, spoken in enumerate(together):
        assert np.allclose(np.concatenate(spoken), alone(number), atol=1e-3)
