"""How many transfers run at once: as many as the line needs, found out while they run.

A transfer is whatever is done with one object: a put, a get, a copy, a deletion, a verification.

- While a transfer waits for the server, this machine can work on others. The first limit follows from the
  round trip to the server, the next one from the duration of the first transfer, unless the server is
  overloaded by then.
- Then the limit doubles for as long as that yields more transfers a second.
- When the server reports that it is overloaded, the limit is halved, once for all transfers that were running
  at that moment. From then on it grows by an eighth at a time, up to the limit that was too high.
- The bytes under way and the number of open files are bounded as well.
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
"""Even the shortest line gets this many: several transfers share one write to the socket, and one read."""

MOST = 640
"""Never more at once, because each needs memory."""

BYTES_UNDER_WAY = 16 * 1024 * 1024
"""Bytes of all transfers under way."""

SMALL = 128 * 1024
"""A transfer of at most this many bytes is small. Large ones leave a quarter of the budget to small ones."""

_MOST_CONTENT = BYTES_UNDER_WAY // 4 - SMALL
"""The most that the content of one transfer counts for. Three, with ordinary records, fill three quarters."""

_OWN_WORK = 0.0002
"""Seconds of work that a small transfer takes on this machine, roughly."""

_FASTER = 1.1
"""The limit doubles while the rate grows at least by this factor."""

_CAREFUL = 8
"""After trouble the limit grows by this part of itself in each round: an eighth."""

_NOTHING = 0.0005
"""What ends within this many seconds did not ask the server: there was nothing to transfer."""

_RESERVED = 24
"""Descriptors that are left for everything but transfers."""


class Line(Protocol):
    """The connection that transfers use."""

    @property
    def troubles(self) -> int:
        """How often something had to be retried, for example because the server was overloaded."""

    @property
    def round_trip(self) -> float:
        """Seconds that the server took to answer while nothing else was going on."""


class _Group:
    """The small transfers or the large ones: bytes under way, and those that wait, in order."""

    def __init__(self) -> None:
        self.bytes = 0
        self.waiting: deque[tuple[asyncio.Future[None], int]] = deque()


class Pace:
    """Lets transfers begin in order, and learns the best limit from those that end.

    Args:
        jobs: a limit that the user set; None: find it out.
        descriptors: file descriptors that one transfer needs.
    """

    def __init__(self, jobs: int | None = None, line: Line | None = None, *, descriptors: int = 1) -> None:
        self.most = max(1, min(jobs or MOST, spare_descriptors() // descriptors))
        """The highest limit that is possible."""
        self.limit = self.most
        """How many transfers may run at once now."""
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
        """Transfers that have ended in this round, and when the round began."""
        self._struck = 0
        """How many of the transfers that ran at the last trouble still run: theirs is the same trouble."""
        self._ceiling: int | None = None
        """The limit that was too high for the server."""
        if self._growing:
            self._set_limit(_worth(line.round_trip if line is not None else 0.0))

    async def begin(self, size: int, held: int = 0) -> int:
        """Wait until a transfer may begin; return its weight, for `end`.

        Args:
            size: bytes of its content, of which only a part is in memory at a time.
            held: bytes that it holds in memory all the time.
        """
        weight = min(size, _MOST_CONTENT) + held
        group = self._group(weight)
        if group.waiting or not self._fits(weight):
            permit = asyncio.get_running_loop().create_future()
            group.waiting.append((permit, weight))
            try:
                await permit
            except asyncio.CancelledError:
                if permit.done() and not permit.cancelled():
                    self._leave(weight)
                else:
                    group.waiting.remove((permit, weight))
                raise
        else:
            self._enter(weight)
        return weight

    def end(self, weight: int, seconds: float) -> None:
        """Note that a transfer has ended, and how many seconds it took."""
        if self._growing and seconds > _NOTHING:
            self._learn(seconds)
        self._leave(weight)

    def _learn(self, seconds: float) -> None:
        now = time.monotonic()
        self._struck = max(0, self._struck - 1)
        self._ended += 1
        elapsed, first = now - self._since, not self._latency
        if first:
            self._latency = seconds
        if self._line is not None and self._line.troubles != self._seen:
            self._seen = self._line.troubles
            if not self._struck:
                self._struck, self._ceiling = self._running, self.limit
                self._set_limit(self.limit // 2)
        elif first:
            self._set_limit(max(self.limit, _worth(seconds)))
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
        """Return whether a transfer may begin. While a large one waits, small ones keep to their quarter."""
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
                permit, next_weight = group.waiting.popleft()
                if not permit.done():
                    self._enter(next_weight)
                    permit.set_result(None)


def _worth(seconds: float) -> int:
    """Return how many small transfers this machine can work on in this many seconds."""
    return max(LEAST, int(seconds / _OWN_WORK))


def spare_descriptors() -> int:
    """Return how many more files may be opened, less a reserve."""
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
