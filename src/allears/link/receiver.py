"""The receiving end of a call: packets and a time in, a frame of 20 ms out at every pull. No I/O.

At each pull the media position moves on by one frame. What stands there is played; a hole is filled
from a later packet that is already here and carries a copy or features of it, else guessed at once:
nothing waits for a packet that may never come. Where nothing later is here either, the network may only
be slow: if the missing packets do come, playing resumes where it stopped and the delay grows by that
much. Were they lost, and the packet after the burst carries what they said, playing goes back just so
and says it. How far behind the fastest packets to play is learnt from how late packets are and from how
far back their redundancy reaches; one period of the voice put in or taken out keeps to it.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from allears.audio.libopus import DTX_BYTES, OpusError
from allears.link import stretch
from allears.link.decoding import SpeechDecoder
from allears.link.entry import Entry
from allears.link.frame import FRAME_SECONDS, Frame, Label
from allears.link.pace import Pace
from allears.link.playout import Playout
from allears.link.recovery import DeepRedundancy, Neural, Told, nothing
from allears.link.sender import OPUS_PAYLOAD_TYPE, RED_PAYLOAD_TYPE
from allears.link.source import Accepted, Source
from allears.link.statistics import Statistics, Tally
from allears.wire import rtcp
from allears.wire.errors import ParseError
from allears.wire.jitter import JitterBuffer
from allears.wire.opus import CLOCK_RATE
from allears.wire.red import RedBlock, RedPayload
from allears.wire.report import Reporter
from allears.wire.rtp import RtpPacket, difference

QUANTUM = CLOCK_RATE // 400
"""Opus' shortest frame, 2.5 ms in ticks: a hole is filled in multiples of it."""

WORTH = 2 * CLOCK_RATE // 50
"""Ticks that must have been guessed before it is worth it to go back and say them: 40 ms."""


