"""The compiled passes over logits against torch's, in double precision."""

import pytest
import torch

from allears.asr.softmax import read, slopes


def passed(logits, tokens, blank):
    """What `read` finds: sums, the blank's and the tokens' log-probabilities, and whether all is finite."""
    sums = logits.new_empty(logits.shape[:2])
    found = torch.empty(2, *logits.shape[:2], dtype=torch.float64)
    finite = read(logits, tokens, blank, sums, tuple(found))
    return sums, *found, finite


@pytest.mark.parametrize("vocabulary", [1, 3, 16, 37, 300])
@pytest.mark.parametrize("spread", [0.0, 1.0, 10.0, 1e30])
def test_single_precision_is_that_of_double(vocabulary, spread):
    torch.manual_seed(vocabulary)
    logits = spread * torch.randn(4, 5, vocabulary)
    tokens, shares = torch.randint(vocabulary, (4, 5)), torch.rand(4, 5, 2)
    both = []
    for given in (logits, logits.double()):
        *found, finite = passed(given, tokens, vocabulary // 2)
        out = torch.full_like(given, torch.nan)
        slopes(given, found[0], shares.to(given), tokens, vocabulary // 2, out)
        assert finite
        both.append([*found, out])
    for mine, exact in zip(*both, strict=True):
        assert torch.allclose(mine.double(), exact, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("vocabulary", [1, 7, 64])
def test_what_is_not_finite_is_found_wherever_it_stands(dtype, value, vocabulary):
    for place in range(3 * vocabulary):
        logits = torch.randn(1, 3, vocabulary, dtype=dtype)
        logits.view(-1)[place] = value
        assert not passed(logits, torch.zeros(1, 3, dtype=torch.int64), 0)[-1]


def test_parts_of_larger_tensors_are_read_as_they_lie():
    whole = torch.randn(4, 9, 20)
    tokens = torch.randint(20, (4, 3))
    found = passed(whole[:, 2:5], tokens, 0)
    for mine, other in zip(found, passed(whole[:, 2:5].clone(), tokens, 0), strict=True):
        assert mine is other or torch.equal(mine, other)
