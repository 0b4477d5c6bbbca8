"""`weights_blob.bin` of libopus: arrays one after another, each behind a header of 64 bytes.

A header is "DNNw", then little-endian 32-bit version, type, size in bytes, size with padding; and a name of 44
bytes. Types: 0 float32, 1 int32, 2 and 3 int8.
"""

import struct

import numpy as np

from allears.weights.errors import WeightsError

_HEADER = struct.Struct("<4s4i44s")
MAGIC = b"DNNw"
_TYPES = {0: "<f4", 1: "<i4", 2: "<i1", 3: "<i1"}

Arrays = dict[str, np.ndarray]
"""What libopus calls its arrays, and their values, in one dimension."""


def is_blob(data: bytes) -> bool:
    """Whether it begins as one."""
    return data.startswith(MAGIC)


def parse(data: bytes) -> Arrays:
    """All arrays of a blob. Raises WeightsError naming the record that is wrong."""
    arrays: Arrays = {}
    at = 0
    while at < len(data):
        if len(data) - at < _HEADER.size:
            raise WeightsError(f"the record at byte {at} has no whole header")
        magic, _, kind, size, block, label = _HEADER.unpack_from(data, at)
        name = label.split(b"\0")[0].decode("ascii", "backslashreplace")
        if magic != MAGIC:
            raise WeightsError(f"the record at byte {at} does not begin with DNNw")
        at += _HEADER.size
        if kind not in _TYPES:
            raise WeightsError(f"{name!r} is of type {kind}, which is unknown")
        if not 0 <= size <= block <= len(data) - at:
            raise WeightsError(
                f"{name!r} says it takes {size} of {block} bytes, more than are here"
            )
        if name in arrays:
            raise WeightsError(f"{name!r} stands there twice")
        arrays[name] = _array(name, data[at : at + size], np.dtype(_TYPES[kind]))
        at += block
    return arrays


def _array(name: str, data: bytes, kind: np.dtype) -> np.ndarray:
    if len(data) % kind.itemsize:
        raise WeightsError(f"{name!r} is no whole number of values: {len(data)} bytes")
    return np.frombuffer(data, kind)
