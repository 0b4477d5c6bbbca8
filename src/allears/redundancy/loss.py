"""How far decoded features are from the true ones, as it is heard: DRED's distortion.

0.05 · squared error of the log band energies + loudness error e + min(20 e, 25 e²)
+ (14/18) · 2 |Δpitch| · relu(correlation + 0.5)² + (2/18) · Δcorrelation². The loudness of a band is the
fourth root of its energy; we measure it against that of a band of energy 10⁶ (int16 units).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from allears.audio import bark

_LOUD = 6.0
_BANDS = torch.from_numpy(bark.DCT.T.copy()).float()


def bands(features: Float[Tensor, "*shape 20"]) -> Float[Tensor, "*shape 18"]:
    """log10 of the band energies that the cepstrum stands for."""
    offset = torch.zeros(bark.BANDS)
    offset[0] = 4.0
    return (features[..., : bark.BANDS] + offset) @ _BANDS


def distortion(
    true: Float[Tensor, "*shape 20"], decoded: Float[Tensor, "*shape 20"]
) -> Float[Tensor, "*shape"]:
    """The distortion of each frame."""
    ours, theirs = bands(decoded), bands(true)
    loudness = torch.pow(10.0, 0.25 * (ours.clamp(max=12.0) - _LOUD))
    error = (loudness - torch.pow(10.0, 0.25 * (theirs - _LOUD))).abs()
    spectrum = (
        0.05 * (ours - theirs).square() + error + torch.minimum(20 * error, 25 * error**2)
    ).mean(-1)
    pitch, correlation = (decoded - true)[..., 18:].unbind(-1)
    voiced = torch.relu(true[..., 19] + 0.5).square()
    return spectrum + 14 / 18 * 2 * pitch.abs() * voiced + 2 / 18 * correlation.square()
