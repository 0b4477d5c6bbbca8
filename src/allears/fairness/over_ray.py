"""The same reading over many machines: a file, or a stretch of a Parquet file, is a task of a Ray cluster.

Parts come back as whole numbers and add up exactly, so the sums are bit for bit those of one machine. All
machines must see the files under the same paths.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Int64

from allears.fairness import pairing, reduction
from allears.fairness.checking import Work
from allears.fairness.pairing import Paired, Side
from allears.fairness.reduction import Part
from allears.fairness.refusal import AuditError
from allears.fairness.tables import engine

AT_ONCE = 2_000_000
"""Rows of a task, where a file can be read from its middle."""
PATIENCE = 10.0
"""Seconds that the head of a cluster has to answer."""
TOGETHER = 8
"""Parts that are added in one task."""
SLICES = 64
"""Most slices into which two systems' rows are dealt to be joined."""


class Cluster:
    """Carries out the parts of a reading on the Ray cluster that this process is connected to."""

    def __init__(self, rows: int = AT_ONCE) -> None:
        self._ray = _ray()
        self._rows = rows

    def each(self, function: Callable[..., Any], works: Sequence[Work], *rest: Any) -> list[Any]:
        """See `reading.Runner`; in the order of the rows."""
        task = self._ray.remote(function)
        shared = [self._ray.put(value) for value in rest]
        return self._found([task.remote(work, *shared, threads=1) for work in self._parts(works)])

    def merged(self, works: Sequence[Work], surplus: Int64[np.ndarray, " rows"]) -> Part:
        """See `reading.Runner`; parts are added by eights, on the cluster too."""
        task, shared = self._ray.remote(reduction.reduced), self._ray.put(surplus)
        waiting = [task.remote(work, shared, threads=1) for work in self._parts(works)]
        part: Part = self._added(waiting, _added)
        return part

    def paired(self, ours: Side, theirs: Side) -> Paired:
        """See `reading.Runner`; rows are dealt into slices, each joined in a task of its own."""
        parts = [list(self._parts(each.works)) for each in (ours, theirs)]
        number = min(max(map(len, parts)), SLICES)
        task = self._ray.remote(pairing.slices).options(num_returns=number)
        dealt = []
        for some, each in zip(parts, (ours, theirs), strict=True):
            side = self._ray.put(each)
            found = [task.remote(work, side, number, threads=1) for work in some]
            dealt += [one if number > 1 else [one] for one in found]
        join = self._ray.remote(pairing.joined_slice)
        waiting = [
            join.remote(ours.works[0], len(parts[0]), *slices, threads=1)
            for slices in zip(*dealt, strict=True)
        ]
        paired: Paired = self._added(waiting, pairing.together)
        return paired

    def _added(self, waiting: list[Any], function: Callable[..., Any]) -> Any:
        """What tasks come to, added by eights on the cluster."""
        add = self._ray.remote(function)
        while len(waiting) > 1:
            waiting = [
                add.remote(*waiting[begin : begin + TOGETHER])
                for begin in range(0, len(waiting), TOGETHER)
            ]
        return self._found(waiting)[0]

    def _parts(self, works: Sequence[Work]) -> Iterator[Work]:
        """Parquet files in stretches, others as they are."""
        for work in works:
            if work.table.form != "parquet":
                yield work
                continue
            with engine(1) as connection:
                rows = connection.execute(f"SELECT count(*) FROM {work.source}").fetchall()[0][0]
            for begin in range(0, max(rows, 1), self._rows):
                yield replace(work, begin=begin, end=min(begin + self._rows, max(rows, 1)))

    def _found(self, waiting: list[Any]) -> list[Any]:
        try:
            return list(self._ray.get(waiting))
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, AuditError):
                raise AuditError(str(error.cause)) from None
            raise


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """The cluster at an address as Ray knows them (`auto`, `host:6379`, `ray://host:10001`, `local`)."""
    ray = _ray()
    _reached(address)
    try:
        ray.init(address=address, include_dashboard=None, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise AuditError(
            f"no Ray cluster at {address} ({error}); if it asks for a token, set RAY_AUTH_MODE=token"
        ) from None
    try:
        yield Cluster()
    finally:
        ray.shutdown()


def _reached(address: str) -> None:
    """Raises AuditError where nobody listens at `host:port`: Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # a name such as `auto`, which Ray looks up on this machine
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise AuditError(f"no Ray cluster at {address} ({error}); is its head running?") from None


def _added(*parts: Part) -> Part:
    return reduction.merged(parts)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise AuditError("an audit over a cluster needs Ray: install allears[ray]") from None
    return ray
