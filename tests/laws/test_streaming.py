"""What every layer that streams obeys, and every encoder: a new one is one more line in a list."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from allears.asr.encoders.kinds import ENCODERS
from allears.nn.attention import Attention, AttentionState, Positions
from allears.nn.conv import DepthwiseCausalConv, RunningMean, SqueezeExcite
from allears.nn.layers import CausalConv, Gru
from allears.nn.lstm import LstmLayers
from allears.nn.states import alone, joined, tensors
from allears.parties.separator import Separator, SeparatorConfig

SIZE = 12
FRAMES = 40

SMALL: dict[str, dict[str, Any]] = {
    "lstm": {"width": 10, "layers": 2},
    "vgglstm": {"width": 10, "layers": 2, "bands": 6, "channels": (4, 5), "strides": (2, 1)},
    "convrnn": {"width": 10, "layers": 2, "front": 8, "channels": (7, 6), "blocks": 3, "reduction": 2},
    "conformer": {"width": 10, "layers": 2, "heads": 2, "size": 6, "past": 9, "kernel": 5},
    "contextnet": {"width": 10, "blocks": 2, "layers": 2, "kernel": 3, "reduction": 2},
    "transformer": {"width": 10, "layers": 2, "heads": 2, "size": 6, "past": 9},
    "amortised": {"width": 10, "layers": 2, "heads": 2, "size": 6, "past": 9},
}  # fmt: skip
"""Fields that make an encoder small; one that is not named here is tested as large as it usually is."""


def encoder(kind: str, **fields: Any) -> nn.Module:
    config, make = ENCODERS[kind]
    return make(config(inputs=SIZE, **{**SMALL.get(kind, {}), **fields}))


class Attending(nn.Module):
    """One layer of attention, with the positions that several share."""

    def __init__(self, past: int) -> None:
        super().__init__()
        self.positions, self.attention = Positions(4, past), Attention(SIZE, 3, 4, past)

    def initial_state(self, batch: int) -> tuple[Tensor, AttentionState]:
        return self.positions.initial_state(batch), self.attention.initial_state(batch)

    def forward(self, x: Tensor, state: tuple[Tensor, AttentionState]) -> Any:
        around, clock = self.positions(x, state[0])
        y, kept = self.attention(x, state[1], around)
        return y, (clock, kept)


def separator(branches: int, kind: str) -> nn.Module:
    """A separator whose branches stand side by side, so that time is where others have it."""
    return Beside(Separator(SeparatorConfig(SIZE, kind, SMALL[kind], branches, width=9)))


class Beside(nn.Module):
    """Branches side by side."""

    def __init__(self, separator: Separator) -> None:
        super().__init__()
        self.separator, self.initial_state = separator, separator.initial_state

    def forward(self, x: Tensor, state: Any) -> Any:
        y, state = self.separator(x, state)
        return y.transpose(1, 2).flatten(2), state


LAYERS = {
    "conv": lambda: CausalConv(SIZE, 7, 3, 2),
    "depthwise": lambda: DepthwiseCausalConv(SIZE, 4),
    "depthwise, dilated": lambda: DepthwiseCausalConv(SIZE, 3, 4),
    "mean": lambda: RunningMean(SIZE),
    "mean of a window": lambda: RunningMean(SIZE, 6),
    "squeeze and excite": lambda: SqueezeExcite(SIZE, 3, 11),
    "lstm": lambda: LstmLayers(SIZE, 9, 2),
    "attention": lambda: Attending(7),
    "attention to nothing else": lambda: Attending(0),
    **{f"{kind} encoder": lambda kind=kind: encoder(kind) for kind in ENCODERS},
    "convrnn encoder of a window": lambda: encoder("convrnn", window=5),
    "amortised encoder half closed": lambda: encoder("amortised", threshold=2.0, acoustic=True),
    "contextnet encoder of a window": lambda: encoder("contextnet", window=5),
    "separator": lambda: separator(2, "vgglstm"),
    "separator of three branches": lambda: separator(3, "lstm"),
    "separator of a conformer": lambda: separator(2, "conformer"),
}

every = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


def made(make: Any, dtype: torch.dtype = torch.float64) -> Any:
    """The layer with weights of which none is as it usually begins, so that none is without effect."""
    torch.manual_seed(7)
    layer = make().to(dtype).eval().requires_grad_(False)
    for weight in layer.parameters():
        weight += 0.1 * torch.randn_like(weight)
    return layer


def signal(batch: int = 2, frames: int = FRAMES, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(batch, frames, SIZE, dtype=dtype, generator=torch.Generator().manual_seed(3))


def run(layer: Any, chunks: tuple[Tensor, ...]) -> tuple[Tensor, Any]:
    state = layer.initial_state(len(chunks[0]))
    outputs = []
    for chunk in chunks:
        y, state = layer(chunk, state)
        outputs.append(y)
    return torch.cat(outputs, 1), state


def same(one: Any, other: Any, within: float = 1e-9) -> None:
    for a, b in zip(tensors(one), tensors(other), strict=True):
        torch.testing.assert_close(a, b, rtol=within, atol=within)


@every
@settings(max_examples=5)
@given(sizes=st.lists(st.integers(1, 17), min_size=1, max_size=20))
def test_chunks_equal_the_whole(make: Any, sizes: list[int]) -> None:
    layer, x = made(make), signal(frames=sum(sizes))
    y, state = run(layer, x.split(sizes, 1))
    whole, after = run(layer, (x,))
    assert y.shape == (2, sum(sizes), y.shape[2])
    same(y, whole)
    same(state, after)


@every
def test_frame_by_frame_equals_the_whole_in_single_precision(make: Any) -> None:
    layer, x = made(make, torch.float32), signal(frames=60, dtype=torch.float32)
    y, _ = run(layer, x.split(1, 1))
    whole, _ = run(layer, (x,))
    scale = float(whole.abs().max())
    assert scale > 0.1
    same(y / scale, whole / scale, 1e-4)


@every
def test_joined_streams_equal_single_ones(make: Any) -> None:
    layer, x = made(make), signal(batch=3, frames=FRAMES + 5)
    ages = 0, 4, FRAMES
    states = [
        run(layer, (x[index : index + 1, :age],))[1] if age else layer.initial_state(1)
        for index, age in enumerate(ages)
    ]
    following = [x[index : index + 1, age : age + 5] for index, age in enumerate(ages)]
    y, together = layer(torch.cat(following), joined(states))
    for index, (state, frames) in enumerate(zip(states, following, strict=True)):
        expected, after = layer(frames, state)
        same(y[index : index + 1], expected)
        same(alone(together, index), after)


@every
def test_what_follows_changes_nothing_before_it(make: Any) -> None:
    layer, x = made(make), signal()
    heard, _ = run(layer, (x,))
    for frames in (1, 9, FRAMES - 1):
        for rest in (torch.zeros_like(x), -50 * x):
            other = torch.cat((x[:, :frames], rest[:, frames:]), 1)
            y, _ = run(layer, (other,))
            same(y[:, :frames], heard[:, :frames])


@every
def test_the_last_frame_is_heard_at_once(make: Any) -> None:
    layer, x = made(make), signal()
    other = x.clone()
    other[:, -1] += 1
    changed = (run(layer, (x,))[0] - run(layer, (other,))[0]).abs().amax((0, 2))
    assert changed[-1] > 1e-4


@every
def test_streams_do_not_see_each_other(make: Any) -> None:
    layer, x = made(make), signal()
    other = x.clone()
    other[1] *= -3
    same(run(layer, (x,))[0][:1], run(layer, (other,))[0][:1])


@every
def test_states_are_batch_first(make: Any) -> None:
    layer = made(make)
    before = list(tensors(layer.initial_state(5)))
    _, after = layer(signal(batch=5, frames=3), layer.initial_state(5))
    assert [each.shape for each in before] == [each.shape for each in tensors(after)]
    assert [each.dtype for each in before] == [each.dtype for each in tensors(after)]
    assert {len(each) for each in before} <= {5}


@every
def test_every_weight_learns(make: Any) -> None:
    torch.manual_seed(5)
    layer = make().train().requires_grad_(True)
    x = signal(batch=4, dtype=torch.float32).requires_grad_(True)
    y, _ = layer(x, layer.initial_state(4))
    (y * torch.randn_like(y)).sum().backward()
    still = [name for name, weight in layer.named_parameters() if not weight.grad.abs().sum() > 0]
    assert not still
    assert bool((x.grad.abs().sum(2) > 0).all())


def test_the_recurrence_of_gates_streams_in_single_precision() -> None:
    layer, x = made(lambda: Gru(SIZE, 8), torch.float32), signal(dtype=torch.float32)
    same(run(layer, x.split(7, 1))[0], run(layer, (x,))[0], 1e-5)
