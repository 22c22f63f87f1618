"""How many transfers at once: as many as the line needs, found out while they run.

While a transfer waits for answers, this machine could work on others. So the first one that ends says how
many that are; then their number doubles for as long as that makes them faster. What is bounded are the bytes
under way and the open files, and a server that is asked too much is asked half.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from typing import Protocol

__all__ = ["Pace", "spare_descriptors"]

FIRST = 32
"""Transfers at once until the first one has ended."""

LEAST = 64
"""As few on the shortest line: several share one write to the socket, and one read."""

MOST = 640
"""Each needs memory, too."""

BYTES_UNDER_WAY = 16 * 1024 * 1024
"""Bytes of all that is under way; one transfer counts for a quarter of it at most."""

_OWN_WORK = 0.0002
"""Seconds that this machine works on a small transfer, about."""

_FASTER = 1.1
"""Times as many a second that make it worth while to double the number."""

_NOTHING = 0.0005
"""Seconds in which no server has answered: there was nothing to transfer."""

_RESERVED = 24
"""Descriptors for everything but the transfers."""


class Line(Protocol):
    """What transfers go over."""

    troubles: int
    """Answers of a server that is asked too much, and what else had to be tried again."""


class Pace:
    """Lets transfers begin, in order, and learns from those that end.

    Args:
        jobs: the most at once that somebody wants; None leaves it to what is measured.
        descriptors: that one transfer needs.
    """

    def __init__(self, jobs: int | None = None, line: Line | None = None, *, descriptors: int = 1) -> None:
        self.most = max(1, min(jobs or MOST, spare_descriptors() // descriptors))
        """Transfers that there may ever be at once."""
        self.limit = self.most if jobs else min(FIRST, self.most)
        """Transfers that there may be at once now."""
        self._growing = jobs is None
        self._line = line
        self._seen = line.troubles if line is not None else 0
        self._running = 0
        self._bytes = 0
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self._latency = 0.0
        """Seconds that the first transfer took."""
        self._best = 0.0
        """The most transfers a second so far."""
        self._ended, self._since = 0, 0.0
        """Transfers that have ended in this round, and when it began."""

    async def begin(self, size: int) -> int:
        """Wait for the turn of a transfer of that many bytes, and return what to `end` it with."""
        weight = min(size, BYTES_UNDER_WAY // 4)
        if self._waiting or not self._fits(weight):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append((turn, weight))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave(weight)
                else:
                    self._waiting.remove((turn, weight))
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
        if not self._latency:
            self._latency, self._since = seconds, now
            self._set_limit(max(LEAST, int(seconds / _OWN_WORK)))
            return
        self._ended += 1
        elapsed = now - self._since
        if self._line is not None and self._line.troubles != self._seen:
            self._seen = self._line.troubles
            self._set_limit(self.limit // 2)
        elif self._ended >= self.limit and elapsed >= self._latency:
            rate = self._ended / elapsed
            if rate > self._best * _FASTER:
                self._set_limit(self.limit * 2)
            self._best = max(self._best, rate)
        else:
            return
        self._ended, self._since = 0, now

    def _set_limit(self, limit: int) -> None:
        self.limit = max(1, min(limit, self.most))

    def _fits(self, weight: int) -> bool:
        return self._running < self.limit and (not self._running or self._bytes + weight <= BYTES_UNDER_WAY)

    def _enter(self, weight: int) -> None:
        self._running += 1
        self._bytes += weight

    def _leave(self, weight: int) -> None:
        self._running -= 1
        self._bytes -= weight
        while self._waiting and self._fits(self._waiting[0][1]):
            turn, next_weight = self._waiting.popleft()
            if not turn.done():
                self._enter(next_weight)
                turn.set_result(None)


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
