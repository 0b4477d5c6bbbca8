"""What command-line arguments mean, with errors that name the argument and the remedy."""

import enum
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from allears.errors import AllearsError
from allears.link.live import Address
from allears.link.network import RandomNetwork
from allears.link.recovery import Neural
from allears.wire.errors import ParseError
from allears.wire.loss import LossModel, TraceLoss, parse_loss, parse_trace

SHIPPED = "allears"
"""The weights that nobody has to name."""


class ArgumentError(AllearsError):
    """An argument that cannot be used; the message says which, why, and what can."""


def read_bytes(file: Path) -> bytes:
    """A whole file; raises ArgumentError naming it where it cannot be read."""
    try:
        return file.read_bytes()
    except IsADirectoryError:
        raise ArgumentError(f"{file}: is a directory; name one file in it") from None
    except OSError as error:
        why = f"cannot be opened ({error.strerror}); check its name and permissions"
        raise ArgumentError(f"{file}: {why}") from None


def check_output(output: Path, others: Iterable[Path | None] = ()) -> None:
    """Refuse what could not be written in the end, or is one of `others`, before any work is done."""
    folder = output.parent
    if not folder.is_dir():
        raise ArgumentError(f"{output}: there is no folder {folder}; create it first")
    if output.is_dir():
        raise ArgumentError(f"{output}: is a directory; name a file in it")
    if output.exists() and not output.is_file():
        raise ArgumentError(f"{output}: is no ordinary file; choose another place")
    if not os.access(folder, os.W_OK):
        raise ArgumentError(f"{output}: no permission to write in {folder}; choose another place")
    if any(other.resolve() == output.resolve() for other in others if other):
        raise ArgumentError(
            f"{output}: is named twice, and writing would replace it; choose another name"
        )


def refuse_changes(chosen: Any, default: Any, why: str) -> None:
    """Raise ArgumentError for the first field of a dataclass, named as its option, that is changed."""
    for field in fields(chosen):
        if getattr(chosen, field.name) != getattr(default, field.name):
            raise ArgumentError(f"--{field.name.replace('_', '-')} {why}")


@dataclass(frozen=True, slots=True)
class Impairment:
    """What the options of these names want a network to do; `jitter` in ms, shares from 0 to 1."""

    loss: str = "none"
    trace: Path | None = None
    seed: int = 0
    jitter: float = 0
    reorder: float = 0
    duplicate: float = 0

    def network(self, frame_ms: float) -> RandomNetwork:
        """The network that does it to packets of `frame_ms`."""
        return RandomNetwork(
            self._losses(frame_ms),
            random.Random(self.seed),
            jitter=self.jitter / 1000,
            reorder=self.reorder,
            duplicate=self.duplicate,
        )

    def _losses(self, frame_ms: float) -> LossModel:
        """`--loss` or `--trace`, whichever was given."""
        if self.trace is None:
            return parse_loss(self.loss, self.seed, frame_ms)
        if self.loss != "none":
            raise ArgumentError("--loss and --trace both say what is lost: give one of them")
        remedy = "write a 0 (arrives) or 1 (lost) per packet"
        try:
            return TraceLoss(parse_trace(read_bytes(self.trace).decode()))
        except UnicodeDecodeError:
            raise ArgumentError(f"{self.trace}: is not text; {remedy}") from None
        except ParseError as error:
            raise ArgumentError(f"{self.trace}: {error}; {remedy}") from None


class Conceal(enum.StrEnum):
    """Who guesses what did not arrive and was not sent along."""

    NEURAL = "neural"
    OPUS = "opus"


@dataclass(frozen=True, slots=True)
class Listening:
    """What the options of these names want of the listener; `wait` in ms."""

    conceal: Conceal | None = None
    weights: str | None = None
    wait: float | None = None

    def neural(self, deep: bool) -> Neural | None:
        """The networks, where there is `deep` redundancy to hear, or an option wants them."""
        if not (deep or self.conceal is Conceal.NEURAL or self.weights):
            if self.wait is not None:
                raise ArgumentError(
                    "--wait is for deep redundancy: give --redundancy dred, or --weights to hear it"
                )
            return None
        # Imported here so that calls without networks start without them.
        from allears.link import neural

        return neural.load(self.weights or SHIPPED, guesses=self.conceal is not Conceal.OPUS)

    def seconds(self, otherwise: float) -> float:
        """How long to lag for deep redundancy."""
        return otherwise if self.wait is None else self.wait / 1000


def address(option: str, text: str, default_host: str | None = None) -> Address:
    """`HOST:PORT`, `[IPV6]:PORT`, or a PORT alone where a host is implied."""
    host, colon, port = text.rpartition(":")
    if not colon and default_host is not None:
        host = default_host
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port[:9]) < 65536:
        form = "PORT or HOST:PORT" if default_host else "HOST:PORT"
        raise ArgumentError(f"{option} {text!r}: give {form}, with a port from 1 to 65535")
    return host, int(port)
