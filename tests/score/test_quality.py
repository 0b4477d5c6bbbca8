import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import allears.demo
from allears.score import quality as module
from allears.score.quality import SCORES, Mean, Quality, mean, quality

PLCMOS = pytest.importorskip("speechmos.plcmos", reason="install allears[score]").PLCMOS
pytest.importorskip("pystoi", reason="install allears[score]")
pytest.importorskip("pesq", reason="install allears[pesq]")

CLIPS = Path(allears.demo.__file__).parent / "clips"
RATE = 16_000
FRAME = RATE // 50
ONE_WINDOW = round(9.5 * RATE)  # of DNSMOS, which takes most of the time
PUBLISHED = Path(__file__).parents[3] / "shared" / "interop" / "opus" / "jfk" / "jfk_16k_mono.wav"


@cache
def speech(name="jfk"):
    return sf.read(CLIPS / f"{name}.flac", dtype="float32")[0]


def lose(samples, rate):
    """Zero 20 ms frames; whatever a lower rate loses, a higher one loses too."""
    whole = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    fate = np.random.default_rng(0).random((len(whole), 1))
    return np.where(fate >= rate, whole, 0).ravel().astype(np.float32)


def island(seconds):
    """Three seconds of digital silence with a little speech in them."""
    samples = np.zeros(3 * RATE, np.float32)
    samples[20_000 : 20_000 + round(seconds * RATE)] = speech()[20_000:][: round(seconds * RATE)]
    return samples


def test_clean_speech_scores_as_it_should():
    scores = quality(speech(), speech(), delay=0)
    assert scores.plcmos == pytest.approx(2.33, abs=0.05)
    assert scores.dnsmos_sig == pytest.approx(3.476, abs=0.01)
    assert scores.dnsmos_bak == pytest.approx(2.989, abs=0.01)
    assert scores.dnsmos_ovrl == pytest.approx(2.715, abs=0.01)
    assert scores.pesq_wb == pytest.approx(4.643888473510742)  # P.862.2's highest
    assert scores.stoi == pytest.approx(1)
    assert scores.missing == ()


def test_the_published_programs_give_the_same():
    """What speechmos 0.0.1.1 says of this very file; its PLCMOS raters are random each time."""
    if not PUBLISHED.exists():
        pytest.skip(f"no {PUBLISHED.name}: the shared recordings are not here")
    samples = sf.read(PUBLISHED, dtype="float32")[0]
    expected = (3.4757611684983054, 2.9892479, 2.715040467948551)
    assert module.dnsmos(samples) == pytest.approx(expected, abs=1e-5)
    assert module.plcmos(samples) == pytest.approx(2.1977, abs=0.1)


@pytest.mark.parametrize("loss", [0, 0.2])
def test_our_raters_are_like_the_published_programs(loss):
    clip = lose(speech("lj"), loss)
    np.random.seed(1)  # noqa: NPY002  where it draws its raters from
    assert module.plcmos(clip) == pytest.approx(PLCMOS()(clip)["plcmos"], abs=0.1)


@pytest.mark.parametrize("name", ["jfk", "lj"])
@pytest.mark.parametrize("score", ["plcmos", "pesq_wb", "stoi"])
def test_more_loss_scores_lower(name, score):
    clip = speech(name)[: 8 * RATE]
    values = []
    for loss in (0, 0.05, 0.1, 0.2, 0.4):
        degraded = lose(clip, loss)
        signals = (degraded,) if score == "plcmos" else (clip, degraded)
        values.append(getattr(module, score)(*signals))
    assert (np.diff(values) < 0).all()


def test_more_noise_scores_lower_on_dnsmos():
    clip = speech()[:ONE_WINDOW]
    background = np.random.default_rng(0).standard_normal(ONE_WINDOW).astype(np.float32)
    values = [module.dnsmos(clip + scale * background).bak for scale in (0, 0.003, 0.01, 0.05)]
    assert values == sorted(values, reverse=True)


def test_scores_repeat_to_the_last_bit():
    clip = lose(speech()[:ONE_WINDOW], 0.2)
    np.random.seed(1)  # noqa: NPY002  the published PLCMOS draws from this global state
    first = quality(clip, speech())
    np.random.seed(2)  # noqa: NPY002
    assert quality(clip, speech()) == first


@pytest.mark.parametrize("lag", [-3000, 104, 8000])
def test_a_delay_is_found_or_taken(lag):
    clip = lose(speech()[:ONE_WINDOW], 0.1)
    late = np.pad(clip, (lag, 0)) if lag >= 0 else clip[-lag:]
    given, found = quality(late, speech(), delay=lag), quality(late, speech())
    assert found == given
    assert found.stoi == pytest.approx(module.stoi(speech()[: len(clip)], clip), abs=0.02)


def test_what_lies_beyond_full_scale_is_clipped():
    loud = speech()[:ONE_WINDOW] * 2
    assert quality(loud) == quality(np.clip(loud, -1, 1))


