"""What arrays a file of weights holds, by its kind."""

from torch import nn

from allears.audio.pitchnet import PitchNet
from allears.redundancy.rdovae import LATENTS, STATES, Decoder, Encoder
from allears.voice.fargan import Fargan
from allears.voice.harmonic import HarmonicNet
from allears.voice.predictor import Predictor

_LEVELS = 16
_TABLES = ("quant_scales", "dead_zone", "r", "p0")

Shapes = dict[str, list[int]]


def all_shapes() -> dict[str, Shapes]:
    """Dimensions by name, for every kind; those under `table.` are of uint8, all others of float32."""
    return {
        "pitch": _of(PitchNet()),
        "rdovae": _rdovae(),
        "fargan": _of(Fargan()),
        "harmonic": _of(HarmonicNet()),
        "concealment": _of(Predictor()),
    }


def _rdovae() -> Shapes:
    tables = {
        f"table.{which}_{table}": [_LEVELS, size]
        for which, size in (("latent", LATENTS), ("state", STATES))
        for table in _TABLES
    }
    return _of(Encoder(), "encoder.") | _of(Decoder(), "decoder.") | tables


def _of(module: nn.Module, prefix: str = "") -> Shapes:
    return {prefix + name: list(each.shape) for name, each in module.named_parameters()}
