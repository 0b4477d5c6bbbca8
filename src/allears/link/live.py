"""A call between two machines: RTP over UDP in real time, a thin skin around sender and receiver."""

import asyncio
import errno
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

from allears.errors import AllearsError
from allears.link.frame import FRAME_SECONDS, Frame
from allears.link.network import Network, RandomNetwork
from allears.link.receiver import Receiver
from allears.link.recovery import Neural
from allears.link.sender import Sender, SenderConfig
from allears.link.statistics import Statistics
from allears.wire import rtcp
from allears.wire.loss import NoLoss
from allears.wire.report import Reporter

Address = tuple[str, int]


class LiveError(AllearsError):
    """A port, host or peer that a call cannot use; the message names it."""


@dataclass(slots=True)
class Outgoing:
    """What to send and where: `samples` at `config.rate`, `again` and again if asked.

    `network` worsens the way out on purpose: what it loses is not sent, what it delays is sent late.
    """

    samples: Float32[np.ndarray, " samples"]
    config: SenderConfig
    to: Address
    again: bool = False
    network: Network = field(default_factory=lambda: RandomNetwork(NoLoss(), random.Random()))


@dataclass(slots=True)
class Incoming:
    """Where to listen, at which `rate` to decode, and who takes the frames, every 20 ms one.

    The call ends `patience` seconds after the last packet, unless the sender said goodbye before;
    it waits for the first one as long as it takes. `neural` reads deep redundancy and guesses, `wait`
    is the delay in seconds kept for it: see `Receiver`.
    """

    listen: Address
    rate: int
    sink: Callable[[Frame], None]
    patience: float = 30.0
    neural: Neural | None = None
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How a live call stands: seconds since it began, packets sent, and the receiver's counts."""

    seconds: float
    sent: int
    received: Statistics | None
    delay: float | None
    target_delay: float | None


