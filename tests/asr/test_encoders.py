import json
from dataclasses import asdict
from typing import Any

import pytest
import torch

from allears.asr.encoders.kinds import ENCODERS, TOLERANCE, parameters, sized
from allears.nn.macs import macs_per_frame

INPUTS = 256

kinds = pytest.mark.parametrize("kind", ENCODERS)


@kinds
@pytest.mark.parametrize("wanted", [500_000, 2_000_000, 30_000_000])
def test_an_encoder_is_as_large_as_wanted(kind: str, wanted: int) -> None:
    config = sized(kind, wanted, INPUTS)
    assert abs(parameters(kind, config) - wanted) <= TOLERANCE * wanted
    assert config.inputs == INPUTS


@kinds
def test_parameters_are_those_of_the_encoder(kind: str) -> None:
    config, make = ENCODERS[kind]
    encoder = make(config(inputs=INPUTS))
    counted = sum(each.numel() for each in encoder.parameters())
    assert parameters(kind, config(inputs=INPUTS)) == counted


@kinds
def test_what_is_given_is_kept(kind: str) -> None:
    config = sized(kind, 1_000_000, INPUTS, layers=2, dropout=0.0)
    assert (config.layers, config.dropout) == (2, 0.0)


def test_a_size_that_no_width_has_is_refused() -> None:
    with pytest.raises(ValueError, match="convrnn: no width"):
        sized("convrnn", 20_000, INPUTS)


@kinds
def test_a_configuration_survives_json(kind: str) -> None:
    config, make = ENCODERS[kind]
    plain = json.loads(json.dumps(asdict(config(inputs=INPUTS))))
    again = make(config(**plain)).state_dict()
    expected = make(config(inputs=INPUTS)).state_dict()
    assert {name: value.shape for name, value in again.items()} == {
        name: value.shape for name, value in expected.items()
    }


@kinds
def test_a_fresh_encoder_neither_fades_nor_bursts(kind: str) -> None:
    torch.manual_seed(0)
    encoder: Any = ENCODERS[kind][1](sized(kind, 1_000_000, INPUTS)).eval()
    x = torch.randn(4, 100, INPUTS, requires_grad=True)
    y, _ = encoder(x, encoder.initial_state(4))
    assert y.shape == (4, 100, encoder.width)
    assert 0.2 < float(y.detach().std()) < 3
    (y * torch.randn_like(y)).mean(2).sum().backward()
    norms = [float(each.grad.norm()) for each in encoder.parameters() if each.grad is not None]
    assert max(norms) < 1e3


def counted(kind: str, context: int | None = None, **fields: Any) -> int:
    config, make = ENCODERS[kind]
    return macs_per_frame(make(config(inputs=10, **fields)), context)


def test_multiply_adds_by_hand_of_lstms() -> None:
    first, second = 4 * (10 * 6 + 6 * 6), 4 * (6 * 6 + 6 * 6)
    assert counted("lstm", width=6, layers=2) == first + second


@pytest.mark.parametrize(("context", "keys"), [(None, 10), (3, 4), (50, 10)])
def test_multiply_adds_by_hand_of_a_transformer(context: int | None, keys: int) -> None:
    fields = {"width": 6, "layers": 2, "heads": 2, "size": 4, "past": 9, "expansion": 3}
    attention = 6 * 3 * 8 + 2 * keys * 8 + 8 * 6
    assert counted("transformer", context, **fields) == 60 + 2 * (attention + 2 * 6 * 18)


def test_multiply_adds_by_hand_of_a_conformer() -> None:
    fields = {"width": 6, "layers": 1, "heads": 2, "size": 4, "past": 9, "expansion": 3}
    attention = 6 * 3 * 8 + 2 * 10 * 8 + 8 * 6
    convolution = 6 * 12 + 6 * 5 + 6 * 6
    assert counted("conformer", kernel=5, **fields) == 60 + 4 * 6 * 18 + attention + convolution


def test_multiply_adds_by_hand_of_contextnet() -> None:
    separable = 6 * 3 + 6 * 6
    block = 2 * separable + 2 * 6 * 3 + 6 * 6
    fields = {"width": 6, "blocks": 2, "layers": 2, "kernel": 3, "reduction": 2}
    assert counted("contextnet", **fields) == 60 + 2 * block


def test_multiply_adds_by_hand_of_convolutions_before_lstms() -> None:
    # 4 frames of 16 bands to 2 of 16, pooled to 8, to 1 of 8, pooled to 4, to 1 of 4.
    convs = 9 * (1 * 3 * 2 * 16 + 3 * 5 * 1 * 8 + 5 * 5 * 1 * 4)
    config, make = ENCODERS["vgglstm"]
    made = make(config(inputs=64, bands=16, channels=(3, 5, 5), width=6, layers=1))
    assert macs_per_frame(made) == convs + 20 * 6 + 4 * (6 * 6 + 6 * 6)


def test_frames_that_strides_do_not_divide_are_refused() -> None:
    config, make = ENCODERS["vgglstm"]
    with pytest.raises(ValueError, match="128 inputs are no frames of 64 bands for strides"):
        make(config(inputs=128))


def test_multiply_adds_by_hand_of_convrnn() -> None:
    local = 5 * (10 * 7 + 7 * 4) + 4 * 6
    block = 6 * 12 + 3 * 12 + 6 * 6 + 2 * 6 * 3
    merge, lstm = 12 * 6, 4 * (6 * 8 + 8 * 8)
    fields = {"width": 8, "layers": 1, "front": 6, "channels": (7, 4), "blocks": 2, "reduction": 2}
    assert counted("convrnn", **fields) == local + 2 * block + merge + lstm
