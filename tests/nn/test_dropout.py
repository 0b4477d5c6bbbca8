import pytest
import torch

from allears.nn.dropout import Dropout


def test_so_many_are_dropped_and_the_sum_is_kept() -> None:
    torch.manual_seed(0)
    x = torch.ones(3, 1000, 101, requires_grad=True)
    y = Dropout(0.25)(x)
    heard = y.detach()
    assert float((heard == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(heard.mean()) == pytest.approx(1, abs=0.01)
    assert heard.unique().tolist() == pytest.approx([0, 4 / 3])
    y.sum().backward()
    torch.testing.assert_close(x.grad, heard)


def test_draws_follow_the_seed_and_differ() -> None:
    layer, x = Dropout(0.5), torch.ones(500)
    torch.manual_seed(4)
    one, other = layer(x), layer(x)
    torch.manual_seed(4)
    assert torch.equal(layer(x), one)
    assert not torch.equal(one, other)


def test_without_training_or_share_nothing_happens() -> None:
    x = torch.randn(50)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_is_one(share: float) -> None:
    with pytest.raises(ValueError, match="dropout"):
        Dropout(share)
