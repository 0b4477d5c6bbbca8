"""The weights in an archive of Opus' source, where C files hold them as text.

The archive is read member by member, nothing is written to disk, and of the C only one shape of sentence is
understood: a constant array of numbers. All else is passed over.
"""

import re
import tarfile
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from allears.weights.blob import Arrays
from allears.weights.errors import WeightsError

FILES = (
    "pitchdnn_data.c",
    "fargan_data.c",
    "plc_data.c",
    "dred_rdovae_enc_data.c",
    "dred_rdovae_dec_data.c",
    "dred_rdovae_stats_data.c",
)
"""In the folder `dnn` of the archive."""

_MAX_FILE = 64 << 20
_MAX_MEMBER = 256 << 20
_MAX_MEMBERS = 20_000

_REMEDY = "give opus-1.6.1.tar.gz or a weights_blob.bin"

_BEGINNING = re.compile(
    rb"\bconst\s+(float|opus_u?int8|opus_int32|int)\s+(\w{1,64})\s*\[[^\]\n]{0,200}\]\s*=\s*\{"
)
_COMMENT = re.compile(rb"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_NUMBERS = re.compile(rb"[-+0-9.eE,\s]*")
_TYPES = {
    b"float": np.float32,
    b"opus_int8": np.int8,
    b"opus_uint8": np.uint8,
    b"opus_int32": np.int32,
    b"int": np.int32,
}


def read(path: Path) -> Arrays:
    """All arrays of the six files. Raises WeightsError naming the archive and what is wrong."""
    arrays: Arrays = {}
    missing = set(FILES)
    try:
        with tarfile.open(path, "r|*") as archive:
            for name, text in _members(archive):
                missing.discard(name)
                _merge(arrays, parse(text), name)
                if not missing:
                    return arrays
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise WeightsError(f"{path}: no whole archive ({error}); {_REMEDY}") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise WeightsError(f"{path}: no whole archive ({why}); {_REMEDY}") from None
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}; {_REMEDY}") from None
    files = ", ".join(f"dnn/{name}" for name in sorted(missing))
    raise WeightsError(f"{path}: has no {files}; {_REMEDY}")


def parse(text: bytes) -> Arrays:
    """The arrays of one C file. Raises WeightsError naming the array that is wrong."""
    arrays: Arrays = {}
    text, at = _COMMENT.sub(b" ", text), 0
    while found := _BEGINNING.search(text, at):
        kind, label = found.groups()
        name = label.decode()
        at = text.find(b";", found.end())
        body = text[found.end() : at].rstrip()
        if at < 0 or not body.endswith(b"}"):
            raise WeightsError(f"{name} does not end")
        _merge(arrays, {name: _values(name, body[:-1], _TYPES[kind])}, "one file")
    return arrays


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """Name and text of each wanted file, within bounds that no release comes near."""
    for number, member in enumerate(archive):
        if number >= _MAX_MEMBERS or member.size > _MAX_MEMBER:
            raise WeightsError(f"{member.name!r} is more than an archive of source holds")
        folder, _, name = member.name.rpartition("/")
        if name not in FILES or folder.rpartition("/")[2] != "dnn" or not member.isfile():
            continue
        if member.size > _MAX_FILE:
            raise WeightsError(f"dnn/{name} says it has {member.size} bytes, too many")
        opened = archive.extractfile(member)
        yield name, opened.read() if opened else b""


def _merge(arrays: Arrays, found: Arrays, name: str) -> None:
    for label, values in found.items():
        if not np.array_equal(arrays.setdefault(label, values), values):
            raise WeightsError(f"{label} stands twice in {name}, with other values")


def _values(name: str, body: bytes, kind: type) -> np.ndarray:
    text = re.sub(rb"[{}fF]", b" ", body).strip().removesuffix(b",")
    try:
        if not _NUMBERS.fullmatch(text):
            raise ValueError
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what numpy cannot read to its end, it warns of
            values = np.fromstring(text, np.float64, sep=",")
    except (ValueError, DeprecationWarning):
        raise WeightsError(f"{name} holds what is no number") from None
    with np.errstate(all="ignore"):
        stored: np.ndarray = values.astype(kind)
    if kind is not np.float32 and not np.array_equal(stored, values):
        raise WeightsError(f"{name} holds what is no {kind.__name__}")
    return stored
