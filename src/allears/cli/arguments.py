"""What command-line arguments mean, with errors that name the argument and the remedy."""

import random
from dataclasses import dataclass
from pathlib import Path

from allears.errors import AllearsError
from allears.link.live import Address
from allears.link.network import RandomNetwork
from allears.wire.errors import ParseError
from allears.wire.loss import LossModel, TraceLoss, parse_loss, parse_trace


class ArgumentError(AllearsError):
    """An argument that cannot be used; the message says which, why, and what can."""


def read_bytes(file: Path) -> bytes:
    """A whole file; raises ArgumentError naming it where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise ArgumentError(f"{file}: {error.strerror}") from None


def loss_model(spec: str, trace: Path | None, seed: int, frame_ms: float) -> LossModel:
    """`--loss` or `--trace`, whichever was given."""
    if trace is None:
        return parse_loss(spec, seed, frame_ms)
    if spec != "none":
        raise ArgumentError("--loss and --trace both say what is lost: give one of them")
    try:
        text = read_bytes(trace).decode()
        return TraceLoss(parse_trace(text))
    except (ParseError, UnicodeDecodeError) as error:
        raise ArgumentError(
            f"{trace}: {error}; a trace has a 0 (arrives) or 1 (lost) per packet"
        ) from None


@dataclass(frozen=True, slots=True)
class Impairment:
    """What the command line wants a network to do; times in milliseconds, shares from 0 to 1."""

    loss: LossModel
    seed: int
    jitter_ms: float
    reorder: float
    duplicate: float

    def network(self) -> RandomNetwork:
        """The network that does it."""
        return RandomNetwork(
            self.loss,
            random.Random(self.seed),
            jitter=self.jitter_ms / 1000,
            reorder=self.reorder,
            duplicate=self.duplicate,
        )


def address(text: str, default_host: str | None = None) -> Address:
    """`HOST:PORT`, `[IPV6]:PORT`, or a PORT alone where a host is implied."""
    host, colon, port = text.rpartition(":")
    if not colon and default_host is not None:
        host = default_host
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        form = "PORT or HOST:PORT" if default_host else "HOST:PORT"
        raise ArgumentError(f"{text!r} is not {form}, with a port from 1 to 65535")
    return host, int(port)
