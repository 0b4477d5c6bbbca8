"""All ways to share a bitrate between Opus and what protects it, and what each is worth to a listener."""

import itertools
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from allears.wire.dred import (
    LATENT_MS,
    LEVELS,
    MAX_LATENTS,
    DredHeader,
    EntropyTables,
    LaplaceTable,
)

LONGEST = 64
"""Packets in a burst beyond which it is all the same."""

_DURATIONS = (120, 200, 320, 480, 680, 1040)
_QUALITIES = ((3, 6), (5, 6), (8, 5), (11, 3))
_EXPECTED_LOSS = 0.2  # from here on libopus makes room for LBRR at the least bitrate
_SHORTEST_LBRR = 10  # ms: shorter packets are CELT's, which has none


@dataclass(frozen=True, slots=True)
class Allocation:
    """How to send: `bitrate` of Opus in bit/s, with its LBRR where that is on, made for `expected_loss`
    (0–1); and deep redundancy of `dred` ms (0 for none) from quantiser level `q0` at slope `dq` to
    `qmax`, which takes `dred_bitrate` bit/s on top."""

    bitrate: int
    lbrr: bool = False
    expected_loss: float = 0.0
    dred: int = 0
    q0: int = 6
    dq: int = 5
    qmax: int = 15
    dred_bitrate: int = 0

    @property
    def total(self) -> int:
        """Bit/s in all."""
        return self.bitrate + self.dred_bitrate

    @property
    def latents(self) -> int:
        """How many latents of 40 ms each packet carries."""
        return min(MAX_LATENTS, math.ceil(self.dred / LATENT_MS))

    def level(self, latent: int) -> int:
        """The quantiser level of a latent, 0 being the newest."""
        return DredHeader(self.q0, self.dq, self.qmax, 0, 0).level(latent)


@dataclass(frozen=True, slots=True)
class DredCost:
    """Bits that a model's deep redundancy takes in a packet, by level: the initial state once, each latent
    of 40 ms, and `overhead` for the headers around them."""

    states: tuple[float, ...]
    latents: tuple[float, ...]
    overhead: float = 48.0

    def __post_init__(self) -> None:
        if (len(self.states), len(self.latents)) != (LEVELS, LEVELS):
            raise ValueError(f"{len(self.states)} and {len(self.latents)} levels, not {LEVELS}")

    @classmethod
    def of(cls, tables: EntropyTables) -> "DredCost":
        """What a model's own odds expect: the entropy of its states and latents at each level."""
        states, latents = _entropy(tables.states), _entropy(tables.latents)
        return cls(tuple(states.tolist()), tuple(latents.tolist()))

    def bits(self, allocation: Allocation) -> float:
        """Bits in each packet; 0 without deep redundancy."""
        if not allocation.latents:
            return 0.0
        levels = map(allocation.level, range(allocation.latents))
        state = self.states[allocation.q0]
        return self.overhead + state + sum(self.latents[level] for level in levels)


def _entropy(table: LaplaceTable) -> Float64[np.ndarray, " levels"]:
    """Bits of a vector at each level: of whether a value is 0, its sign, and a geometric magnitude."""
    zero, decay = np.clip(table.odds / (1 << 15), 1e-9, 1 - 1e-9)
    sizes = -np.log2(1 - decay) - decay / (1 - decay) * np.log2(decay)
    bits = -zero * np.log2(zero) - (1 - zero) * (np.log2((1 - zero) / 2) - sizes)
    return np.asarray(np.where(table.coded, bits, 0).sum(1))


def _geometric(points: dict[int, float]) -> tuple[float, ...]:
    """By level, straight lines in the logarithm between what was measured."""
    levels, values = zip(*points.items(), strict=True)
    return tuple(np.exp(np.interp(range(LEVELS), levels, np.log(values))).tolist())


_LATENT_BITS = _geometric({0: 70.8, 6: 28.8, 15: 4.0})

LIBOPUS_COST = DredCost(tuple(3.5 * bits for bits in _LATENT_BITS), _LATENT_BITS)
"""Measured of libopus 1.6's weights on read speech: 20 kb/s for 1.04 s from level 6, slope 5."""

_DISTORTION = _geometric({0: 0.023, 6: 0.058, 15: 0.546})


