"""The part of `allears call` that talks to another machine."""

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from allears.audio.files import WavWriter
from allears.cli.arguments import ArgumentError, Impairment
from allears.cli.simulated import read_speech
from allears.link.frame import Frame, Label
from allears.link.live import Address, Incoming, LiveCall, Outgoing, Progress
from allears.link.sender import SenderConfig
from allears.link.statistics import Statistics

DEFAULT_RATE = 48_000


def call(
    source: Path | None,
    output: Path | None,
    config: SenderConfig,
    impairment: Impairment,
    rate: int | None,
    *,
    to: Address | None,
    listen: Address | None,
    seconds: float | None,
    again: bool,
    patience: float,
    as_json: bool,
) -> None:
    """Hold a call until both sides have ended it, a signal comes, or `seconds` are over."""
    outgoing = incoming = None
    if to:
        if source is None:
            raise ArgumentError("--to needs a recording to send: allears call IN --to HOST:PORT")
        said, send_rate = read_speech(source, rate)
        outgoing = Outgoing(said, replace(config, rate=send_rate), to, again, impairment.network())
    if output and not listen:
        raise ArgumentError(f"nothing is heard without --listen, so nothing to write to {output}")
    with contextlib.ExitStack() as stack:
        if listen:
            listen_rate = rate or DEFAULT_RATE
            sink = _discard
            if output:
                writer = stack.enter_context(WavWriter(output, listen_rate))
                sink = lambda frame: writer.write(frame.samples)  # noqa: E731
            incoming = Incoming(listen, listen_rate, sink, patience)
        teller = stack.enter_context(_Teller(as_json))
        live = LiveCall(outgoing, incoming, seconds=seconds, report=teller.tell)
        ended = asyncio.run(_run(live))
        teller.sum_up(ended)


async def _run(live: LiveCall) -> Progress:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers: there Ctrl-C ends the program at once.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, live.stop)
    return await live.run()


def _discard(frame: Frame) -> None:
    """Hear and forget."""


class _Teller:
    """Says how the call stands: one line that is rewritten, or JSON lines."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> "_Teller":
        if not self._as_json:
            self._live.start()
            self._live.update("waiting for the first packet; Ctrl-C ends the call", refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def tell(self, progress: Progress) -> None:
        if self._as_json:
            print(json.dumps(_object("statistics", progress)), flush=True)
        elif self._console.is_terminal:
            self._live.update(_line(progress), refresh=True)

    def sum_up(self, progress: Progress) -> None:
        self._live.stop()
        if self._as_json:
            print(json.dumps(_object("end", progress)), flush=True)
        else:
            print(_line(progress), file=sys.stdout)


def _line(progress: Progress) -> str:
    parts = [f"{progress.seconds:.0f} s", f"sent {progress.sent}"]
    if (received := progress.received) is not None:
        parts.append(
            f"received {received.packets}, lost {received.lost} ({received.loss_rate:.1%}), "
            f"late {received.late}"
        )
        parts += [f"{label} {share:.1%}" for label, share in _shares(received) if share]
        if progress.delay is not None:
            parts.append(f"delay {1000 * progress.delay:.0f} ms")
    return " · ".join(parts)


def _shares(received: Statistics) -> list[tuple[Label, float]]:
    total = max(1, sum(received.frames.values()))
    return [(label, count / total) for label, count in received.frames.items()]


def _object(event: str, progress: Progress) -> dict[str, Any]:
    found: dict[str, Any] = {
        "event": event,
        "seconds": round(progress.seconds, 3),
        "sent": progress.sent,
    }
    if (received := progress.received) is not None:
        found |= {
            "received": received.packets,
            "lost": received.lost,
            "loss_rate": received.loss_rate,
            "late": received.late,
            "duplicates": received.duplicates,
            "malformed": received.malformed,
            "streams": received.streams,
            "frames": {label.value: count for label, count in received.frames.items()},
            "delay_ms": None if progress.delay is None else 1000 * progress.delay,
        }
    return found
