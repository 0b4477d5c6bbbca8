import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.weights import blob
from allears.weights.errors import WeightsError
from tests.real import REFERENCE, needs_reference
from tests.weights import released


def record(name: bytes, kind: int, data: bytes, size: int | None = None, block: int | None = None):
    filled = data + bytes(-len(data) % 64)
    size = len(data) if size is None else size
    block = len(filled) if block is None else block
    return struct.pack("<4s4i44s", b"DNNw", 0, kind, size, block, name) + filled


WHOLE = (
    record(b"one_bias", 0, struct.pack("<3f", 0.5, -1, 2))
    + record(b"one_weights_idx", 1, struct.pack("<2i", 1, 4))
    + record(b"one_weights_int8", 3, bytes([1, 255]))
)


def test_arrays_come_by_name_and_type():
    found = blob.parse(WHOLE)
    assert found["one_bias"].tolist() == [0.5, -1, 2]
    assert found["one_weights_idx"].tolist() == [1, 4]
    assert found["one_weights_int8"].tolist() == [1, -1]
    assert [each.dtype for each in found.values()] == [np.float32, np.int32, np.int8]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (WHOLE[:-64], "'one_weights_int8' says it takes 2 of 64 bytes"),
        (WHOLE + b"DNN", "has no whole header"),
        (WHOLE + b"x" * 64, "does not begin with DNNw"),
        (record(b"a", 9, b""), "'a' is of type 9"),
        (record(b"a", 0, b"", size=-4), "'a' says it takes -4"),
        (record(b"a", 0, b"", size=1 << 30, block=1 << 30), "more than are here"),
        (record(b"a", 0, b"123"), "'a' is no whole number of values"),
        (record(b"a", 0, b"") * 2, "'a' stands there twice"),
        (record(b"\xff\n", 9, b""), r"'\\xff\n' is of type 9"),
    ],
)
def test_what_is_wrong_is_named(data, says):
    with pytest.raises(WeightsError) as error:
        blob.parse(data)
    assert says in str(error.value)


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)))
def test_any_bytes_are_read_or_refused(noise, at):
    try:
        found = blob.parse(WHOLE[:at] + noise + WHOLE[at + len(noise) :])
    except WeightsError:
        return
    assert all(each.ndim == 1 for each in found.values())


@needs_reference
def test_the_released_blob_has_what_its_index_says():
    lines = (REFERENCE / "weights_blob_index.txt").read_text().splitlines()[:-1]
    told = [line.replace("=", " ").split() for line in lines]
    found = released.arrays()
    assert list(found) == [words[0] for words in told]
    assert [each.dtype.name for each in found.values()] == [words[1] for words in told]
    assert [each.nbytes for each in found.values()] == [int(words[3]) for words in told]