@dataclass(frozen=True, slots=True)
class Worth:
    """What a listener makes of a packet; 1 is perfect speech.

    One that arrives lacks `opus_lack` at 0 bit/s and e times less every `opus_scale` bit/s; LBRR takes
    `lbrr_share` of Opus' own bits. `lbrr` and `dred` (the finest) are the worth of what they bring back,
    `guess` of the first packet that is guessed, `fading` its share from one to the next. `harm`: how much
    more a lost packet takes from a call than its own length. `floor`: the least bit/s for Opus if the total
    allows, that of wideband speech; `lbrr_floor` the least with LBRR, under which libopus leaves it out.
    """

    opus_lack: float = 0.6
    opus_scale: float = 9_000.0
    lbrr_share: float = 0.6
    lbrr: float = 0.92
    dred: float = 0.65
    guess: float = 0.5
    fading: float = 0.6
    harm: float = 3.0
    floor: int = 16_000
    lbrr_floor: int = 20_000

    def arrived(self, allocation: Allocation) -> float:
        """A packet that arrives."""
        own = allocation.bitrate / (1 + self.lbrr_share * allocation.lbrr)
        return 1 - self.opus_lack * math.exp(-own / self.opus_scale)

    def brought_back(
        self, allocation: Allocation, frame_ms: float
    ) -> Float64[np.ndarray, " packets"]:
        """The lost packet so many before the next that arrives; 0 where nothing of it is left."""
        worth = np.zeros(LONGEST)
        for packet in range(LONGEST):
            # The newest latent ends up to half its length before the packet that carries it.
            newest, oldest = packet * frame_ms + LATENT_MS / 2, (packet + 1.5) * frame_ms
            if oldest <= allocation.dred:
                level = allocation.level(int(newest // LATENT_MS))
                worth[packet] = self.dred * (1 - _DISTORTION[level])
        if allocation.lbrr:
            worth[0] = self.lbrr
        return worth

    def bursts(self, allocation: Allocation, frame_ms: float) -> Float64[np.ndarray, " lengths"]:
        """All the packets of a burst, by its length from 0 to `LONGEST`, `harm` included."""
        back = self.brought_back(allocation, frame_ms)
        guessed = self.guess * self.fading ** np.arange(LONGEST)
        lengths = range(LONGEST + 1)
        heard = [np.maximum(back[:size][::-1], guessed[:size]).sum() for size in lengths]
        return self.harm * np.array(heard)


class Menu(NamedTuple):
    """What there is to choose from: the worth of a packet that arrives, and of bursts by length."""

    choices: tuple[Allocation, ...]
    arrived: Float64[np.ndarray, " choices"]
    bursts: Float64[np.ndarray, "choices lengths"]


@lru_cache(maxsize=16)
def menu(cost: DredCost | None, worth: Worth, total: int, frame_ms: float) -> Menu:
    """All ways to share `total` bit/s in packets of `frame_ms`; the first is Opus alone."""
    offers, bursts = _offers(cost, worth, frame_ms)
    left = [total - offer.dred_bitrate for offer in offers]
    kept = [at for at, bitrate in enumerate(left) if bitrate >= _least(worth, offers[at])]
    choices = tuple(replace(offers[at], bitrate=left[at]) for at in kept)
    return Menu(choices, np.array([worth.arrived(choice) for choice in choices]), bursts[kept])


def _least(worth: Worth, offer: Allocation) -> int:
    """What Opus needs beside it."""
    if offer.lbrr:
        return worth.lbrr_floor
    return worth.floor if offer.dred else 0


@lru_cache(maxsize=8)
def _offers(
    cost: DredCost | None, worth: Worth, frame_ms: float
) -> tuple[tuple[Allocation, ...], Float64[np.ndarray, "offers lengths"]]:
    """All kinds of protection, none first, and what each makes of bursts."""
    offers = [Allocation(0)]
    for duration, (q0, dq) in itertools.product(_DURATIONS, _QUALITIES if cost else ()):
        offer = Allocation(0, dred=duration, q0=q0, dq=dq)
        assert cost is not None
        bitrate = math.ceil(cost.bits(offer) * 1000 / frame_ms)
        offers.append(replace(offer, dred_bitrate=bitrate))
    if frame_ms >= _SHORTEST_LBRR:
        offers += [replace(each, lbrr=True, expected_loss=_EXPECTED_LOSS) for each in offers]
    return tuple(offers), np.array([worth.bursts(offer, frame_ms) for offer in offers])
