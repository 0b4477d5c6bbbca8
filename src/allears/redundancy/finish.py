"""From a trained codec to what ships: encoder and decoder, and tables of bytes fitted to counts."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from allears.redundancy.tables import LEVELS, Quantiser
from allears.redundancy.task import GAIN, Codec

_STEPS = 256
_RAREST = 1e-4
"""A value that is not 0 less often than this is never sent."""


def finished(
    codec: Codec, features: Float32[np.ndarray, "sequences frames 20"]
) -> dict[str, np.ndarray]:
    """Arrays by name: `encoder.*`, `decoder.*` and `table.*`; counts are taken on `features`."""
    codec.encoder.mixed = codec.decoder.mixed = False
    with torch.no_grad():
        latents, states = codec.encode(torch.from_numpy(features))
    arrays = {name: value.numpy() for name, value in _folded(codec).items()}
    warm = latents.shape[1] // 2  # the encoder's first steps know too little
    for kind, quantiser, values in (
        ("latent", codec.latents, latents[:, warm:]),
        ("state", codec.states, states[:, warm:]),
    ):
        tables = _tables(quantiser, values.flatten(0, 1))
        arrays |= {f"table.{kind}_{name}": table for name, table in tables.items()}
    return arrays


def sequences(features: Float32[np.ndarray, "frames 20"]) -> Float32[np.ndarray, "sequences f 20"]:
    """Stretches of 4 s, one a minute, to take counts on."""
    size, apart = 416, 6000
    starts = range(0, max(1, len(features) - size), apart)
    return np.stack([features[at : at + size] for at in starts]).astype(np.float32)


def _folded(codec: Codec) -> dict[str, Tensor]:
    """Weights that take and give features as they are, and latents as large as the tables expect."""
    state = {name: value.clone() for name, value in codec.state_dict().items()}
    mean, spread = state.pop("mean"), state.pop("spread")
    kept = {
        name: each for name, each in state.items() if name.split(".")[0] in ("encoder", "decoder")
    }
    kept["encoder.dense.weight"] /= spread.repeat(2)
    kept["encoder.dense.bias"] -= kept["encoder.dense.weight"] @ mean.repeat(2)
    for name in ("encoder.latents", "encoder.states"):
        kept[f"{name}.weight"] *= GAIN
        kept[f"{name}.bias"] *= GAIN
    kept["decoder.dense.weight"][:, :-1] /= GAIN
    kept["decoder.hidden.weight"] /= GAIN
    kept["decoder.output.weight"] *= spread.repeat(4)[:, None]
    kept["decoder.output.bias"] *= spread.repeat(4)
    kept["decoder.output.bias"] += mean.repeat(4)
    return kept


def _tables(quantiser: Quantiser, values: Tensor) -> Mapping[str, UInt8[np.ndarray, "levels size"]]:
    """Scales and dead zones as learnt; odds by maximum likelihood of what is then rounded."""
    with torch.no_grad():
        scales = _bytes(quantiser.scales().numpy() * _STEPS, 1, 255)
        zones = _bytes(torch.sigmoid(quantiser.zone).numpy() * _STEPS, 0, 255)
    r, p0 = np.zeros_like(scales), np.zeros_like(scales)
    for level in range(LEVELS):
        size = np.abs(_rounded(values.numpy(), scales[level], zones[level]))
        nonzero = (size > 0).mean(0)
        mean = size.sum(0) / np.maximum((size > 0).sum(0), 1)
        r[level] = np.where(
            nonzero < _RAREST, 0, _bytes((1 - 1 / np.maximum(mean, 1)) * _STEPS, 1, 254)
        )
        p0[level] = np.where(nonzero < _RAREST, 255, _bytes((1 - nonzero) * _STEPS, 1, 254))
    return {"quant_scales": scales, "dead_zone": zones, "r": r, "p0": p0}


def _rounded(values: np.ndarray, scale: np.ndarray, zone: np.ndarray) -> np.ndarray:
    u = values * (scale / _STEPS)
    dead = zone / _STEPS
    return np.asarray(np.rint(u - dead * np.tanh(u / (dead + 0.1))))


def _bytes(values: np.ndarray, low: int, high: int) -> UInt8[np.ndarray, "*shape"]:
    return np.asarray(np.clip(np.rint(values), low, high), np.uint8)
