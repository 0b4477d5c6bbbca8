"""The encoders there are, by name, and each of them in the size that is wanted."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch
from torch import nn

from allears.asr.encoders.amortised import Amortised, AmortisedConfig
from allears.asr.encoders.conformer import Conformer, ConformerConfig
from allears.asr.encoders.contextnet import ContextNet, ContextNetConfig
from allears.asr.encoders.convrnn import ConvRnn, ConvRnnConfig
from allears.asr.encoders.lstm import Lstm, LstmConfig
from allears.asr.encoders.transformer import Transformer, TransformerConfig
from allears.asr.encoders.vgglstm import VggLstm, VggLstmConfig

ENCODERS: dict[str, tuple[Callable[..., Any], Callable[[Any], nn.Module]]] = {
    "lstm": (LstmConfig, Lstm),
    "vgglstm": (VggLstmConfig, VggLstm),
    "convrnn": (ConvRnnConfig, ConvRnn),
    "conformer": (ConformerConfig, Conformer),
    "contextnet": (ContextNetConfig, ContextNet),
    "transformer": (TransformerConfig, Transformer),
    "amortised": (AmortisedConfig, Amortised),
}

TOLERANCE = 0.02
"""How far from the parameters wanted `sized` may end, as a share of them, if nothing else is said."""

_START, _TRIES = 160, 6
_FOLLOWING: dict[str, Callable[[int], int]] = {
    "front": lambda width: max(16, 8 * round(width / 16)),
    "heads": lambda width: max(1, round(width / 32)),
}
"""What goes by the width where it is not given."""


def parameters(kind: str, config: Any) -> int:
    """Weights of an encoder, which is not made for it."""
    with torch.device("meta"):
        return sum(each.numel() for each in ENCODERS[kind][1](config).parameters())


def sized(
    kind: str, wanted: int, inputs: int, *, tolerance: float = TOLERANCE, **given: Any
) -> Any:
    """The configuration of that many parameters; all but the width is as `given`, or as usual.

    Of the widths that come near enough it is the roundest. Raises ValueError where none does.
    """
    make = ENCODERS[kind][0]
    follow = {each.name for each in fields(make)} & (_FOLLOWING.keys() - given.keys())  # type: ignore[arg-type]

    def at(width: int, like: int) -> Any:
        shape = {name: _FOLLOWING[name](like) for name in follow}
        return make(**{"inputs": inputs, **given, **shape, "width": width})

    width = like = _START
    for trial in range(2 * _TRIES):
        found = parameters(kind, at(width, like))
        like = width if trial < _TRIES else like
        width = max(1, round(width * (wanted / found) ** 0.5))
    for step in (64, 32, 16, 8, 4, 2, 1):
        for near in (width // step * step, -(-width // step) * step):
            if near and abs(parameters(kind, at(near, like)) - wanted) <= tolerance * wanted:
                return at(near, like)
    raise ValueError(f"{kind}: no width near {width} gives {wanted} parameters")
