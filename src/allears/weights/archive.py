"""The weights in an archive of Opus' source, where C files hold them as text.

The archive, a tar packed by gzip or not at all, is read member by member, nothing is written to disk, and of
the C only one shape of sentence is understood: a constant array of numbers. All else is passed over. However
well it is packed, no more of it is unpacked than a release could hold.
"""

import gzip
import io
import re
import tarfile
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

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
_MAX_MEMBERS = 20_000
_MAX_WHOLE = 1 << 30

_AROUND = 64 << 10
"""Bytes at most that stand before a member: what rounds up the one before, headers, long names."""

_GZIP = b"\x1f\x8b"
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError)
"""What `tarfile` and `gzip` say of damaged files: of some attributes of members only ValueError."""

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
    try:
        with path.open("rb") as file:
            return unpack(file)
    except OSError as error:
        why = error.strerror or str(error)
        raise WeightsError(f"{path}: no whole archive ({why}); {_REMEDY}") from None
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}; {_REMEDY}") from None


def unpack(file: IO[bytes]) -> Arrays:
    """The same from an open file, where the error does not name it."""
    arrays: Arrays = {}
    missing = set(FILES)
    try:
        for name, text in _members(_Unpacked(file)):
            if name not in missing:
                raise WeightsError(f"dnn/{name} stands there twice")
            missing.remove(name)
            _merge(arrays, parse(text), name)
            if not missing:
                return arrays
    except _DAMAGED as error:
        raise WeightsError(f"no whole archive ({error})") from None
    raise WeightsError(f"has no {', '.join(f'dnn/{name}' for name in sorted(missing))}")


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


class _Unpacked(io.BufferedIOBase):
    """What a file unpacks to, of which one may read as far as `allow` says."""

    def __init__(self, file: IO[bytes]) -> None:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        self._file: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=file) if packed else file
        self._at, self._end = 0, _AROUND

    def allow(self, size: int) -> None:
        """Another `size` bytes, and what stands around them."""
        self._end = min(self._at + size + _AROUND, _MAX_WHOLE)

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file. Raises WeightsError beyond what is allowed."""
        data = self._file.read(-1 if size is None else size)
        self._at += len(data)
        if self._at > self._end:
            raise WeightsError("unpacks to more than an archive of source holds")
        return data


def _members(file: _Unpacked) -> Iterator[tuple[str, bytes]]:
    """Name and text of each wanted file."""
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for number, member in enumerate(archive):
            if number >= _MAX_MEMBERS or member.size > _MAX_WHOLE:
                raise WeightsError(f"{member.name!r} is more than an archive of source holds")
            file.allow(member.size)
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
