import numpy as np
import pytest

from allears.weights import linear
from allears.weights.errors import WeightsError

RANDOM = np.random.default_rng(0)
SCALE = RANDOM.uniform(0.001, 0.002, 16).astype(np.float32)
MATRIX = RANDOM.integers(-128, 128, (16, 12)).astype(np.int8)


def blocks(matrix):
    """Blocks of 8 outputs by 4 inputs, each output by output."""
    return [
        matrix[row : row + 8, column : column + 4].ravel()
        for row in range(0, matrix.shape[0], 8)
        for column in range(0, matrix.shape[1], 4)
    ]


DENSE = {"a_weights_int8": np.concatenate(blocks(MATRIX)), "a_scale": SCALE}
GAPPED = MATRIX.copy()
GAPPED[:8, 4:8] = 0
SPARSE = DENSE | {
    "a_weights_int8": np.concatenate([each for each in blocks(GAPPED) if each.any()]),
    "a_weights_idx": np.array([2, 0, 8, 3, 0, 4, 8], np.int32),
}
FLOAT = {"a_weights_float": np.arange(192, dtype=np.float32)}


@pytest.mark.parametrize(("arrays", "matrix"), [(DENSE, MATRIX), (SPARSE, GAPPED)])
def test_blocks_become_the_matrix_they_were(arrays, matrix):
    found = linear.weight(arrays, "a", 16, 12)
    assert np.allclose(found, matrix * SCALE[:, None] * 127)


def test_float_weights_stand_input_by_input():
    assert np.array_equal(linear.weight(FLOAT, "a", 16, 12)[:, 1], np.arange(16, 32))


def test_integers_are_preferred_to_the_floats_they_come_from():
    assert np.array_equal(
        linear.weight(DENSE | FLOAT, "a", 16, 12), linear.weight(DENSE, "a", 16, 12)
    )


def test_padding_is_cut_off():
    assert np.array_equal(linear.weight(DENSE, "a", 13, 12), linear.weight(DENSE, "a", 16, 12)[:13])
    arrays = {"a_bias": np.arange(16, dtype=np.float32)}
    assert linear.bias(arrays, "a", 13).tolist() == list(range(13))


def test_no_bias_is_zeros():
    assert linear.bias({}, "a", 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize("scale", [3e38, np.inf, np.nan])
def test_scales_that_no_layer_has_are_not_finite_then(scale):
    """Without a warning: whoever stores them refuses them by name."""
    arrays = DENSE | {"a_scale": np.full(16, scale, np.float32)}
    assert not np.isfinite(linear.weight(arrays, "a", 16, 12)).all()


def with_index(*values: int):
    return SPARSE | {"a_weights_idx": np.array(values, np.int32)}


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({}, "a_weights_float is missing"),
        ({"a_weights_float": np.zeros(192, np.int8)}, "a_weights_float is of int8"),
        ({"a_weights_float": np.zeros(190, np.float32)}, "a has 15 outputs"),
        ({"a_weights_float": np.zeros(193, np.float32)}, "a has 193 weights"),
        (DENSE | {"a_scale": SCALE[:8]}, "a has 8 outputs"),
        (DENSE | {"a_weights_int8": np.zeros(100, np.int8)}, "a has 100 weights"),
        (with_index(2, 0, 8, 3, 0, 4), "ends before the outputs from 8"),
        (with_index(2, 0, 8), "ends before the outputs from 8"),
        (with_index(-1, 0, 8, 3, 0, 4, 8), "ends before the outputs from 0"),
        (with_index(2_000_000_000, 0, 8, 3, 0, 4, 8), "ends before the outputs from 0"),
        (with_index(2, 0, 9, 3, 0, 4, 8), "names input 9 of 12"),
        (with_index(2, 0, -4, 3, 0, 4, 8), "names input -4 of 12"),
        (with_index(2, 0, 8, 2, 0, 4), "does not name all of its blocks"),
        (with_index(2, 0, 8, 3, 0, 4, 8, 0), "does not name all of its blocks"),
    ],
)
def test_what_does_not_fit_is_named(arrays, says):
    with pytest.raises(WeightsError) as error:
        linear.weight(arrays, "a", 16, 12)
    assert says in str(error.value)
