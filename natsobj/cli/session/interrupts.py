"""SIGINT, SIGTERM and SIGHUP: the first one cancels what runs, the second one ends the program at once.

One that was ignored when the program began stays ignored, as for `nohup` and for `cmd &` in a script.
"""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from natsobj.cli.exits import SIGNALLED
from natsobj.cli.output import console

if TYPE_CHECKING:
    import asyncio

__all__ = ["Interrupts", "interrupts"]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_ECHO = {"SIGHUP": 1.0}
"""Seconds in which it is the echo of the signal before: a closed terminal and its shell send SIGHUP both."""

_ECHO_OF_OTHERS = 0.1
"""The same for all others: timeout(1) sends one to the program and to its group."""

_NOTED_WITHIN = 0.2

Account = Callable[[bool], str]
"""Says what is so now; False: what was begun may still come to its end."""


class Interrupts:
    """Which signal came, and what it does.

    Cleaning up after the first one gets `limit` seconds: what still waits when most of them are gone is
    cancelled once more, so that local files are tidied at least, and in the end the program leaves.
    """

    limit = 5.0
    account: Account | None = None
    """What the command that runs has to say when it does not come to its end."""
    trace: str | None = None
    """What may be left of it where nothing could be tidied up."""

    def __init__(self) -> None:
        self._number = 0
        self._came = 0.0
        self._cancel: Callable[[], object] | None = None
        self._said = False
        self._remarks: list[str] = []

    @property
    def status(self) -> int:
        """The exit status for the signal that came, 0 for none."""
        return SIGNALLED + self._number if self._number else 0

    def install(self) -> None:
        """Take the signals over that were not ignored when the program was started."""
        for number in (getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        within = _ECHO.get(signal.Signals(number).name, _ECHO_OF_OTHERS)
        if self._number and now - self._came < within:
            return
        if self._number or self._cancel is None:
            os._exit(SIGNALLED + number)
        self._number, self._came = number, now
        import threading

        timer = threading.Timer(self.limit, self._leave)
        timer.daemon = True
        timer.start()
        self._cancel()

    def _leave(self) -> None:
        """End the program in the middle of its tidying, with its account, unless nobody reads it."""
        import threading

        saying = threading.Thread(target=self.say, kwargs={"tidied": False}, daemon=True)
        saying.start()
        saying.join(_NOTED_WITHIN)
        os._exit(self.status)

    # What is said

    def remark(self, text: str) -> bool:
        """Keep for the account what is remarked after a signal; False before one."""
        if self._number:
            self._remarks.append(text)
        return self._number != 0

    def say(self, *, tidied: bool) -> None:
        """Say in one line what is so now, once."""
        if self._said:
            return
        self._said = True
        if self.account is None:
            if self._number == signal.SIGINT and console.is_terminal(console.STDERR):
                console.say("")  # ends the line with ^C
            return
        trace = self.trace if not tidied and not self._remarks else None
        parts = (self.account(tidied), trace, *self._remarks[:1])
        console.say(f"interrupted: {'; '.join(filter(None, parts))}")

    @contextmanager
    def until_done(self) -> Iterator[Callable[[], None]]:
        """Give a function that says that what was to be done is done: a signal then is too late."""
        import asyncio

        done = False

        def say_done() -> None:
            nonlocal done
            done, self.account = True, None

        try:
            yield say_done
        except asyncio.CancelledError:
            if not done:
                raise

    @contextmanager
    def cancelling(self, task: asyncio.Task[Any]) -> Iterator[None]:
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
