"""Voices live: whole and in pieces, alone among others, and what is no voice."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from allears.speaker import bundle
from allears.speaker.embedder import Embedder
from allears.speaker.refusal import SpeakerError
from allears.speaker.verifier import Verifier
from tests.real import speech
from tests.speaker.small import CONFIG, exported, network

RATE = 16_000


@pytest.fixture(scope="module")
def embedder():
    return Embedder.of(exported())


def pieces(embedder, samples, sizes):
    stream = embedder.stream()
    at = 0
    for size in (*sizes, len(samples)):
        stream.accept(samples[at : at + size])
        at += size
    return stream


def test_an_embedding_is_one_long_and_tells_clips_apart(embedder):
    one, other = embedder.embed(speech("lj", 3)), embedder.embed(speech("jfk", 3))
    assert one.shape == (CONFIG.size,) == (embedder.size,) and one.dtype == np.float32
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert abs(float(one @ other)) < 0.999


@pytest.mark.parametrize("sizes", [[160] * 200, [1, 399, 7000, 33, 161, 20_000], [47_999]])
def test_pieces_give_what_the_whole_gives(embedder, sizes):
    samples = speech("lj", 4)
    stream = pieces(embedder, samples, sizes)
    np.testing.assert_allclose(stream.embedding(), embedder.embed(samples), atol=1e-4)
    assert 2 < stream.seconds < 4


def test_asking_changes_nothing(embedder):
    samples = speech("lj", 4)
    stream = embedder.stream()
    for at in range(0, len(samples), 9_600):
        stream.accept(samples[at : at + 9_600])
        early = stream.embedding()
        assert np.array_equal(early, stream.embedding())
    np.testing.assert_allclose(stream.embedding(), embedder.embed(samples), atol=1e-4)


def test_what_is_not_this_voice_is_never_heard(embedder):
    mine, theirs = speech("lj", 4), 0.9 * speech("jfk", 4)
    alone = np.zeros(400, np.float32)
    alone[50:180], alone[250:399] = 1, 1
    ours = np.repeat(alone > 0, 160)
    found = []
    for rest in (theirs, 0.01 * theirs, np.zeros_like(theirs)):
        stream = embedder.stream()
        stream.accept(np.where(ours, mine, rest).astype(np.float32), alone)
        found.append(stream.embedding())
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])
    assert np.abs(found[0] - embedder.embed(mine)).max() > 1e-4


def test_weights_come_in_pieces_too(embedder):
    samples = speech("lj", 4)[: 390 * 160]
    weights = np.random.default_rng(0).choice([0, 0.25, 1], 390).astype(np.float32)
    weights[100:200] = 1
    whole = embedder.stream()
    whole.accept(samples, weights)
    for size in (1, 2, 7, 130):
        stream = embedder.stream()
        for at in range(0, 390, size):
            stream.accept(samples[160 * at : 160 * (at + size)], weights[at : at + size])
        np.testing.assert_allclose(stream.embedding(), whole.embedding(), atol=1e-4)
        assert stream.seconds == pytest.approx(whole.seconds)


def test_full_weights_are_no_weights(embedder):
    samples = speech("lj", 3)
    stream = embedder.stream()
    stream.accept(samples, np.ones(300))
    assert np.array_equal(stream.embedding(), embedder.embed(samples))


def test_silence_before_and_after_is_not_heard(embedder):
    samples = speech("lj", 3)
    quiet = np.zeros(8000, np.float32)
    padded = np.concatenate((quiet, samples, quiet))
    assert float(embedder.embed(padded) @ embedder.embed(samples)) > 0.99


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros(0, np.float32), "0.00 s of sound.*give a longer clip"),
        (speech("lj", 0.2), "0.20 s of sound.*give a longer clip"),
        (np.zeros(RATE, np.float32), "0.00 s of voice in 1.00 s.*somebody speaks"),
        (1e-4 * np.ones(RATE, np.float32), "0.00 s of voice"),
        (np.full(RATE, np.nan, np.float32), "no numbers"),
        (np.full(RATE, np.inf, np.float32), "no numbers"),
        (np.zeros((2, RATE), np.float32), "one row"),
        (np.zeros(RATE), "float64.*one row"),
        (np.zeros(RATE, np.int16), "int16.*convert it"),
        ([0.0] * RATE, "no array"),
    ],
)
def test_what_is_no_voice_is_refused_with_a_remedy(embedder, samples, says):
    with pytest.raises(SpeakerError, match=says):
        embedder.embed(samples)


def test_a_click_is_no_voice(embedder):
    samples = np.zeros(RATE, np.float32)
    samples[8000:8100] = 0.9
    with pytest.raises(SpeakerError, match=r"s of voice in 1\.00 s"):
        embedder.embed(samples)


@pytest.mark.parametrize(
    ("count", "weights", "says"),
    [
        (320, np.ones(3), "one weight for each 160"),
        (100, np.ones(1), "one weight for each 160"),
        (320, np.ones((1, 2)), "one weight for each 160"),
        (320, np.array([1, np.nan]), "from 0 to 1"),
        (320, np.array([1, 1.5]), "from 0 to 1"),
        (320, np.array([-0.1, 1]), "from 0 to 1"),
        (320, np.array(["a", "b"]), "from 0 to 1"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_heard(embedder, count, weights, says):
    samples = speech("lj", 3)
    stream = embedder.stream()
    stream.accept(samples[:16_000])
    with pytest.raises(SpeakerError, match=says):
        stream.accept(samples[16_000 : 16_000 + count], weights)
    stream.accept(samples[16_000:])
    np.testing.assert_allclose(stream.embedding(), embedder.embed(samples), atol=1e-4)


def test_weights_after_a_broken_piece_are_refused(embedder):
    stream = embedder.stream()
    stream.accept(speech("lj", 1)[:1000])
    with pytest.raises(SpeakerError, match="320 samples after 1000"):
        stream.accept(np.zeros(320, np.float32), np.ones(2))


def test_a_file_holds_all_and_is_always_the_same(tmp_path, embedder):
    path = tmp_path / "voices.safetensors"
    path.write_bytes(bundle.serialise(exported()))
    assert bundle.serialise(bundle.read(path)) == path.read_bytes()
    again = Embedder(path)
    assert again.about == embedder.about and again.cohort.shape == (30, CONFIG.size)
    samples = speech("lj", 2)
    assert np.array_equal(again.embed(samples), embedder.embed(samples))


def test_damaged_and_foreign_files_are_refused(tmp_path):
    data = bundle.serialise(exported())
    path = tmp_path / "voices.safetensors"
    changed = bytearray(data)
    changed[-5] ^= 1
    foreign = save({"x": np.zeros(3)}, {"kind": "recogniser"})
    for wrong in (bytes(changed), data[:-9], b"", foreign):
        path.write_bytes(wrong)
        with pytest.raises(SpeakerError, match=r"voices.safetensors: no whole network of voices"):
            Embedder(path)
    with pytest.raises(SpeakerError, match="get it again"):
        Embedder(tmp_path / "none.safetensors")


def test_weights_that_are_not_the_graphs_are_refused():
    made = exported()
    less = dict(list(made.weights.items())[1:])
    with pytest.raises(SpeakerError, match=r"a small one: its weight .* is missing"):
        Embedder.of(replace(made, weights=less))
    with pytest.raises(SpeakerError, match="does not fit its description"):
        Embedder.of(replace(made, about=replace(made.about, size=17)))


def test_the_file_is_plain_safetensors():
    arrays = load(bundle.serialise(exported()))
    assert arrays["cohort"].dtype == np.float16 and "graph" in arrays
    held = sum(each.size for name, each in arrays.items() if name.startswith("weight."))
    learnt = sum(each.numel() for each in network().parameters())
    assert held >= learnt - 2


def test_two_clips_are_compared_as_the_file_says(embedder):
    verifier = Verifier(embedder)
    one, other = embedder.embed(speech("lj", 3)), embedder.embed(speech("jfk", 3))
    same, different = verifier.compare(one, one), verifier.compare(one, other)
    assert same.score > different.score
    assert same.ratio == pytest.approx(0.7 * same.score - 1)
    cohort = embedder.cohort @ np.stack((one, other)).T
    best = np.sort(cohort, 0)[-10:]
    expected = ((one @ other - best.mean(0)) / best.std(0)).mean()
    assert different.score == pytest.approx(expected, rel=1e-4)
    assert verifier.same(one, other) == different.ratio


def test_without_a_cohort_cosines_are_what_is_calibrated():
    made = exported()
    plain = replace(made, about=replace(made.about, top=0))
    one, other = np.eye(CONFIG.size, dtype=np.float32)[:2]
    between = np.sqrt(0.5).astype(np.float32) * (one + other)
    verifier = Verifier(Embedder.of(plain))
    assert verifier.same(one, between) == pytest.approx(0.7 * np.sqrt(0.5) - 1)
