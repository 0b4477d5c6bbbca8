import gzip
import io
import tarfile

import numpy as np
import pytest

from allears.weights import archive, opus
from allears.weights.errors import WeightsError
from tests.real import needs_reference
from tests.weights import released

TYPES = {"float32": b"float", "int8": b"opus_int8", "int32": b"int", "uint8": b"opus_uint8"}


def sentence(name, values):
    """An array as Opus' own scripts write it."""
    words = [
        (f"{value!r}f" if isinstance(value, float) else str(value)) for value in values.tolist()
    ]
    lines = (", ".join(words[at : at + 8]) for at in range(0, len(words), 8))
    return b"static const %s %s[%d] = {\n   %s\n};\n" % (
        TYPES[values.dtype.name],
        name.encode(),
        len(values),
        ",\n   ".join(lines).encode(),
    )


def source(arrays):
    """A file of weights, with what else stands in one."""
    text = b'/* made by a script: const int no[1] = {7}; */\n#include "nnet.h"\n'
    for name, values in arrays.items():
        about = b"#ifndef USE_WEIGHTS_FILE\n#define WEIGHTS_%s_DEFINED\n" % name.encode()
        text += about + sentence(name, values) + b"#endif // USE_WEIGHTS_FILE\n"
    text += b"const WeightArray arrays[] = {\n#ifdef WEIGHTS_x_DEFINED\n"
    text += b'  {"x", WEIGHTS_x_TYPE, sizeof(x), x},\n#endif\n  {NULL, 0, 0, NULL}\n};\n'
    return text + b"int init(Net *net) {\n  if (linear_init(&net->a, arrays)) return 1;\n}\n"


def packed(path, members):
    with tarfile.open(path, "w:gz", compresslevel=1) as whole:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            whole.addfile(about, io.BytesIO(data))
    return path


def empty():
    """The six files without an array."""
    return {f"opus-1.6.1/dnn/{name}": source({}) for name in archive.FILES}


@needs_reference
def test_an_archive_says_what_the_blob_says(tmp_path):
    """The same weights, written as the release has them, with the floats that integers were made of."""
    prefixes = {
        "dred_rdovae_enc_data.c": ("enc_", "gdense"),
        "dred_rdovae_dec_data.c": ("dec_",),
        "plc_data.c": ("plc_",),
        "fargan_data.c": ("cond_net_", "sig_net_"),
        "pitchdnn_data.c": ("dense_", "conv2d_", "gru_1_"),
    }
    found = released.arrays()
    members = {"opus-1.6.1/README": b"const float README[1] = {1};"}
    for name, begins in prefixes.items():
        chosen = {key: each for key, each in found.items() if key.startswith(begins)}
        members[f"opus-1.6.1/dnn/{name}"] = source(chosen)
    with np.load(released.TABLES) as tables:
        statistics = {
            f"dred_{which}_{table}_q8": tables[f"{which}_{table}"].ravel()
            for which in ("latent", "state")
            for table in ("quant_scales", "dead_zone", "r", "p0")
        }
    debug = {"plc_gru1_input_weights_float": np.zeros(128 * 576, np.float32)}
    members["opus-1.6.1/dnn/plc_data.c"] += source(debug)
    text = source(statistics).replace(b"static ", b"")
    members["opus-1.6.1/dnn/dred_rdovae_stats_data.c"] = text
    read = opus.read(packed(tmp_path / "opus-1.6.1.tar.gz", members))
    wanted = released.models()
    assert read.is_opus and read.model_hash == wanted.model_hash
    for place in ("pitch", "rdovae", "vocoder", "concealment"):
        ours, theirs = getattr(read, place).arrays, getattr(wanted, place).arrays
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_only_arrays_of_numbers_are_read():
    text = b"""
    static const float a[3] = { -1.5e-3f, .5f, 2 }; // , 7
    const opus_uint8 b[2*2] = {{1, 2}, {3, /* 9, */ 255},};
    float c[1] = {1}; const char *d[1] = {"a"};
    """
    found = archive.parse(text)
    assert {name: each.tolist() for name, each in found.items()} == {
        "a": [pytest.approx(-1.5e-3), 0.5, 2.0],
        "b": [1, 2, 3, 255],
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"const float a[1] = {1", "a does not end"),
        (b"const float a[1] = {1; }", "a does not end"),
        (b"const float a[1] = {x};", "a holds what is no number"),
        (b"const float a[1] = {1-2};", "a holds what is no number"),
        (b"const float a[1] = {1 2};", "a holds what is no number"),
        (b"const opus_int8 a[1] = {128};", "a holds what is no int8"),
        (b"const opus_uint8 a[1] = {-1};", "a holds what is no uint8"),
        (b"const int a[1] = {1.5};", "a holds what is no int32"),
        (b"const int a[1] = {1}; const int a[1] = {2};", "a stands twice"),
    ],
)
def test_wrong_sentences_are_named(text, says):
    with pytest.raises(WeightsError) as error:
        archive.parse(text)
    assert says in str(error.value)


