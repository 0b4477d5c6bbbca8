"""The part of `allears call` that talks to another machine."""

import asyncio
import contextlib
import json
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from allears.audio.files import WavWriter
from allears.cli.arguments import ArgumentError, Impairment, Listening
from allears.cli.simulated import check_wav, is_bit, read_speech
from allears.link.frame import Frame, Label
from allears.link.live import Address, Incoming, LiveCall, Outgoing, Progress
from allears.link.sender import SenderConfig

DEFAULT_RATE = 48_000


def call(
    source: Path | None,
    output: Path | None,
    config: SenderConfig,
    impairment: Impairment,
    listening: Listening,
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
    if to is None and source and output:
        raise ArgumentError(f"{source}: a recording is sent --to HOST:PORT, which is missing")
    if to is None:
        source, output = None, source  # the one file named is what is heard
    if to and source is None:
        raise ArgumentError("--to needs a recording to send: allears call IN --to HOST:PORT")
    if output and not listen:
        raise ArgumentError(f"{output}: nothing is heard to write there without --listen PORT")
    if output:
        check_wav(output, source)
    outgoing = _outgoing(source, config, impairment, rate, to, again) if source and to else None
    listen_rate = rate or DEFAULT_RATE
    neural = listening.neural(config.redundancy.deep) if listen else None
    heard = _Heard()
    teller = _Teller(as_json, heard, output)

    def tell(progress: Progress) -> None:
        try:
            teller.tell(progress)
        except OSError:
            # Whoever read the statistics has left, which ends the call: OUT shall be whole.
            live.stop()

    with contextlib.ExitStack() as stack:
        if output:
            heard.write = stack.enter_context(WavWriter(output, listen_rate)).write
        incoming = None
        if listen:
            wait = listening.seconds(0)
            incoming = Incoming(listen, listen_rate, heard.take, patience, neural, wait)
        live = LiveCall(outgoing, incoming, seconds=seconds, report=tell)
        stack.enter_context(teller)
        teller.begin(listen, to)
        ended = asyncio.run(_run(live))
    teller.sum_up(ended)


def _outgoing(
    source: Path,
    config: SenderConfig,
    impairment: Impairment,
    rate: int | None,
    to: Address,
    again: bool,
) -> Outgoing:
    if is_bit(source):
        raise ArgumentError(f"{source}: is encoded already; name the recording to send")
    network = impairment.network(config.frame_ms)
    said, rate = read_speech(source, rate)
    return Outgoing(said, replace(config, rate=rate), to, again, network)


async def _run(live: LiveCall) -> Progress:
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            continue  # as under nohup
        # Windows has no such handlers: there Ctrl-C ends the program at once.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, live.stop)
    return await live.run()


@dataclass(slots=True)
class _Heard:
    """Takes the frames from the first packet on: counts them, and writes where it was told to."""

    frames: Counter[Label] = field(default_factory=Counter)
    write: Callable[[Any], None] | None = None

    def take(self, frame: Frame) -> None:
        self.frames[frame.label] += 1
        if self.write:
            self.write(frame.samples)


class _Teller:
    """Says how the call stands: one line that is rewritten, or JSON lines."""

    def __init__(self, as_json: bool, heard: _Heard, output: Path | None) -> None:
        self._as_json, self._heard, self._output = as_json, heard, output
        console = Console(stderr=True, highlight=False, markup=False)
        self._shown = not as_json and console.is_terminal
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> "_Teller":
        if self._shown:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._live.stop()

    def begin(self, listen: Address | None, to: Address | None) -> None:
        if self._shown:
            doing = [f"listening on port {listen[1]}"] if listen else []
            doing += [f"calling {to[0]}:{to[1]}"] if to else []
            self._live.update(f"{' · '.join(doing)}; Ctrl-C ends the call", refresh=True)

    def tell(self, progress: Progress) -> None:
        if self._as_json:
            print(json.dumps(_object("statistics", progress, self._heard)), flush=True)
        elif self._shown and (progress.sent or self._heard.frames):
            self._live.update(_line(progress, self._heard), refresh=True)

    def sum_up(self, progress: Progress) -> None:
        if self._as_json:
            print(json.dumps(_object("end", progress, self._heard)), flush=True)
        else:
            print(_line(progress, self._heard) + (f" · {self._output}" if self._output else ""))


def _line(progress: Progress, heard: _Heard) -> str:
    parts = [f"{progress.seconds:.0f} s"]
    if progress.sent:
        parts.append(f"{progress.sent} packets sent")
    if (received := progress.received) is not None:
        lost = f"{received.lost} lost ({received.loss_rate:.1%}), {received.late} late"
        parts.append(f"{received.packets} packets received, {lost}")
        total = max(1, heard.frames.total())
        shares = (f"{label} {count / total:.1%}" for label, count in sorted(heard.frames.items()))
        parts += [f"heard: {', '.join(shares)}"] if heard.frames else []
        if progress.delay is not None:
            parts.append(f"delay {1000 * progress.delay:.0f} ms")
    return " · ".join(parts)


def _object(event: str, progress: Progress, heard: _Heard) -> dict[str, Any]:
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
            "dred_unknown": received.dred_unknown,
            "dred_malformed": received.dred_malformed,
            "rewinds": received.rewinds,
            "streams": received.streams,
            "frames": {label.value: heard.frames[label] for label in Label},
            "delay_ms": None if progress.delay is None else 1000 * progress.delay,
        }
    return found
