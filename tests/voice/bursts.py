"""The bursts of lost packets that libopus filled on the clip jfk: what its vocoder was given, and said."""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float32

from tests.real import REFERENCE
from tests.weights.released import floats

JFK = REFERENCE / "jfk"


@dataclass(frozen=True)
class Burst:
    """`packet` is the first after it; features: 5 of `context`, then one for each 160 `spoken`."""

    packet: int
    past: Float32[np.ndarray, " 320"]
    context: Float32[np.ndarray, "5 20"]
    features: Float32[np.ndarray, "frames 20"]
    spoken: Float32[np.ndarray, " samples"]


@cache
def bursts() -> list[Burst]:
    text = (JFK / "dec_meta.txt").read_text()
    found = re.findall(r"fargan_cont before synth frame (\d+) \(packet (\d+)\)", text)
    told, begun = floats("fargan_in20.f32", 20), floats("fargan_cont.f32", 420)
    spoken = np.fromfile(JFK / "fargan_out.s16", "<i2").reshape(-1, 160) / np.float32(32_768)
    starts = [int(start) for start, _ in found]
    return [
        Burst(
            int(packet),
            given[:320],
            given[320:].reshape(5, 20),
            told[start:end],
            spoken[start:end].ravel(),
        )
        for (_, packet), given, start, end in zip(
            found, begun, starts, [*starts[1:], len(told)], strict=True
        )
    ]


def snr(true: np.ndarray, found: np.ndarray) -> float:
    """Decibels."""
    return float(10 * np.log10(np.sum(true**2) / np.sum((true - found) ** 2)))
