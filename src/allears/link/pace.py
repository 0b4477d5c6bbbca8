"""How far behind the fastest packets a receiver plays, where it would like to be, and how it gets there."""

from allears.wire.jitter import DelayEstimator
from allears.wire.opus import CLOCK_RATE

TOO_LATE, TOO_EARLY = 0.0201, 0.010
"""Seconds by which the delay may pass its target, or fall short, before playing adapts."""

STRETCH_PAUSE = 5
"""Frames between two changes of speed, so that none is heard: at most a tenth faster or slower."""

HURRY = 0.2
"""Seconds past the target from which every frame may be shortened."""

BELIEVED = 10 * CLOCK_RATE
"""Ticks for which the furthest reach of redundancy is believed to come again."""


class Pace:
    """Of one stream. `least` and `most` (seconds) bound the delay; what redundancy needs counts within."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self.most = least, most
        self._estimator = DelayEstimator()
        self._reach = self._reach_since = 0  # how far back redundancy reaches, and as of when
        self._frames = 0  # since the speed was last changed

    @property
    def target(self) -> float:
        """Seconds behind the fastest packets at which to play."""
        return min(max(self._least, self._estimator.lag + self._reach / CLOCK_RATE), self.most)

    def arrived(self, timestamp: int, now: float, reach: int) -> None:
        """A packet came whose redundancy reaches back so many ticks."""
        self._estimator.update(timestamp, now)
        if reach >= self._reach or timestamp - self._reach_since > BELIEVED:
            self._reach, self._reach_since = reach, timestamp

    def delay(self, timestamp: float, now: float) -> float:
        """Seconds behind the fastest packets at which the sample at `timestamp` is played `now`."""
        return self._estimator.delay(timestamp, now)

    def past(self, timestamp: float, now: float) -> float:
        """The same, seconds past the target."""
        return self.delay(timestamp, now) - self.target

    def wants(self, past: float) -> bool:
        """Asked once a frame: whether to change the speed, `past` seconds past the target."""
        self._frames += 1
        if -TOO_EARLY <= past <= TOO_LATE:
            return False
        return self._frames >= STRETCH_PAUSE or past >= HURRY

    def changed(self) -> None:
        """The speed was changed."""
        self._frames = 0
