import numpy as np
import pytest

from allears.audio import bark
from tests.real import REFERENCE, needs_reference, speech


def whole(samples: np.ndarray) -> np.ndarray:
    size = len(samples) // bark.HOP * bark.HOP
    return bark.cepstra(samples[None, :size], bark.initial_state(1))[0][0]


@needs_reference
def test_cepstra_equal_those_of_libopus() -> None:
    heard = np.fromfile(REFERENCE / "jfk/enc_feat_in_pcm.f32", "<f4")
    wanted = np.fromfile(REFERENCE / "jfk/enc_features36.f32", "<f4").reshape(-1, 36)[:, :18]
    found = whole((heard / 32_768).astype(np.float32))
    assert found.shape == wanted.shape == (1100, 18)
    assert np.abs(found - wanted).max() < 1e-3


@pytest.mark.parametrize("hops", [1, 2, 7, 50])
def test_chunks_equal_the_whole_and_joined_signals_single_ones(hops: int) -> None:
    one, two = speech(seconds=2), speech("jfk", seconds=2)
    state, parts = bark.initial_state(2), []
    for at in range(0, len(one), hops * bark.HOP):
        chunk = np.stack((one, two))[:, at : at + hops * bark.HOP]
        frames, state = bark.cepstra(chunk, state)
        parts.append(frames)
    joined = np.concatenate(parts, axis=1)
    assert np.allclose(joined[0], whole(one), atol=1e-6)
    assert np.allclose(joined[1], whole(two), atol=1e-6)


def test_silence_is_its_floor_and_a_tone_lifts_its_band() -> None:
    silence = whole(np.zeros(1600, np.float32))
    assert np.allclose(silence[:, 0], -2 * np.sqrt(18) - 4) and np.allclose(silence[:, 1:], 0)
    time = np.arange(16_000) / 16_000
    for hertz, band in ((400, 2), (1600, 8), (4000, 13)):
        tone = whole((0.1 * np.sin(2 * np.pi * hertz * time)).astype(np.float32))
        spectrum = (tone[50] + np.eye(18)[0] * 4) @ bark.DCT.T
        assert np.argmax(spectrum) == band


def test_parts_of_hops_are_refused() -> None:
    with pytest.raises(ValueError, match="161 samples"):
        bark.cepstra(np.zeros((1, 161), np.float32), bark.initial_state(1))
    frames, _ = bark.cepstra(np.zeros((3, 0), np.float32), bark.initial_state(3))
    assert frames.shape == (3, 0, 18)
