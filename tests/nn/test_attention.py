import pytest
import torch
from torch import Tensor
from torch.nn import functional

from allears.nn.attention import PERIOD, Attention, Positions

WIDTH, HEADS, SIZE, PAST = 8, 2, 6, 10


def layers() -> tuple[Positions, Attention]:
    torch.manual_seed(1)
    attention = Attention(WIDTH, HEADS, SIZE, PAST).double().eval().requires_grad_(False)
    return Positions(SIZE, PAST), attention


def attended(x: Tensor, positions: Positions, attention: Attention) -> Tensor:
    around, _ = positions(x, positions.initial_state(len(x)))
    y, _ = attention(x, attention.initial_state(len(x)), around)
    return y


def test_positions_are_relative_however_long_the_stream() -> None:
    positions, attention = layers()
    x = torch.randn(1, 2 * PERIOD + 300, WIDTH, dtype=torch.float64)
    clock, state = positions.initial_state(1), attention.initial_state(1)
    for chunk in x.split(700, 1):
        around, clock = positions(chunk, clock)
        y, state = attention(chunk, state, around)
    assert int(clock) == PERIOD + 300
    late = attended(x[:, -PAST - 20 :], positions, attention)
    torch.testing.assert_close(y[:, -20:], late[:, -20:], rtol=1e-6, atol=1e-6)


def test_a_frame_looks_so_far_back_and_no_further() -> None:
    x = torch.randn(1, 40, WIDTH, dtype=torch.float64)
    other = x.clone()
    other[:, 20] += 1
    changed = (attended(x, *layers()) - attended(other, *layers())).abs().amax((0, 2)) > 1e-9
    assert changed.nonzero().flatten().tolist() == list(range(20, 20 + PAST + 1))


def test_order_matters() -> None:
    x = torch.randn(1, PAST, WIDTH, dtype=torch.float64)
    turned = torch.cat((x[:, :-1].flip(1), x[:, -1:]), 1)
    y, z = (attended(each, *layers())[:, -1] for each in (x, turned))
    assert (y - z).abs().max() > 1e-3


def test_without_rotation_it_is_plain_attention() -> None:
    positions, attention = layers()
    positions.turns.zero_()
    x = torch.randn(2, 7, WIDTH, dtype=torch.float64)
    around, _ = positions(x, positions.initial_state(2))
    found, _ = attention.attend(x, attention.initial_state(2), around)
    parts = attention.ask(x).unflatten(2, (3, HEADS, SIZE)).permute(2, 0, 3, 1, 4)
    scores = (parts[0] @ parts[1].mT) / SIZE**0.5
    scores = scores.masked_fill(torch.ones(7, 7).triu(1).bool(), -torch.inf)
    expected = (functional.softmax(scores, -1) @ parts[2]).transpose(1, 2)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("size", "past"), [(6, PERIOD), (5, 10)])
def test_what_cannot_be_rotated_is_refused(size: int, past: int) -> None:
    with pytest.raises(ValueError, match=f"past of {past} frames and heads of {size}"):
        Positions(size, past)
