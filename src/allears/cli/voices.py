"""What commands on voices have in common: the network, what they say of a clip, and how likely it is."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from allears.cli.arguments import ArgumentError

if TYPE_CHECKING:
    from allears.speaker.recordings import Heard
    from allears.speaker.verifier import Verdict, Verifier

_MOST = 1e6
"""Times beyond which a ratio says no more than that it is sure."""


class Network(NamedTuple):
    """What compares voices, and the digest by which its embeddings are known."""

    verifier: "Verifier"
    digest: str


def opened(model: Path | None) -> Network:
    """The network in a file, else the one that ships. Raises SpeakerError or ArgumentError."""
    # Imported here so that every other command starts without networks.
    from allears.speaker import bundle, embedder, gallery
    from allears.speaker.verifier import Verifier

    if model is None and not embedder.SHIPPED_FILE.is_file():
        raise ArgumentError(
            f"{embedder.SHIPPED_FILE}: no network of voices ships with this install; "
            "name one with --model FILE.safetensors"
        )
    file = model or embedder.SHIPPED_FILE
    network = bundle.read(file)
    return Network(Verifier(embedder.Embedder(file)), gallery.digest(network))


def heard(network: Network, clip: Path) -> "tuple[Heard, list[str]]":
    """Who speaks in a clip, and what is to be said against it."""
    from allears.speaker import recordings

    found = recordings.hear(network.verifier.embedder, clip)
    against = []
    if found.seconds < recordings.SURE_S:
        against.append(
            f"{clip}: {found.seconds:.1f} s of voice are little to know a voice by; "
            f"{recordings.SURE_S:g} s or more say more"
        )
    if parts := recordings.apart(network.verifier, clip):
        against.append(
            f"{clip}: its {parts.first} and its {parts.second} do not sound like one speaker; "
            "give a clip in which one speaks alone"
        )
    return found, against


def warn(against: list[str]) -> None:
    """Say it on stderr."""
    for line in against:
        print(f"allears: {line}", file=sys.stderr)


def as_values(verdict: "Verdict") -> dict[str, float]:
    """The same for programs: `llr` is natural."""
    return {
        "score": verdict.score,
        "llr": verdict.ratio,
        "log10_ratio": verdict.ratio / math.log(10),
    }


def likelier(ratio: float) -> str:
    """What a natural logarithm of a likelihood ratio says, for a person."""
    one, other = ("one speaker", "two") if ratio >= 0 else ("two speakers", "one")
    return f"{times(abs(ratio))} likelier that it is {one} than {other}"


def times(nats: float) -> str:
    """By how much something is likelier, to two figures."""
    value = math.exp(min(nats, 700.0))
    if value > _MOST:
        return "more than a million times"
    if value < 9.95:
        return f"{value:.1f} times"
    return f"{float(f'{value:.2g}'):,.0f} times".replace(",", "\N{NARROW NO-BREAK SPACE}")
