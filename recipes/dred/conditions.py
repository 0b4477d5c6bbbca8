"""Ways to spend about 44 kb/s on a call, one line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allears.link.sender import Redundancy, SenderConfig

RATE = 16_000


@dataclass(frozen=True, slots=True)
class Condition:
    """What is sent, and who fills the holes.

    `bitrate` of Opus in bit/s, LBRR included (None: the recording itself is heard); RED and DRED come on
    top, DRED with `dred_bitrate` bit/s where that is said. `neural`: the listener has the networks, else
    libopus alone. `lossless`: the network loses nothing.
    """

    key: str
    title: str
    bitrate: int | None
    redundancy: str = "none"
    dred_bitrate: int | None = None
    neural: bool = False
    lossless: bool = False

    def config(self, weights: str) -> SenderConfig | None:
        """What the sender is told; None where nothing is sent."""
        if self.bitrate is None:
            return None
        return SenderConfig(
            rate=RATE,
            bitrate=self.bitrate,
            redundancy=Redundancy.parse(self.redundancy),
            weights=weights,
            dred_bitrate=self.dred_bitrate,
        )


CONDITIONS = (
    Condition("recording", "the recording", None, lossless=True),
    Condition("clean", "Opus 24k, nothing lost", 24_000, lossless=True),
    Condition("opus", "Opus 24k, its concealment", 24_000),
    Condition("neural", "Opus 24k, neural concealment", 24_000, neural=True),
    Condition("lbrr", "Opus 45k with LBRR, its concealment", 45_000, "lbrr"),
    Condition("lbrr-neural", "Opus 45k with LBRR, neural", 45_000, "lbrr", neural=True),
    Condition("red", "Opus 22k with RED:1, its concealment", 22_000, "red"),
    Condition("dred", "Opus 24k with DRED, neural", 24_000, "dred", neural=True),
    Condition(
        "both", "Opus 32k with LBRR and DRED 14k, neural", 32_000, "lbrr+dred:600", 14_000, True
    ),
    Condition("auto", "45k shared by the controller, neural", 45_000, "auto", neural=True),
    Condition("more", "Opus 32k with LBRR and DRED 20k, neural", 32_000, "lbrr+dred", neural=True),
)
"""`more` takes some 52 kb/s, as libopus would; all others that lose anything take 41 to 45."""


@dataclass(frozen=True, slots=True)
class Case:
    """A condition under some weights; `weights` is empty where none are used."""

    condition: Condition
    weights: str

    @property
    def key(self) -> str:
        """Its name in results: `dred@allears`, or `lbrr`."""
        return at(self.condition.key, self.weights)

    @property
    def title(self) -> str:
        """Its name for a reader."""
        return (
            f"{self.condition.title} ({called(self.weights)})"
            if self.weights
            else self.condition.title
        )


def called(weights: str) -> str:
    """What a reader is told of weights: a name, or that of a folder."""
    return Path(weights).name


def at(key: str, weights: str) -> str:
    """The key of the case of a condition under these weights."""
    neural = {each.key: each.neural for each in CONDITIONS}[key]
    return f"{key}@{weights}" if neural and weights else key


def cases(weights: Sequence[str]) -> list[Case]:
    """Every condition, the neural ones once for each of `weights`."""
    return [
        Case(condition, each)
        for condition in CONDITIONS
        for each in (weights if condition.neural else ("",))
    ]
