"""Which weights a graph file asks for: as much of ONNX' protobuf as that takes, without the `onnx` package."""

from collections.abc import Iterator

_GRAPH, _INITIALIZER = 7, 5
_DIMENSIONS, _NAME, _LOCATION = 1, 8, 14
_EXTERNAL = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def wanted(model: bytes) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the initialisers whose values are not in the file.

    Raises ValueError where it is no such file.
    """
    found = {}
    for graph in _messages(model, _GRAPH):
        for tensor in _messages(graph, _INITIALIZER):
            fields = list(_fields(tensor))
            if (_LOCATION, _EXTERNAL) in fields:
                names = [each.decode() for each in _of(fields, _NAME) if isinstance(each, bytes)]
                found.update(dict.fromkeys(names, tuple(_dimensions(fields))))
    return found


def _dimensions(fields: list[tuple[int, int | bytes]]) -> Iterator[int]:
    """One by one, or packed."""
    for value in _of(fields, _DIMENSIONS):
        if isinstance(value, int):
            yield value
        else:
            at = 0
            while at < len(value):
                size, at = _varint(value, at)
                yield size


def _of(fields: list[tuple[int, int | bytes]], number: int) -> list[int | bytes]:
    return [value for each, value in fields if each == number]


def _messages(data: bytes, wanted_number: int) -> Iterator[bytes]:
    for number, value in _fields(data):
        if number == wanted_number and isinstance(value, bytes):
            yield value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of every field of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif kind == _BYTES:
            size, at = _varint(data, at)
            yield number, data[at : at + size]
            at += size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"no ONNX graph: field {number} is of kind {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at
    raise ValueError("no ONNX graph: it ends within a number")
