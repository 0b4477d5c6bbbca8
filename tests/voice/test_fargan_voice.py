import numpy as np
import pytest

from allears.audio import bark
from allears.voice.fargan_voice import FarganVoice
from tests.real import needs_reference
from tests.voice.bursts import JFK, bursts, snr
from tests.weights.released import floats, models

pytestmark = needs_reference


@pytest.fixture(scope="module")
def voice():
    return FarganVoice(models().vocoder)


def cepstra(samples):
    found, _ = bark.cepstra(samples[None].astype(np.float32), bark.initial_state(1))
    return found[0]


def test_bursts_continue_as_libopus_continues_them(voice):
    state, firsts = None, []
    for burst in bursts():
        state = voice.begin(burst.past[None], burst.context[None], state)
        for number, features in enumerate(burst.features):
            samples, state = voice.step(features[None], state)
            if number == 0:
                firsts.append(snr(burst.spoken[:160], samples[0]))
    assert len(firsts) > 60 and np.mean(firsts) > 20


def test_a_whole_clip_sounds_as_libopus_makes_it(voice):
    """Two seconds on their own: the noise has become another, the spectra have not."""
    told = floats("fargan_demo_features20.f32", 20)[:200]
    wanted = np.fromfile(JFK / "fargan_demo_synth.s16", "<i2")[560:] / 32_768
    state = voice.begin(np.zeros((1, 320), np.float32), told[None, :5])
    spoken = []
    for features in told[5:]:
        samples, state = voice.step(features[None], state)
        spoken.append(samples[0])
    ours, theirs = cepstra(np.concatenate(spoken)), cepstra(wanted[: 160 * 195])
    away = {
        shift: np.abs(ours[40:190] - theirs[40 + shift : 190 + shift]).mean()
        for shift in range(-3, 4)
    }
    assert away[0] < 0.22 and min(away, key=away.__getitem__) == 0


def test_without_what_was_before_a_burst_is_another(voice):
    """The GRUs carry what they know of the voice into the next burst."""
    first, second = bursts()[27:29]
    before = voice.begin(first.past[None], first.context[None])
    known = voice.begin(second.past[None], second.context[None], before)
    fresh = voice.begin(second.past[None], second.context[None])
    one, _ = voice.step(second.features[:1], known)
    other, _ = voice.step(second.features[:1], fresh)
    assert not np.allclose(one, other, atol=1e-4)


def test_joined_streams_equal_single_ones(voice):
    """A batch runs as a graph, a single stream in compiled loops with weights of 16 bits."""
    chosen = [burst for burst in bursts() if len(burst.features) >= 6][:3]
    past = np.stack([each.past for each in chosen])
    context = np.stack([each.context for each in chosen])
    features = np.stack([each.features[:3] for each in chosen])
    state, together = voice.begin(past, context), []
    for frame in range(3):
        samples, state = voice.step(features[:, frame], state)
        together.append(samples)
    for row, burst in enumerate(chosen):
        state = voice.begin(burst.past[None], burst.context[None])
        for frame in range(3):
            alone, state = voice.step(burst.features[frame : frame + 1], state)
            assert snr(together[frame][row], alone[0]) > 45


def test_an_octave_jump_and_silence_do_no_harm(voice):
    features = np.zeros((4, 40, 20), np.float32)
    features[:, :, 0] = [[-12.5], [-4], [0], [20]]
    features[:, ::2, 18], features[:, 1::2, 18] = 1.5, -3
    state = voice.begin(np.zeros((4, 320), np.float32), features[:, :5])
    for frame in range(40):
        samples, state = voice.step(features[:, frame], state)
        assert np.isfinite(samples).all() and samples.shape == (4, 160)
