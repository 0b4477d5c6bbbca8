"""Galleries: who is most alike, files that are whole, and the digest of a network."""

from dataclasses import replace

import numpy as np
import pytest

from allears.speaker import embedded, gallery
from allears.speaker.embedder import Embedder
from allears.speaker.gallery import Gallery
from allears.speaker.recordings import Heard
from allears.speaker.refusal import SpeakerError
from allears.speaker.scoring import unit
from allears.speaker.verifier import Verifier
from allears.weights.sealed import sealed
from tests.speaker.small import CONFIG, exported

SIZE = CONFIG.size


def voices(count, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(count, SIZE)).astype(np.float32))


def test_the_nearest_comes_first():
    ann, ben, near = voices(3)
    near = unit((ben + 0.1 * near)[None])[0]
    verifier = Verifier(Embedder.of(exported()))
    found = Gallery("x", {"Ann": ann, "Ben": ben}).matches(verifier, near)
    assert [each.name for each in found] == ["Ben", "Ann"]
    assert found[1].verdict.score == pytest.approx(verifier.compare(near, ann).score, abs=1e-5)


def test_an_average_is_between_and_one_long():
    one, other = voices(2)
    found = gallery.averaged([Heard(one, 9.0), Heard(other, 1.0)])
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)
    assert found @ one == pytest.approx(found @ other, abs=1e-5) and found @ one > one @ other


def test_what_is_written_is_read(tmp_path):
    made = Gallery("x", dict(zip(("Zoë", "Ann"), voices(2), strict=True)))
    (tmp_path / "g.safetensors").write_bytes(gallery.serialise(made))
    found = gallery.read(tmp_path / "g.safetensors", "x", SIZE)
    assert list(found.voices) == ["Ann", "Zoë"]
    np.testing.assert_array_equal(found.voices["Zoë"], made.voices["Zoë"])


def sealed_with(names, found):
    import json

    return sealed("gallery", "1", json.dumps({"network": "x", "names": names}), {"voices": found})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        sealed_with(["Ann"], voices(2)),
        sealed_with(["Ann", "Ann"], voices(2)),
        sealed_with(["Ann", 3], voices(2)),
        sealed_with(["Ann", "\x1b[2J"], voices(2)),
        sealed_with([], voices(2)[:0]),
        sealed_with(["Ann", "Ben"], 2 * voices(2)),
        sealed_with(["Ann", "Ben"], voices(2) * np.float32(np.nan)),
        sealed_with(["Ann", "Ben"], voices(2).astype(np.float64)),
        sealed_with(["Ann", "Ben"], voices(2)[:, 1:]),
        sealed_with(["Ann", "Ben"], voices(2))[:-1],
    ],
)
def test_what_is_no_gallery_is_refused(tmp_path, data):
    (tmp_path / "g.safetensors").write_bytes(data)
    with pytest.raises(SpeakerError, match=r"g\.safetensors: no whole gallery"):
        gallery.read(tmp_path / "g.safetensors", "x", SIZE)


def test_the_digest_is_of_what_decides_embeddings():
    made = exported()
    calibrated = replace(made, about=replace(made.about, offset=3.0), cohort=made.cohort[:20])
    assert gallery.digest(calibrated) == gallery.digest(made)
    name = next(iter(made.weights))
    nudged = made.weights[name].copy()
    nudged.flat[0] = np.nextafter(nudged.flat[0], np.inf)
    assert gallery.digest(replace(made, weights={**made.weights, name: nudged})) != gallery.digest(
        made
    )
    assert gallery.digest(replace(made, graph=made.graph + b"\0")) != gallery.digest(made)


def test_embeddings_are_kept_for_the_same_file_only(tmp_path):
    clip = tmp_path / "a.wav"
    clip.write_bytes(b"some sound")
    made = embedded.Embedded("x")
    made.learn(clip, Heard(voices(1)[0], 2.5))
    (tmp_path / "e.npz").write_bytes(embedded.serialise(made))
    found = embedded.read(tmp_path / "e.npz", "x", SIZE)
    heard = found.find(clip)
    assert heard is not None and heard.seconds == 2.5
    np.testing.assert_array_equal(heard.embedding, voices(1)[0])
    clip.write_bytes(b"other sound, longer")
    assert found.find(clip) is None
    with pytest.raises(SpeakerError, match="another network"):
        embedded.read(tmp_path / "e.npz", "y", SIZE)
    with pytest.raises(SpeakerError, match="no whole file of embeddings"):
        embedded.read(tmp_path / "e.npz", "x", SIZE + 1)
