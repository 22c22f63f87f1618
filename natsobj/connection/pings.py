"""Signs of life that are asked for, for where nobody waits for anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Pings"]

_UNANSWERED = 6
"""Pings without an answer, after which a server is gone: on a slow line they wait behind what is sent."""


class Pings:
    """One ping each interval.

    Args:
        ping: sends one.
        gone: is called when none is answered any more.
    """

    def __init__(self, interval: float, ping: Callable[[], None], gone: Callable[[], None]) -> None:
        self._interval = interval
        self._ping = ping
        self._gone = gone
        self._unanswered = 0
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Send the first one after an interval."""
        self._next = asyncio.get_running_loop().call_later(self._interval, self._send)

    def answered(self) -> None:
        """Note that the server is there."""
        self._unanswered = 0

    def stop(self) -> None:
        """Send no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _send(self) -> None:
        if self._unanswered >= _UNANSWERED:
            self._gone()
            return
        self._unanswered += 1
        self._ping()
        self.start()