def test_another_archive_is_refused_by_what_it_lacks(tmp_path):
    members = empty()
    del members["opus-1.6.1/dnn/plc_data.c"]
    path = packed(tmp_path / "other.tar.gz", members | {"plc_data.c": source({})})
    with pytest.raises(WeightsError, match=r"other\.tar\.gz: has no dnn/plc_data\.c; give opus-1"):
        archive.read(path)


def test_a_release_with_other_networks_is_refused(tmp_path):
    path = packed(tmp_path / "old.tar.gz", empty())
    with pytest.raises(WeightsError, match=r"old\.tar\.gz: .* is missing; is it of Opus 1\.6\.1"):
        opus.read(path)


def test_a_cut_archive_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, 100_000, np.uint8).tobytes()
    path = packed(tmp_path / "cut.tar.gz", {"noise": noise, **empty()})
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(WeightsError, match=r"cut\.tar\.gz: no whole archive"):
        archive.read(path)


def test_an_archive_that_unpacks_without_end_is_refused_unread(tmp_path):
    """The header alone says too much; what follows is never there."""
    about = tarfile.TarInfo("opus-1.6.1/dnn/plc_data.c")
    about.size = 1 << 40
    path = tmp_path / "bomb.tar"
    path.write_bytes(about.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(WeightsError, match=r"bomb\.tar: .*more than an archive of source holds"):
        archive.read(path)


def header(kind, data, name="x"):
    """A member that says something of the one after it."""
    about = tarfile.TarInfo(name)
    about.type, about.size = kind, len(data)
    return about.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def attributes(**values):
    """Attributes as POSIX writes them: length, name, value."""
    lines = [f"{name.replace('_', '.')}={value}\n" for name, value in values.items()]
    text = "".join(f"{len(line) + 3} {line}" for line in lines).encode()
    return header(tarfile.XHDTYPE, text)


FILE = header(tarfile.REGTYPE, b"", "opus/dnn/plc_data.c")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (attributes(GNU_sparse_map="a,b") + FILE, "no whole archive"),
        (attributes(GNU_sparse_major=1, GNU_sparse_minor=0) + FILE, "no whole archive"),
        (header(tarfile.GNUTYPE_LONGNAME, b"x") * 2_000 + FILE, "unpacks to more than an archive"),
        (header(tarfile.GNUTYPE_LONGNAME, bytes(50 << 20)) + FILE, "unpacks to more than an arch"),
        (FILE * 2, r"dnn/plc_data\.c stands there twice"),
    ],
    ids=["attribute", "sparse", "nested", "long", "twice"],
)
@pytest.mark.parametrize("pack", [bytes, lambda data: gzip.compress(data, 1)], ids=["tar", "gz"])
def test_archives_that_no_release_is_are_refused(tmp_path, data, says, pack):
    path = tmp_path / "bad.tar"
    path.write_bytes(pack(data + bytes(1024)))
    with pytest.raises(WeightsError, match=r"bad\.tar: .*" + says):
        archive.read(path)


def test_no_more_is_unpacked_than_a_release_holds(tmp_path, monkeypatch):
    """Also where it comes in many files, none of them large, and none of them wanted."""
    path = packed(tmp_path / "many.tar.gz", {f"{n}": bytes(10_000) for n in range(20)} | empty())
    with pytest.raises(WeightsError, match=r"many\.tar\.gz: .* is missing"):
        opus.read(path)
    monkeypatch.setattr(archive, "_MAX_WHOLE", 100_000)
    with pytest.raises(WeightsError, match=r"many\.tar\.gz: unpacks to more than an archive"):
        opus.read(path)


def test_a_link_instead_of_a_file_is_not_followed(tmp_path):
    path = tmp_path / "link.tar"
    with tarfile.open(path, "w") as whole:
        about = tarfile.TarInfo("opus-1.6.1/dnn/plc_data.c")
        about.type, about.linkname = tarfile.SYMTYPE, "/etc/passwd"
        whole.addfile(about)
    with pytest.raises(WeightsError, match=r"has no .*plc_data\.c"):
        archive.read(path)