class Receiver:
    """One incoming stream, decoded at `rate` Hz.

    `min_delay` and `max_delay` (seconds) bound the delay behind the fastest packets; what redundancy
    needs counts within. `start` is the stream's first timestamp (32 bits) where it is
    known beforehand: then a lost beginning is noticed.

    `neural` reads deep redundancy and speaks what it tells, or guesses; without it there is neither.
    Deep redundancy comes when a burst is over, so somebody has to wait. Either always: `wait` seconds of
    delay are kept while packets carry it, and bursts up to that long are rebuilt before their time has
    come. Or, with `rewind`, when it happens: what outlasts the delay is guessed until the next packet is
    here; then playing goes back to where the burst began, as far as `max_delay` allows, says what was
    said, and hurries back to its target.
    """

    def __init__(
        self,
        rate: int,
        *,
        min_delay: float = 0.04,
        max_delay: float = 1.0,
        start: int | None = None,
        neural: Neural | None = None,
        wait: float = 0.0,
        rewind: bool = True,
        reporter: Reporter | None = None,
    ) -> None:
        self.rate = rate
        self._bounds = min_delay, max_delay
        self._wait, self._rewinds = int(wait * CLOCK_RATE), rewind
        self._ticks_per_sample = CLOCK_RATE // rate
        self._source = Source()
        self.reporter = reporter
        self._tally = Tally()
        self._playout = Playout(rate)
        self._deep = DeepRedundancy(neural, self._tally) if neural else None
        self._decoder = SpeechDecoder(rate, neural)
        self._start = start
        self._reset()

    def _reset(self) -> None:
        self._buffer: JitterBuffer[Entry] = JitterBuffer()
        self._pace = Pace(*self._bounds)
        self._position: int | None = None  # the next tick to decode
        self._stall: int | None = None  # where the position was when nothing more was here
        self._ticks = CLOCK_RATE // 50  # how long the last packet lasted
        self._sequence: int | None = None  # of the last packet played
        self._quiet = False  # whether the last packet said that nobody speaks
        self._departed = False
        self._tail: Float32[np.ndarray, " tail"] | None = None

    @property
    def target_delay(self) -> float:
        """Seconds behind the fastest packets at which this receiver would like to play."""
        return self._pace.target

    def delay(self, now: float) -> float | None:
        """Seconds behind the fastest packets at which it does play; None before the beginning."""
        if self._position is None:
            return None
        return self._pace.delay(self._next_heard(), now)

    @property
    def buffered(self) -> int:
        """How many packets and copies are waiting."""
        return len(self._buffer)

    @property
    def ended(self) -> bool:
        """Whether the sender has said goodbye and all it sent has been played."""
        return self._departed and not self.buffered and not self._playout.size

    def statistics(self) -> Statistics:
        """What has come in and gone out so far."""
        return self._tally.snapshot()

    def report(self, now: float) -> bytes | None:
        """What the sender is to be told now (RTCP), if it is time and there is a `reporter`."""
        compound = self.reporter.due(now) if self.reporter else None
        return None if compound is None else bytes(compound)

    def receive(self, datagram: bytes, now: float) -> None:
        """Take in a datagram that arrived at `now`; whatever is in it, this never raises."""
        try:
            if rtcp.is_rtcp(datagram):
                self._departed |= self._source.ssrc in rtcp.departed(datagram)
                return
            for accepted in self._source.accept(RtpPacket.parse(datagram)):
                self._accept(accepted, now)
        except ParseError:
            self._tally.malformed += 1

    def pull(self, now: float) -> Frame:
        """The next 20 ms. Call it every 20 ms of the clock that `now` is read from."""
        if self.ended:
            self._position = None
        if self._position is None and not self._begin(now):
            return self._idle()
        self._go_back(now)
        while self._playout.size < self._playout.frame_size:
            self._fade_out() if self._departed and not self.buffered else self._decode_next()
        if not self._departed:
            self._adapt(now)
        timestamp = self._next_heard()
        samples, label = self._playout.pop()
        if label.guessed and not samples.any():
            label = Label.SILENCE
        return self._frame(samples, label, timestamp)

    # What comes in

    def _accept(self, accepted: Accepted, now: float) -> None:
        packet, timestamp, sequence, begins = accepted
        if begins:
            self._restart()
        if packet.payload_type == OPUS_PAYLOAD_TYPE:
            red = RedPayload(OPUS_PAYLOAD_TYPE, packet.payload)
        elif packet.payload_type == RED_PAYLOAD_TYPE:
            red = RedPayload.parse(packet.payload)
        else:
            self._tally.ignored += 1
            return
        entry = Entry.read(red.primary, timestamp, sequence)
        if not self._tally.arrived(sequence):
            return
        if self.reporter:
            self.reporter.received(packet.ssrc, sequence, timestamp, now)
        if self._deep:
            entry = replace(entry, deep=self._deep.find(entry.payload, timestamp))
        self._pace.arrived(timestamp, now, self._reach(entry, red))
        if not self._offer(entry) and not self._rewind(entry, now):
            self._tally.late += 1
        for block in _copies(red):
            self._offer_copy(timestamp, block)

    def _reach(self, entry: Entry, red: RedPayload) -> int:
        """How many ticks back a packet's redundancy reaches, as far as it is waited for."""
        lbrr, deep = entry.frame_ticks * entry.lbrr, self._wait * (entry.deep is not None)
        return max(lbrr, deep, *(block.offset for block in _copies(red)))

    def _offer_copy(self, timestamp: int, block: RedBlock) -> None:
        """Keep a copy that came in the packet of `timestamp`, if it may still be needed."""
        then = timestamp - block.offset
        played = self._position is not None and then < self._position
        if played or self._buffer.get(then) is not None:
            return
        try:
            self._offer(Entry.read(block.data, then, None))
        except ParseError:
            self._tally.malformed += 1

    def _offer(self, entry: Entry) -> bool:
        """Keep `entry` unless its time has passed; a copy never replaces the packet itself."""
        if self._position is not None and entry.timestamp < self._position:
            return False
        kept = self._buffer.get(entry.timestamp)
        if kept is not None and kept.label is Label.RECEIVED:
            return True
        return self._buffer.insert(entry.timestamp, entry)

    def _rewind(self, entry: Entry, now: float) -> bool:
        """Go back to a packet that is late only because all are: nothing newer has been played."""
        if self._stall is None or entry.timestamp < self._stall:
            return False
        if self._pace.delay(entry.timestamp, now) > self._pace.most:
            return False
        self._position = entry.timestamp
        return self._buffer.insert(entry.timestamp, entry)

    def _restart(self) -> None:
        """A stream begins: fade out what was heard of another and forget it."""
        self._tally.begin()
        if self._tally.streams == 1:
            return
        if self._position is not None:
            self._fade_out()
        self._decoder.reset()
        self._start = None
        self._reset()
        self._tail = np.zeros(int(stretch.FADE_SECONDS * self.rate), np.float32)

    # What goes out

    def _begin(self, now: float) -> bool:
        """Start to play once the first packet has waited as long as it should."""
        earliest = self._buffer.earliest
        if earliest is None:
            return False
        first = earliest
        if self._start is not None:
            first += difference(self._start, first & 0xFFFFFFFF, 32)
        past = self._pace.past(first, now)
        if past < -1e-6:
            return False
        # The silence so far stood in for what was lost before the first packet came.
        stood_in = int(past / FRAME_SECONDS) * int(CLOCK_RATE * FRAME_SECONDS)
        self._position = min(first + stood_in, earliest)
        entry = self._buffer.get(earliest)
        self._ticks = entry.ticks if entry else self._ticks
        return True

    def _idle(self) -> Frame:
        """A frame while nothing plays: what is left of another stream, or nothing."""
        if self._playout.size:
            return self._frame(*self._playout.pop(), None)
        silence = np.zeros(self._playout.frame_size, np.float32)
        return self._frame(silence, Label.SILENCE, None)

    def _fade_out(self) -> None:
        """Bring what is heard to silence, in whole frames."""
        tail, label = self._decoder.fill(CLOCK_RATE // 50, nothing)
        self._playout.push(stretch.fade(tail, np.zeros_like(tail)), label)
        missing = -self._playout.size % self._playout.frame_size
        self._playout.push(np.zeros(missing, np.float32), Label.SILENCE)
        if self._position is not None:
            self._position += (len(tail) + missing) * self._ticks_per_sample

    def _frame(
        self, samples: Float32[np.ndarray, " samples"], label: Label, timestamp: int | None
    ) -> Frame:
        self._tally.frames[label] += 1
        return Frame(samples, label, timestamp)

    def _next_heard(self) -> int:
        assert self._position is not None
        return self._position - self._playout.size * self._ticks_per_sample

    def _decode_next(self) -> None:
        """Put the next packet, or something in its place, into the playout queue."""
        assert self._position is not None
        self._buffer.drop_before(self._position)
        following = next(self._buffer.later(self._position), None)
        if following is None:
            self._fill_stall()
        elif following[0] == self._position:
            self._play(following[1])
        else:
            self._fill_hole(following[1])

    def _play(self, entry: Entry) -> None:
        assert self._position is not None
        self._buffer.take(entry.timestamp)
        self._position += entry.ticks
        self._ticks = entry.ticks
        self._stall = None
        try:
            samples = self._decoder.decode(entry.payload)
        except OpusError:
            self._tally.malformed += 1
            self._push(*self._decoder.fill(entry.ticks, nothing))
            return
        self._quiet = len(entry.payload) <= DTX_BYTES
        if entry.sequence is not None:
            self._sequence = entry.sequence
        self._push(samples, Label.SILENCE if self._quiet else entry.label)

    def _fill_hole(self, following: Entry) -> None:
        """Something for the time before `following`, which is here already."""
        assert self._position is not None
        gap = following.timestamp - self._position
        if gap < QUANTUM:
            self._position = following.timestamp
            return
        # What is not a whole packet comes first, so that the last piece is as long as its copy.
        ticks = (gap % self._ticks or self._ticks) // QUANTUM * QUANTUM or QUANTUM
        lbrr = ticks == gap and following.lbrr and ticks >= following.frame_ticks
        begin = self._position
        self._position += ticks
        self._stall = None
        if self._pauses(following, gap):
            self._push(self._decoder.conceal(ticks), Label.SILENCE)
        elif lbrr:
            self._push(self._decoder.decode_fec(following.payload, ticks), Label.LBRR)
        else:
            self._push(*self._decoder.fill(ticks, self._told(begin)))

    def _pauses(self, following: Entry, gap: int) -> bool:
        """Whether nobody spoke in the `gap` ticks before `following`, but for what was lost of them."""
        lost = self._lost_before(following)
        if self._quiet:
            return self._deep is None or lost is None or gap > lost
        return lost == 0

    def _lost_before(self, following: Entry) -> int | None:
        """Ticks that were lost between what was played last and `following`, where numbers tell."""
        if self._sequence is None or following.sequence is None:
            return None
        return (following.sequence - self._sequence - 1) * self._ticks

    def _fill_stall(self) -> None:
        """Something while nothing is here: a pause, a burst, or a network that stands still."""
        assert self._position is not None
        if self._stall is None:
            self._stall = self._position
        self._position += self._ticks
        if self._quiet:
            self._push(self._decoder.conceal(self._ticks), Label.SILENCE)
        else:
            self._push(*self._decoder.fill(self._ticks, nothing))

    def _told(self, position: int) -> Told:
        """What the packets that are here tell of the time around `position`."""
        return self._deep.about(position, self._buffer.later(position)) if self._deep else nothing

    def _go_back(self, now: float) -> None:
        """To where a burst began that was longer than the delay, if what was lost is known by now."""
        if self._deep is None or not self._rewinds or self._stall is None:
            return
        assert self._position is not None
        later = tuple(self._buffer.later(self._position))
        if not later:
            return
        timestamp, following = later[0]
        begin = max(self._stall, self._position - self._spare(now))
        if self._quiet or following.sequence is not None:
            begin = max(begin, timestamp - (self._lost_before(following) or 0))
        begin = self._deep.earliest(begin, self._position, later)
        if self._position - begin >= WORTH:
            self._position, self._stall = begin, None
            self._tally.rewinds += 1

    def _spare(self, now: float) -> int:
        """Ticks by which the delay may still grow."""
        spare = self._pace.most - self._pace.delay(self._next_heard(), now)
        return max(0, int(spare * 400)) * QUANTUM

    def _push(self, samples: Float32[np.ndarray, " samples"], label: Label) -> None:
        if self._tail is not None:
            samples = stretch.splice(self._tail, samples)
            self._tail = None
        self._playout.push(samples, label)

    # How fast it goes

    def _adapt(self, now: float) -> None:
        """Bring the delay back towards its target."""
        assert self._position is not None
        past = self._pace.past(self._next_heard(), now)
        if past > self._pace.most:
            self._jump(past)
        if self._pace.wants(past) and (self._playout.lengthen() if past < 0 else self._shorten()):
            self._pace.changed()

    def _shorten(self) -> int:
        """Take out a period, if enough is here to leave a whole frame."""
        enough = self._playout.frame_size + int(stretch.LONGEST * self.rate)
        while self._playout.size < enough:
            if self._position is None or self._buffer.get(self._position) is None:
                return 0
            self._decode_next()
        return self._playout.shorten()

    def _jump(self, past: float) -> None:
        """Leave out what is hopelessly behind, and fade into what follows."""
        assert self._position is not None
        self._tail = self._decoder.linger()
        self._position += int(past * 50) * (CLOCK_RATE // 50)
        self._tally.skipped += 1


def _copies(red: RedPayload) -> list[RedBlock]:
    """The blocks that hold Opus."""
    return [each for each in red.redundant if each.payload_type == OPUS_PAYLOAD_TYPE and each.data]
