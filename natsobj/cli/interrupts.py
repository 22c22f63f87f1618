"""SIGINT and SIGTERM: the first one cancels what runs, the second one ends the program at once."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from natsobj.cli.exits import SIGNALLED

if TYPE_CHECKING:
    import asyncio

__all__ = ["Interrupts", "interrupts"]

_UNSETTLED = (
    "ended before the server had answered: what was being changed may be changed or not, "
    "and chunks may be left over (natsobj gc BUCKET removes them)"
)
_NOTED_WITHIN = 0.2


class Interrupts:
    """Which signal came, and what it does.

    Cleaning up after the first one gets `limit` seconds: what still waits when most of them are gone is
    cancelled once more, so that local files are tidied at least, and in the end the program leaves.
    """

    limit = 5.0

    def __init__(self) -> None:
        self._number = 0
        self._cancel: Callable[[], object] | None = None

    @property
    def status(self) -> int:
        """The exit status for the signal that came, 0 for none."""
        return SIGNALLED + self._number if self._number else 0

    def install(self) -> None:
        """Take both signals over, also where the program was started with one of them ignored."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._number or self._cancel is None:
            os._exit(SIGNALLED + number)
        self._number = number
        import threading

        timer = threading.Timer(self.limit, self._leave)
        timer.daemon = True
        timer.start()
        self._cancel()

    def _leave(self) -> None:
        """End the program in the middle of its tidying, with a note, unless nobody reads it."""
        import logging
        import threading

        note = functools.partial(logging.getLogger("natsobj").warning, _UNSETTLED)
        noting = threading.Thread(target=note, daemon=True)
        noting.start()
        noting.join(_NOTED_WITHIN)
        os._exit(self.status)

    @contextmanager
    def until_done(self) -> Iterator[Callable[[], None]]:
        """Give a function that says that what was to be done is done: a signal then is too late."""
        import asyncio

        done = False

        def say_done() -> None:
            nonlocal done
            done = True

        try:
            yield say_done
        except asyncio.CancelledError:
            if not done:
                raise

    @contextmanager
    def cancelling(self, task: asyncio.Task[None]) -> Iterator[None]:
        """Cancel the task when a signal comes.

        Before this block there is nothing to clean up, and a signal ends the program. Behind it the program
        is about to leave, and a signal only decides the exit status.
        """
        loop = task.get_loop()

        def cancel() -> None:
            task.cancel()
            loop.call_later(self.limit * 0.7, task.cancel)

        self._cancel = functools.partial(loop.call_soon_threadsafe, cancel)
        try:
            yield
        finally:
            self._cancel = lambda: None


interrupts = Interrupts()
"""The program's own; a process has one set of signal handlers."""
