"""How many transfers at once: as many as the line needs, found out while they run.

While a transfer waits for answers, this machine could work on others. How many those are, the way to the
server says, and then the first transfer that ends; their number doubles for as long as that makes them
faster. What is bounded are the bytes under way and the open files. A server that is asked too much is asked
half, once for all that it refused at that moment, and from then on carefully more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from typing import Protocol

__all__ = ["Pace", "spare_descriptors"]

LEAST = 64
"""As few on the shortest line: several share one write to the socket, and one read."""

MOST = 640
"""Each needs memory, too."""

BYTES_UNDER_WAY = 16 * 1024 * 1024
"""Bytes of all that is under way; the content of one transfer counts for a quarter of it at most."""

SMALL = 128 * 1024
"""Bytes up to which a transfer is small; large ones leave a quarter of what may be under way to those."""

_OWN_WORK = 0.0002
"""Seconds that this machine works on a small transfer, about."""

_FASTER = 1.1
"""Times as many a second that make it worth while to double the number."""

_CAREFUL = 8
"""The part that is added in each round behind trouble: an eighth."""

_NOTHING = 0.0005
"""Seconds in which no server has answered: there was nothing to transfer."""

_RESERVED = 24
"""Descriptors for everything but the transfers."""


class Line(Protocol):
    """What transfers go over."""

    @property
    def troubles(self) -> int:
        """Answers of a server that is asked too much, and what else had to be tried again."""

    @property
    def round_trip(self) -> float:
        """Seconds that the server took to answer when there was nothing else to do."""


class _Group:
    """The small transfers, or the large ones: those under way and those that wait, in order."""

    def __init__(self) -> None:
        self.bytes = 0
        self.waiting: deque[tuple[asyncio.Future[None], int]] = deque()


class Pace:
    """Lets transfers begin, in order, and learns from those that end.

    Args:
        jobs: the most at once that somebody wants; None leaves it to what is measured.
        descriptors: that one transfer needs.
    """

    def __init__(self, jobs: int | None = None, line: Line | None = None, *, descriptors: int = 1) -> None:
        self.most = max(1, min(jobs or MOST, spare_descriptors() // descriptors))
        """Transfers that there may ever be at once."""
        self.limit = self.most
        """Transfers that there may be at once now."""
        self._growing = jobs is None
        self._line = line
        self._seen = line.troubles if line is not None else 0
        self._running = 0
        self._small, self._large = _Group(), _Group()
        self._latency = 0.0
        """Seconds that the first transfer took."""
        self._best = 0.0
        """The most transfers a second so far."""
        self._ended, self._since = 0, 0.0
        """Transfers that have ended in this round, and when it began."""
        self._struck = 0
        """Transfers still under way of those that were when there was trouble: theirs is the same one."""
        self._ceiling: int | None = None
        """Transfers at once that were too many for the server."""
        if self._growing:
            self._set_limit(_worth(line.round_trip if line is not None else 0.0))

    async def begin(self, size: int, held: int = 0) -> int:
        """Wait for the turn of a transfer, and return what to `end` it with.

        Args:
            size: bytes of its content, of which a part is in memory at a time.
            held: bytes of it that are in memory all the while.
        """
        weight = min(size, BYTES_UNDER_WAY // 4) + held
        group = self._group(weight)
        if group.waiting or not self._fits(weight):
            turn = asyncio.get_running_loop().create_future()
            group.waiting.append((turn, weight))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave(weight)
                else:
                    group.waiting.remove((turn, weight))
                raise
        else:
            self._enter(weight)
        return weight

    def end(self, weight: int, seconds: float) -> None:
        """Count a transfer as ended, after that many seconds."""
        if self._growing and seconds > _NOTHING:
            self._learn(seconds)
        self._leave(weight)

    def _learn(self, seconds: float) -> None:
        now = time.monotonic()
        self._struck = max(0, self._struck - 1)
        if not self._latency:
            self._latency, self._since = seconds, now
            self._set_limit(max(self.limit, _worth(seconds)))
            return
        self._ended += 1
        elapsed = now - self._since
        if self._line is not None and self._line.troubles != self._seen:
            self._seen = self._line.troubles
            if not self._struck:
                self._struck, self._ceiling = self._running, self.limit
                self._set_limit(self.limit // 2)
        elif self._ended >= self.limit and elapsed >= self._latency:
            self._grow(self._ended / elapsed)
        else:
            return
        self._ended, self._since = 0, now

    def _grow(self, rate: float) -> None:
        if self._ceiling is not None:
            self._set_limit(min(self.limit + max(1, self.limit // _CAREFUL), self._ceiling))
        elif rate > self._best * _FASTER:
            self._set_limit(self.limit * 2)
        self._best = max(self._best, rate)

    def _set_limit(self, limit: int) -> None:
        self.limit = max(1, min(limit, self.most))

    def _group(self, weight: int) -> _Group:
        return self._small if weight <= SMALL else self._large

    def _fits(self, weight: int) -> bool:
        """Say whether a transfer may begin; while a large one waits, small ones keep to their quarter."""
        if self._running >= self.limit:
            return False
        small, large, quarter = self._small, self._large, BYTES_UNDER_WAY // 4
        if weight > SMALL:
            if not large.bytes:
                return small.bytes <= quarter
            most, bytes_under_way = BYTES_UNDER_WAY - max(quarter, small.bytes), large.bytes
        elif large.waiting:
            most, bytes_under_way = quarter, small.bytes
        else:
            most, bytes_under_way = BYTES_UNDER_WAY - large.bytes, small.bytes
        return bytes_under_way + weight <= most or not self._running

    def _enter(self, weight: int) -> None:
        self._running += 1
        self._group(weight).bytes += weight

    def _leave(self, weight: int) -> None:
        self._running -= 1
        self._group(weight).bytes -= weight
        for group in (self._large, self._small):
            while group.waiting and self._fits(group.waiting[0][1]):
                turn, next_weight = group.waiting.popleft()
                if not turn.done():
                    self._enter(next_weight)
                    turn.set_result(None)


def _worth(seconds: float) -> int:
    """Return how many transfers this machine could work on in that time."""
    return max(LEAST, int(seconds / _OWN_WORK))


def spare_descriptors() -> int:
    """Return how many more files may be open, some being left for others."""
    try:
        import resource
    except ImportError:  # Windows
        return MOST
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return 1 << 20
    used = 32
    with contextlib.suppress(OSError):
        used = len(os.listdir("/dev/fd"))
    return max(1, limit - used - _RESERVED)
