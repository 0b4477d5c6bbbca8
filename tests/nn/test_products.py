import numpy as np
import pytest

from allears.nn.exponential import sigmoid
from allears.nn.products import Kind, applied, products


@pytest.mark.parametrize("kind", Kind)
def test_layers_are_those_of_single_precision(kind):
    generator = np.random.default_rng(0)
    arrays = {
        f"{name}.{part}": generator.normal(size=shape).astype(np.float32) / 8
        for name in ("before", "layer")
        for part, shape in (("weight", (24, 24)), ("bias", 24))
    }
    arrays["layer.weight"][3] = 0
    x = generator.normal(size=24).astype(np.float32)
    sums = arrays["layer.weight"] @ x + arrays["layer.bias"]
    wanted = {
        Kind.PLAIN: sums,
        Kind.TANH: np.tanh(sums),
        Kind.GATE: x / (1 + np.exp(-sums)),
    }[kind]
    found = applied(products(arrays, {"before": Kind.PLAIN, "layer": kind}), np.int64(1), x)
    assert np.allclose(found, wanted, atol=1e-4) and found.dtype == np.float32


@pytest.mark.parametrize("x", [-100.0, -3.0, 0.0, 0.5, 100.0])
def test_the_logistic_function(x):
    assert abs(sigmoid(np.float32(x)) - 0.5 * (1 + np.tanh(x / 2))) < 1e-6
