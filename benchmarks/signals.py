"""Signals that end the run: as an exception, so that what is open is tidied up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupted", "handled", "held"]

_received: list[int] = []
_holds: list[bool] = []


class Interrupted(BaseException):
    """A signal came, the only one that counts: later ones would disturb the tidying up."""


@contextmanager
def handled() -> Iterator[list[int]]:
    """Raise Interrupted at the first signal that would end this process; give what was received."""
    endings = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(number: int, _frame: FrameType | None) -> None:
        for each in endings:
            signal.signal(each, signal.SIG_IGN)
        _received.append(number)
        if not _holds:
            raise Interrupted

    before = {each: signal.signal(each, end) for each in endings}
    try:
        yield _received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def held() -> Iterator[None]:
    """Let a signal wait while something is made, such as a process, and its end is arranged."""
    _holds.append(True)
    try:
        yield
    finally:
        _holds.pop()
    if _received:
        raise Interrupted
