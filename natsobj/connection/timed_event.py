"""An event that is waited for only so long: half as dear as `asyncio.Event` below `asyncio.timeout`."""

from __future__ import annotations

import asyncio

__all__ = ["TimedEvent"]


class TimedEvent:
    """As `asyncio.Event`; `wait` takes the seconds after which it returns at the latest."""

    def __init__(self) -> None:
        self._set = False
        self._waiting: list[asyncio.Future[bool]] = []

    def set(self) -> None:
        """Note that it has happened, and wake who waits."""
        self._set = True
        for waiting in self._waiting:
            _end(waiting, True)

    def clear(self) -> None:
        """Begin anew: it has not happened."""
        self._set = False

    async def wait(self, seconds: float) -> bool:
        """Return whether it has happened, or happens within so many seconds."""
        if self._set:
            return True
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(seconds, _end, waiting, False)
        self._waiting.append(waiting)
        try:
            return await waiting
        finally:
            timer.cancel()
            self._waiting.remove(waiting)


def _end(waiting: asyncio.Future[bool], happened: bool, /) -> None:
    if not waiting.done():
        waiting.set_result(happened)
