"""Which weights a graph file asks for: as much of ONNX' protobuf as that takes, without the `onnx` package."""

from collections.abc import Iterator

_GRAPH, _FUNCTION, _TRAINING = 7, 25, 20
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15
_OPERATOR, _DOMAIN, _ATTRIBUTE = 4, 7, 5
_TENSOR, _TENSORS, _FURTHER = 5, 10, {6, 11, 22, 23}
_DIMENSIONS, _TYPE, _NAME, _ELSEWHERE, _LOCATION = 1, 2, 8, 13, 14
_LONGEST = 63
"""Bits before the last byte of a number."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def wanted(model: bytes) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the initialisers whose values are not in the file.

    Raises ValueError where it is no such file.
    """
    found = {}
    for tensor in _initialisers(model):
        fields = list(_fields(tensor))
        if any(_of(fields, _LOCATION)):
            names = [each.decode() for each in _of(fields, _NAME) if isinstance(each, bytes)]
            found.update(dict.fromkeys(names, tuple(_dimensions(fields))))
    return found


def types(model: bytes) -> dict[str, int]:
    """The element types of the same initialisers, numbered as ONNX does (1 is float32, 2 uint8, 3 int8)."""
    found = {}
    for tensor in _initialisers(model):
        fields = list(_fields(tensor))
        if any(_of(fields, _LOCATION)):
            kinds = [each for each in _of(fields, _TYPE) if isinstance(each, int)]
            names = [each.decode() for each in _of(fields, _NAME) if isinstance(each, bytes)]
            found.update(dict.fromkeys(names, kinds[-1] if kinds else 0))
    return found


def operators(model: bytes) -> set[tuple[str, str]]:
    """Domain, empty for ONNX' own, and name of every operator.

    Raises ValueError where there is more than one plain graph: functions, graphs within nodes, and so loops;
    sparse values; or values of a node that are not in the file.
    """
    present = {number for number, _ in _fields(model)}
    if present & {_FUNCTION, _TRAINING}:
        raise ValueError("the graph brings functions of its own")
    found = set()
    for graph in _messages(model, _GRAPH):
        if any(number == _SPARSE for number, _ in _fields(graph)):
            raise ValueError("the graph has sparse values")
        for node in _messages(graph, _NODE):
            fields = list(_fields(node))
            domain, name = (
                b"".join(x for x in _of(fields, number)[-1:] if isinstance(x, bytes)).decode()
                for number in (_DOMAIN, _OPERATOR)
            )
            for attribute in _messages(node, _ATTRIBUTE):
                _check(name, attribute)
            found.add((domain, name))
    return found


def _check(name: str, attribute: bytes) -> None:
    for number, value in _fields(attribute):
        if number in _FURTHER:
            raise ValueError(f"{name} of the graph holds a graph of its own, or sparse values")
        if number in (_TENSOR, _TENSORS) and isinstance(value, bytes):
            for field, _ in _fields(value):
                if field in (_ELSEWHERE, _LOCATION):
                    raise ValueError(f"{name} of the graph has values in another file")


def _initialisers(model: bytes) -> Iterator[bytes]:
    for graph in _messages(model, _GRAPH):
        yield from _messages(graph, _INITIALIZER)


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
    while at < len(data) and shift <= _LONGEST:
        byte = data[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at
    raise ValueError("no ONNX graph: a number in it does not end")
