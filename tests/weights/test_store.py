import json

import numpy as np
import pytest
from safetensors.numpy import save

from allears.outputs import OutputError
from allears.weights import folder, store
from allears.weights.errors import WeightsError
from allears.weights.store import KINDS, Models, Weights


def drawn(kind, seed=0, origin="a test"):
    """Weights of the right shapes."""
    random = np.random.default_rng(seed)
    arrays = {}
    for name, shape in store.shapes_of(kind).items():
        values = random.normal(size=shape) / 8
        if name.startswith("table."):
            arrays[name] = (100 + values).astype(np.uint8)
        else:
            arrays[name] = values.astype(np.float32)
    return Weights(kind, origin, arrays)


def drawn_models(seed=0, origin="a test"):
    return Models(**{place: drawn(kinds[0], seed, origin) for place, kinds in KINDS.items()})


def names(place):
    return [each.name for each in place.iterdir()]


def same(one: Weights, other: Weights) -> bool:
    return (one.kind, one.origin, one.arrays.keys()) == (
        other.kind,
        other.origin,
        other.arrays.keys(),
    ) and all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)


@pytest.mark.parametrize("kind", [kind for kinds in KINDS.values() for kind in kinds])
def test_what_is_saved_is_loaded(tmp_path, kind):
    wanted = drawn(kind)
    wanted.save(tmp_path / "a.safetensors")
    assert same(Weights.load(tmp_path / "a.safetensors"), wanted)
    assert names(tmp_path) == ["a.safetensors"]


def test_equal_weights_make_equal_files(tmp_path):
    wanted = drawn("pitch")
    wanted.save(tmp_path / "a")
    backwards = dict(reversed(wanted.arrays.items()))
    Weights("pitch", "a test", backwards).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def changed(**values):
    arrays = dict(drawn("pitch").arrays)
    for name, value in values.items():
        arrays[name.replace("__", ".")] = value
    return arrays


FLAW = np.zeros((64, 88), np.float32)
FLAW[1, 2] = np.inf


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        (changed(turns__weight=np.zeros((64, 80), np.float32)), "turns.weight is not 64 × 88 of"),
        (changed(turns__weight=np.zeros((64, 88))), "turns.weight is not 64 × 88 of float32"),
        (changed(turns__weight=FLAW), "turns.weight holds what is no number"),
        (changed(more=np.zeros(1, np.float32)), "more is not part of pitch"),
        ({}, "turns.weight is missing"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, arrays, says):
    with pytest.raises(WeightsError, match=says):
        Weights("pitch", "a test", arrays)
    path = tmp_path / "a.safetensors"
    path.write_bytes(save(arrays, {"kind": "pitch", "origin": "x", "format": "1"}))
    with pytest.raises(WeightsError, match=rf"a\.safetensors: .*{says}.*; make or import it again"):
        Weights.load(path)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        (None, "not of version 1"),
        ({"kind": "pitch", "format": "2"}, "not of version 1"),
        ({"kind": "brain", "format": "1"}, "its kind 'brain' is none of pitch, rdovae"),
        ({"format": "1"}, "its kind '' is none of"),
    ],
)
def test_files_of_something_else_are_refused(tmp_path, about, says):
    path = tmp_path / "a.safetensors"
    path.write_bytes(save(dict(drawn("pitch").arrays), about))
    with pytest.raises(WeightsError, match=says):
        Weights.load(path)


@pytest.mark.parametrize(
    "data", [b"", b"PK\3\4", b"\xff" * 100, (1 << 62).to_bytes(8, "little") + b"{}", b"\x02" + b"\0" * 7 + b"[]"]
)  # fmt: skip
def test_no_bytes_do_harm(tmp_path, data):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"a\.safetensors: "):
        Weights.load(path)


def test_a_header_that_promises_more_than_is_there_is_refused(tmp_path):
    header = json.dumps(
        {"x": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}
    ).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(WeightsError, match=r"a\.safetensors: no file of weights"):
        Weights.load(path)


def test_missing_files_are_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=r"allears weights import opus-1\.6\.1\.tar\.gz"):
        store.models("opus")
    with pytest.raises(WeightsError, match=r"nowhere: there are no weights here; name a folder"):
        store.models(tmp_path / "nowhere")
    (tmp_path / "allears/opus").mkdir(parents=True)
    with pytest.raises(WeightsError, match=r"pitch\.safetensors: cannot be read"):
        store.models("opus")
    with pytest.raises(WeightsError, match="cannot be read"):
        Weights.load(tmp_path)


def test_without_a_data_home_the_users_own_is_taken(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.folder_of("opus") == tmp_path / ".local/share/allears/opus"


def test_a_network_in_the_place_of_another_is_refused(tmp_path):
    models = drawn_models()
    models.save(tmp_path)
    models.pitch.save(tmp_path / "vocoder.safetensors")
    with pytest.raises(WeightsError, match=r"vocoder\.safetensors: holds pitch; put fargan or"):
        store.models(tmp_path)


def test_only_the_codec_decides_what_a_model_is_called(tmp_path):
    one, other = drawn_models(), drawn_models()
    other = Models(drawn("pitch", 1), other.rdovae, drawn("harmonic", 1), drawn("concealment", 1))
    assert one.model_hash == other.model_hash and len(one.model_hash) == 4
    assert drawn_models(seed=1).model_hash != one.model_hash
    one.save(tmp_path)
    assert store.models(tmp_path).model_hash == one.model_hash


def test_only_the_release_is_opus():
    assert drawn_models(origin="opus 1.6.1").is_opus
    assert not drawn_models(origin="allears").is_opus


def test_a_folder_is_there_whole_and_again(tmp_path):
    place = tmp_path / "deep/opus"
    folder.put(drawn_models(), place)
    folder.put(drawn_models(seed=1), place)
    assert same(store.models(place).rdovae, drawn("rdovae", 1))
    assert names(tmp_path / "deep") == ["opus"]


def test_a_folder_of_something_else_stays(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(WeightsError, match="holds something else; choose another place"):
        folder.put(drawn_models(), tmp_path)
    assert names(tmp_path) == ["letters.txt"]


def test_what_fails_half_way_leaves_the_old(tmp_path, monkeypatch):
    place = tmp_path / "opus"
    folder.put(drawn_models(), place)

    def full(_weights, path):
        raise OutputError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr(Weights, "save", full)
    with pytest.raises(OutputError):
        folder.put(drawn_models(seed=1), place)
    monkeypatch.undo()
    assert same(store.models(place).rdovae, drawn("rdovae"))
    assert names(tmp_path) == ["opus"]
