"""A jitter buffer: packets in any order, media in time order, and how long it is wise to wait.

It knows timestamps and arrival times, no audio. Times are seconds of any one clock that does not jump;
timestamps are unwrapped ticks of `CLOCK_RATE`. Two parts: `JitterBuffer` keeps what has not been played
yet, and lets a later packet be seen while an earlier one is missing; `DelayEstimator` says by how much
packets lag the fastest ones, whatever the drift between the two ends' clocks.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from allears.wire.opus import CLOCK_RATE

Item = TypeVar("Item")


class JitterBuffer(Generic[Item]):
    """Items by timestamp, each to be taken once.

    `capacity` bounds how many are kept: beyond it the newest ones are refused, since the oldest are the
    ones due.
    """

    def __init__(self, capacity: int = 1000) -> None:
        self._capacity = capacity
        self._items: dict[int, Item] = {}
        self._timestamps: list[int] = []

    def __len__(self) -> int:
        return len(self._timestamps)

    @property
    def earliest(self) -> int | None:
        """The oldest timestamp kept."""
        return self._timestamps[0] if self._timestamps else None

    def insert(self, timestamp: int, item: Item) -> bool:
        """Keep an item, in place of any other with that timestamp. False where there is no room."""
        if timestamp not in self._items:
            if len(self._timestamps) >= self._capacity:
                return False
            insort(self._timestamps, timestamp)
        self._items[timestamp] = item
        return True

    def get(self, timestamp: int) -> Item | None:
        """The item of exactly that timestamp, left in place."""
        return self._items.get(timestamp)

    def take(self, timestamp: int) -> Item | None:
        """The item of exactly that timestamp, no longer kept; whatever is older goes with it."""
        item = self._items.get(timestamp)
        self.drop_before(timestamp + 1)
        return item

    def later(self, timestamp: int) -> Iterator[tuple[int, Item]]:
        """Timestamps and items from `timestamp` on, earliest first: what may fill an earlier hole."""
        for at in range(bisect_left(self._timestamps, timestamp), len(self._timestamps)):
            yield self._timestamps[at], self._items[self._timestamps[at]]

    def drop_before(self, timestamp: int) -> int:
        """Forget items older than `timestamp`: they cannot matter any more. Returns how many."""
        count = bisect_left(self._timestamps, timestamp)
        for old in self._timestamps[:count]:
            del self._items[old]
        del self._timestamps[:count]
        return count

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self._timestamps.clear()


class DelayEstimator:
    """How late packets are, relative to the fastest of the last `window` seconds.

    Transit is arrival minus timestamp; its offset is unknown and drifts with the clocks, so only
    differences to its windowed minimum (`fastest`) mean anything. `quantile` of the last `memory`
    lags is what a buffer must bridge to have that share of packets in time.
    """

    def __init__(self, window: float = 10.0, memory: int = 500, quantile: float = 0.97) -> None:
        self._window = window
        self._memory = memory
        self._quantile = quantile
        self._minima: deque[tuple[float, float]] = deque()  # (arrival, transit), transit rising
        self._lags: deque[float] = deque()
        self._sorted: list[float] = []

    def update(self, timestamp: int, arrival: float) -> None:
        """Take in one packet."""
        transit = arrival - timestamp / CLOCK_RATE
        minima = self._minima
        while minima and minima[-1][1] >= transit:
            minima.pop()
        minima.append((arrival, transit))
        while minima[0][0] < arrival - self._window:
            minima.popleft()
        lag = transit - minima[0][1]
        self._lags.append(lag)
        insort(self._sorted, lag)
        if len(self._lags) > self._memory:
            del self._sorted[bisect_left(self._sorted, self._lags.popleft())]

    @property
    def known(self) -> bool:
        """Whether any packet was seen."""
        return bool(self._minima)

    @property
    def fastest(self) -> float:
        """The transit in seconds of the fastest packet in the window."""
        return self._minima[0][1]

    @property
    def lag(self) -> float:
        """The quantile of the lags, in seconds."""
        if not self._sorted:
            return 0.0
        return self._sorted[int(self._quantile * (len(self._sorted) - 1))]

    def delay(self, timestamp: float, now: float) -> float:
        """How long after the fastest packets' arrival the sample at `timestamp` is played `now`."""
        return now - timestamp / CLOCK_RATE - self.fastest