class LiveCall:
    """One call. `run` ends when both directions have; `stop` ends it at once, saying goodbye."""

    def __init__(
        self,
        outgoing: Outgoing | None,
        incoming: Incoming | None,
        *,
        seconds: float | None = None,
        report: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        if outgoing is None and incoming is None:
            raise LiveError("a call sends, listens, or both: say where to")
        self._outgoing, self._incoming = outgoing, incoming
        self._seconds, self._report = seconds, report
        self._receiver = _receiver(incoming) if incoming else None
        self._stopped = asyncio.Event()
        self._sent = 0
        self._refused = 0
        self._last_heard: float | None = None
        self._began = 0.0
        self._landed = 0.0  # when the last packet that a worsened network holds back is sent
        self._peer: Address | None = None
        self._heard_from: Address | None = None
        self._sender: Sender | None = None

    def stop(self) -> None:
        """End the call now."""
        self._stopped.set()

    async def run(self) -> Progress:
        """Hold the call. Raises LiveError where it cannot be held at all."""
        self._loop = asyncio.get_running_loop()
        self._transport = await self._open()
        self._began = self._loop.time()
        try:
            await self._hold()
        finally:
            self._transport.close()
        if self._outgoing and self._refused and not self._incoming and self._refused >= self._sent:
            host, port = self._outgoing.to
            raise LiveError(
                f"nobody listens at {host}:{port}: start `allears call --listen {port}` there first"
            )
        return self._progress()

    async def _hold(self) -> None:
        directions = [asyncio.create_task(self._report_every_second())]
        ends = []
        if self._outgoing:
            ends.append(asyncio.create_task(self._send(self._outgoing)))
        if self._incoming and self._receiver:
            ends.append(asyncio.create_task(self._listen(self._incoming, self._receiver, ends[:])))
        stopped = asyncio.create_task(self._stopped.wait())
        both = asyncio.gather(*ends)
        try:
            await asyncio.wait(
                (both, stopped), timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if both.done():
                both.result()
        finally:
            for task in (*directions, *ends, stopped):
                task.cancel()
            await asyncio.gather(both, *directions, stopped, return_exceptions=True)

    async def _open(self) -> asyncio.DatagramTransport:
        """One socket for both directions (RFC 4961), so that it passes most firewalls."""
        local = self._incoming.listen if self._incoming else None
        remote = self._outgoing.to if self._outgoing else None
        if local and remote:
            self._peer, remote = await self._resolve(remote), None
        # A socket for one peer only is connected: it is told where nobody listens there.
        try:
            transport, _ = await self._loop.create_datagram_endpoint(
                lambda: _Port(self), local_addr=local, remote_addr=remote
            )
        except OSError as error:
            raise LiveError(_why(error, local, remote)) from None
        return transport

    async def _resolve(self, address: Address) -> Address:
        try:
            found = await self._loop.getaddrinfo(*address, type=2, family=2)  # IPv4 datagrams
        except OSError as error:
            raise LiveError(_why(error, None, address)) from None
        host, port = found[0][4][:2]
        return str(host), int(port)

    async def _send(self, outgoing: Outgoing) -> None:
        sender = self._sender = Sender(outgoing.config, random.SystemRandom())
        size = sender.encoder.frame_size
        samples = np.concatenate((outgoing.samples, np.zeros(sender.encoder.lookahead, np.float32)))
        frames = 0
        try:
            while True:
                for start in range(0, len(samples), size):
                    frames += 1
                    due = self._began + frames * size / outgoing.config.rate
                    await asyncio.sleep(due - self._loop.time())
                    chunk = samples[start : start + size]
                    chunk = np.pad(chunk, (0, size - len(chunk)))
                    for packet in sender.push(chunk):
                        for arrival in outgoing.network(due):
                            self._landed = max(self._landed, arrival)
                            self._loop.call_at(arrival, self._transmit, bytes(packet))
                if not outgoing.again:
                    break
            await asyncio.sleep(self._landed - self._loop.time())
        finally:
            for _ in range(3):  # a goodbye may be lost, too
                self._transmit(rtcp.goodbye(sender.ssrc))

    def _transmit(self, datagram: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(datagram, self._peer)
            self._sent += not rtcp.is_rtcp(datagram)

    def _reply(self, datagram: bytes) -> None:
        """To the peer, or where there is none to whoever sends."""
        to = self._peer or self._heard_from
        if to and not self._transport.is_closing():
            self._transport.sendto(datagram, to)

    async def _listen(
        self, incoming: Incoming, receiver: Receiver, sending: list[asyncio.Task[None]]
    ) -> None:
        frames = 0
        while not receiver.ended or not all(task.done() for task in sending):
            frames += 1
            await asyncio.sleep(self._began + frames * FRAME_SECONDS - self._loop.time())
            frame = receiver.pull(self._loop.time())
            if report := receiver.report(self._loop.time()):
                self._reply(report)
            if frame.timestamp is not None:
                incoming.sink(frame)
            if all(task.done() for task in sending) and self._given_up(incoming.patience):
                return

    def _given_up(self, patience: float) -> bool:
        since = self._last_heard
        if since is None:
            if not self._outgoing:
                return False
            since = self._began
        return self._loop.time() - since > patience

    async def _report_every_second(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._report(self._progress())

    def _progress(self) -> Progress:
        now = self._loop.time()
        receiver = self._receiver
        return Progress(
            now - self._began,
            self._sent,
            receiver.statistics() if receiver else None,
            receiver.delay(now) if receiver else None,
            receiver.target_delay if receiver else None,
        )

    def _arrived(self, datagram: bytes, address: Address) -> None:
        if self._sender:
            self._sender.receive(datagram)
        self._heard_from = address
        if self._receiver:
            self._last_heard = self._loop.time()
            self._receiver.receive(datagram, self._last_heard)

    def _failed(self, error: OSError) -> None:
        if error.errno == errno.ECONNREFUSED:
            self._refused += 1


def _receiver(incoming: Incoming) -> Receiver:
    longest = 1.0 + incoming.wait
    reporter = Reporter(
        random.SystemRandom().getrandbits(32), f"{uuid.uuid4().hex}@allears.invalid"
    )
    return Receiver(
        incoming.rate,
        max_delay=longest,
        neural=incoming.neural,
        wait=incoming.wait,
        reporter=reporter,
    )


class _Port(asyncio.DatagramProtocol):
    def __init__(self, call: LiveCall) -> None:
        self._call = call

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._call._arrived(data, addr[:2])

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self._call._failed(exc)


def _why(error: OSError, local: Address | None, remote: Address | None) -> str:
    """One line for an address that cannot be used."""
    if error.errno == errno.EADDRINUSE and local:
        return f"port {local[1]} is in use: listen on another, or stop what listens there"
    if error.errno == errno.EACCES and local:
        return f"port {local[1]} needs privileges: listen on one above 1023"
    if remote:
        reason = error.strerror or str(error)
        return f"cannot reach {remote[0]}:{remote[1]}: {reason}; check the host's name and network"
    return (
        f"cannot listen on {local[0] if local else ''}: {error.strerror or error}; "
        "use an address of this machine"
    )