@pytest.mark.parametrize("seconds", [0.6, 9.01, 9.5, 17])
def test_dnsmos_has_the_published_windows(seconds):
    """Windows as `speechmos.dnsmos` cuts them, in its own words, through the same model."""
    clip = np.tile(speech(), 2)[: round(seconds * RATE)]
    audio = clip
    while len(audio) < int(9.01 * RATE):
        audio = np.append(audio, audio)
    starts = range(int(np.floor(len(audio) / RATE) - 9.01) + 1)
    windows = [audio[int(i * RATE) : int((i + 9.01) * RATE)] for i in starts]
    windows = [window for window in windows if len(window) == int(9.01 * RATE)]
    session = module._dnsmos_session()
    raw = np.array([session.run(None, {"input_1": window[None]})[0][0] for window in windows])
    overall = np.poly1d([-0.06766283, 1.11546468, 0.04602535])(raw[:, 2]).mean()
    assert module.dnsmos(clip).ovrl == pytest.approx(overall, abs=1e-6)


def test_pesq_of_a_long_call_is_the_mean_of_its_pieces():
    # undivided, P.862's own code crashes on these 165 s of many utterances
    reference, degraded = np.tile(speech(), 15), np.tile(lose(speech(), 0.1), 15)
    once = module.pesq_wb(speech(), lose(speech(), 0.1))
    assert module.pesq_wb(reference, degraded) == pytest.approx(once, abs=0.2)


def test_pesq_of_a_call_that_breaks_off_counts_the_rest():
    reference = np.tile(speech(), 2)
    degraded = reference.copy()
    degraded[len(speech()) :] = 0
    assert module.pesq_wb(reference, degraded) == pytest.approx((4.64 + 1.04) / 2, abs=0.02)
    reference[len(speech()) :] = 0  # nothing was said there: it does not count
    assert module.pesq_wb(reference, degraded) == pytest.approx(4.64, abs=0.01)


@pytest.mark.parametrize(
    ("degraded", "reference", "reason"),
    [
        (np.zeros(5 * RATE, np.float32), speech(), "silent"),
        (speech() * np.float32(1e-5), speech(), "clip is silent"),
        (speech(), np.zeros(5 * RATE, np.float32), "reference is silent"),
        (np.zeros(0, np.float32), speech(), "shorter"),
        (speech()[: RATE // 3], speech(), "shorter"),
        (speech() * np.float32(np.nan), speech(), "NaN"),
        (speech()[:ONE_WINDOW], island(0.2), "too little speech"),
        (speech()[:ONE_WINDOW], island(0.01), "no utterance"),
        (speech(), None, "no reference"),
        (speech(), speech(), "share no time"),
    ],
)
def test_every_absence_has_its_reason(degraded, reference, reason):
    delay = 12 * RATE if reason == "share no time" else 0
    scores = quality(degraded, reference, delay=delay)
    absent = [name for name in SCORES if getattr(scores, name) is None]
    assert absent
    assert any(reason in each for each in scores.missing)
    for score in absent:
        assert any(score.split("_")[0].upper() in each for each in scores.missing)
    for score in set(SCORES) - set(absent):
        assert np.isfinite(getattr(scores, score))


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_another_rate_is_refused(rate):
    with pytest.raises(ValueError, match="resample"):
        quality(speech(), rate=rate)


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("speechmos", {"PLCMOS: install allears[score]", "DNSMOS: install allears[score]"}),
        ("onnxruntime", {"PLCMOS: install allears[score]", "DNSMOS: install allears[score]"}),
        ("pystoi", {"STOI: install allears[score]"}),
        ("pesq", {"PESQ: install allears[pesq] (needs a C compiler)"}),
    ],
)
def test_a_missing_package_costs_its_scores_only(monkeypatch, package, expected):
    for model in (module._plcmos_model, module._dnsmos_session):
        model.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    if package == "onnxruntime":
        monkeypatch.delitem(sys.modules, "speechmos.plcmos", raising=False)
    clip = speech()[:ONE_WINDOW]
    scores = quality(clip, clip, delay=0)
    assert set(scores.missing) == expected
    assert sum(getattr(scores, name) is None for name in SCORES) == len(expected) * (
        2 if package in ("speechmos", "onnxruntime") else 1
    )


def test_scoring_is_imported_without_its_packages():
    code = "import sys, allears.score.quality as q; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    heavy = {"onnxruntime", "speechmos", "pystoi", "pesq", "scipy", "torch"}
    assert not heavy & set(loaded.decode().split())


def test_means_count_what_is_absent():
    def scores(plcmos, stoi):
        return Quality(plcmos, None, None, None, None, stoi, ())

    means = mean([scores(1.0, 0.5), scores(2.0, None), scores(4.5, 0.25)])
    assert tuple(means) == tuple(SCORES)
    assert means["plcmos"] == Mean(2.5, 3, 0)
    assert means["stoi"] == Mean(0.375, 2, 1)
    assert means["pesq_wb"] == Mean(None, 0, 3)
    assert mean([])["plcmos"] == Mean(None, 0, 0)


def test_the_names_are_the_fields():
    assert (*SCORES, "missing") == tuple(Quality.__dataclass_fields__)
