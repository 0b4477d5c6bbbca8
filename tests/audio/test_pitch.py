import numpy as np
import pytest

from allears.audio import bark, pitch
from allears.audio.pitch import Analysis
from tests.real import REFERENCE, needs_reference, speech

TOLERANCES = Analysis(cepstra=1e-5, predictor=1e-5, turns=1e-4, lags=1e-5, smooth=0.02)  # type: ignore[arg-type]
"""Of `smooth` in the scale of int16."""


def whole(samples: np.ndarray) -> Analysis:
    size = samples.shape[-1] // bark.HOP * bark.HOP
    batch = np.atleast_2d(samples)[:, :size].astype(np.float32)
    return pitch.analyse(batch, pitch.initial_state(len(batch)))[0]


def assert_close(found: Analysis, wanted: Analysis) -> None:
    for name, one, other, tolerance in zip(
        Analysis._fields, found, wanted, TOLERANCES, strict=True
    ):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < tolerance, name


@pytest.fixture(scope="module")
def reference() -> tuple[Analysis, np.ndarray]:
    heard = np.fromfile(REFERENCE / "jfk/enc_feat_in_pcm.f32", "<f4")
    features = np.fromfile(REFERENCE / "jfk/enc_features36.f32", "<f4").reshape(-1, 36)
    return whole(heard / 32_768), features


@needs_reference
def test_cepstra_and_predictors_equal_those_of_libopus(
    reference: tuple[Analysis, np.ndarray],
) -> None:
    found, wanted = reference
    assert np.abs(found.cepstra[0] - wanted[:, :18]).max() < 1e-3
    error = np.abs(found.predictor[0] - wanted[:, 20:])
    assert error.mean() < 1e-3 and error.max() < 0.01


@needs_reference
def test_correlations_at_the_pitch_of_libopus_equal_its_own(
    reference: tuple[Analysis, np.ndarray],
) -> None:
    found, wanted = reference
    correlation = pitch.correlation(found, wanted[None, :, 18].copy())[0]
    assert np.abs(correlation - wanted[:, 19]).max() < 1e-3


@needs_reference
def test_voiced_frames_correlate_best_at_or_near_the_pitch_of_libopus(
    reference: tuple[Analysis, np.ndarray],
) -> None:
    found, wanted = reference
    voiced = wanted[:, 19] > 0.3
    period = pitch.period(wanted[voiced, 18].copy())
    near = (pitch.MAX_PERIOD - period)[:, None] + np.arange(-4, 5)
    lags = found.lags[0, voiced]
    at_pitch = np.take_along_axis(lags, np.clip(near, 0, pitch.LAGS - 1), axis=1).max(axis=1)
    assert np.mean(at_pitch > lags.max(axis=1) - 0.1) > 0.9


@pytest.mark.parametrize("hops", [1, 2, 7, 50])
def test_chunks_equal_the_whole_and_joined_signals_single_ones(hops: int) -> None:
    both = np.stack((speech(seconds=2), speech("jfk", seconds=2)))
    state, parts, correlations = pitch.initial_state(2), [], []
    chosen = np.random.default_rng(0).uniform(-1.6, 1.6, (2, 200)).astype(np.float32)
    for at in range(0, 200, hops):
        chunk = both[:, at * bark.HOP : (at + hops) * bark.HOP]
        part, state = pitch.analyse(chunk, state)
        parts.append(part)
        correlations.append(pitch.correlation(part, chosen[:, at : at + hops]))
    past = pitch.MAX_PERIOD * (np.arange(len(parts)) > 0)
    joined = Analysis(
        *(np.concatenate(field, axis=1) for field in list(zip(*parts, strict=True))[:-1]),
        np.concatenate(
            [part.smooth[:, cut:] for part, cut in zip(parts, past, strict=True)], axis=1
        ),
    )
    for row, signal in enumerate(both):
        single = whole(signal)
        assert_close(Analysis(*(field[row : row + 1] for field in joined)), single)
        wanted = pitch.correlation(single, chosen[row : row + 1])[0]
        assert np.allclose(np.concatenate(correlations, axis=1)[row], wanted, atol=1e-4)


def test_lags_are_correlations_of_the_residual() -> None:
    noise = np.random.default_rng(0).standard_normal((1, 416)).astype(np.float32) * 100
    now, found = noise[0, 256:], pitch._lags(noise)[0, 0]
    for place in (0, 17, 223):
        past = noise[0, place : place + 160]
        assert found[place] == pytest.approx(
            2 * now @ past / (1 + now @ now + past @ past), abs=1e-5
        )


@pytest.mark.parametrize("period", [40, 100, 200])
def test_a_pulse_train_peaks_at_its_period(period: int) -> None:
    time = np.arange(16_000)
    harmonics = sum(
        np.cos(2 * np.pi * k * time / period + k * k) for k in range(1, int(period / 4.5))
    )
    found = whole(0.02 * harmonics)
    inner = found.lags[0, 10:-10]
    assert np.all(inner[:, pitch.MAX_PERIOD - period] > inner.max(axis=1) - 0.05)
    chosen = np.full((1, 100), np.log2(256 / period) - 1.5, np.float32)
    assert np.all(pitch.period(chosen) == period)
    assert pitch.correlation(found, chosen)[0, 10:-10].min() > 0.35


def test_pitches_out_of_range_are_held() -> None:
    assert pitch.period(np.float32([-3, -1.5, 0, 1.5, 9])).tolist() == [255, 255, 91, 32, 32]


def test_silence_is_finite_and_parts_of_hops_are_refused() -> None:
    silence = whole(np.zeros(1600))
    assert all(np.isfinite(field).all() for field in silence)
    assert np.allclose(silence.lags, 0)
    assert np.allclose(
        pitch.correlation(silence, np.zeros((1, 10), np.float32)), -0.3615, atol=1e-3
    )
    state = pitch.initial_state(3)
    with pytest.raises(ValueError, match="161 samples"):
        pitch.analyse(np.zeros((3, 161), np.float32), state)
    nothing, after = pitch.analyse(np.zeros((3, 0), np.float32), state)
    assert nothing.lags.shape == (3, 0, pitch.LAGS) and nothing.turns.shape == (3, 0, 88)
    assert all(np.array_equal(x, y) for x, y in zip(after[1:], state[1:], strict=True))
