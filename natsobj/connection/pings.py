"""Pings: they notice a dead server when nothing else is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Pings"]

_UNANSWERED = 6
"""Unanswered pings after which the server is gone. Not one: on a slow line they queue behind data."""


class Pings:
    """Sends one ping each interval.

    Args:
        ping: sends one.
        gone: is called when pings are not answered any more.
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
