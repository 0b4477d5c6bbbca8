import numpy as np
import pytest

from allears.audio import pitch
from allears.audio.tracker import track
from tests.real import REFERENCE, needs_reference


def lags(samples: np.ndarray) -> np.ndarray:
    batch = samples[None, : len(samples) // 160 * 160].astype(np.float32)
    return pitch.analyse(batch, pitch.initial_state(1))[0].lags[0]


@pytest.mark.parametrize(("start", "end"), [(90, 180), (320, 150), (200, 200)])
def test_a_gliding_voice_is_followed(start: float, end: float) -> None:
    hertz = np.geomspace(start, end, 32_000)
    phase = 2 * np.pi * np.cumsum(hertz) / 16_000
    voice = sum(np.cos(k * phase + k * k) / k for k in range(1, 12))
    noise = np.random.default_rng(0).standard_normal(32_000)
    period = 256 / 2 ** (track(lags(0.05 * voice + 0.002 * noise)) + 1.5)
    # A frame is compared with its past: what is heard lies half a period before its middle.
    middle = 160 * np.arange(200) - period / 2
    wanted = np.interp(middle, np.arange(32_000), 16_000 / hertz)
    assert period.shape == (200,)
    error = np.abs(period / wanted - 1)[5:]
    assert np.mean(error < 0.02) > 0.97 and error.max() < 0.03


def test_a_pause_is_bridged() -> None:
    phase = 2 * np.pi * 125 * np.arange(32_000) / 16_000
    voice = 0.05 * sum(np.cos(k * phase + k * k) / k for k in range(1, 12))
    voice[12_000:20_000] = 0
    period = 256 / 2 ** (track(lags(voice)) + 1.5)
    assert np.abs(period[5:] / 128 - 1).max() < 0.05


@needs_reference
def test_voiced_speech_has_the_pitch_that_libopus_hears() -> None:
    heard = np.fromfile(REFERENCE / "jfk/enc_feat_in_pcm.f32", "<f4") / 32_768
    wanted = np.fromfile(REFERENCE / "jfk/enc_features36.f32", "<f4").reshape(-1, 36)
    ratio = 2.0 ** (track(lags(heard)) - wanted[:, 18])
    assert np.mean(np.abs(ratio - 1)[wanted[:, 19] > 0.3] < 0.1) > 0.98
    assert np.mean(np.abs(ratio - 1)[wanted[:, 19] > 0] < 0.1) > 0.95


def test_nothing_and_silence_have_a_path() -> None:
    assert track(np.zeros((0, pitch.LAGS), np.float32)).shape == (0,)
    silence = track(np.zeros((50, pitch.LAGS), np.float32))
    assert np.all(silence == silence[0]) and -1.5 <= silence[0] <= 1.5
