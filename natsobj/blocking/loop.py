"""One event loop in a thread, shared by everything blocking in a process, and the ways into it."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

__all__ = ["Face", "Loop", "shared_loop"]

T = TypeVar("T")

_AHEAD = 1000
"""Items that may wait for the consumer of an iterator."""


class Loop:
    """An event loop in a thread of its own.

    An interrupt (Ctrl-C) while a caller waits cancels the call and waits until it has tidied up; a second
    one does not wait.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._closing = False
        self._loop = asyncio.new_event_loop()
        self._open: set[AbstractAsyncContextManager[Any]] = set()
        self._thread = threading.Thread(target=self._serve, name="natsobj", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something in the loop, and return or raise what came of it.

        Raises:
            RuntimeError: the process is another one since, or the loop would wait for itself.
        """
        job = self._begin(work)
        try:
            job.wait()
        except BaseException:
            job.cancel()
            raise
        return job.result()

    def iterate(self, items: AsyncIterator[T], *, ahead: int = _AHEAD) -> Iterator[T]:
        """Iterate over an asynchronous iterator, reading a little ahead."""
        channel: _Channel[T] = _Channel(items, ahead)
        job = self._begin(channel.fill())
        try:
            while (batch := channel.take()) is not None:
                yield from batch
        except BaseException:
            job.cancel(wait=threading.current_thread() is not self._thread)  # where a cycle is collected
            raise
        job.wait()
        job.result()

    @contextlib.contextmanager
    def entered(self, context: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """Enter and leave an asynchronous context."""
        value = self.run(context.__aenter__())
        try:
            yield value
        except BaseException as e:
            if not self.run(context.__aexit__(type(e), e, e.__traceback__)):
                raise
        else:
            self.run(context.__aexit__(None, None, None))

    def enter(self, context: AbstractAsyncContextManager[Any]) -> None:
        """Enter what the end of the loop leaves when nobody else does."""
        self.run(context.__aenter__())
        self._open.add(context)

    def leave(self, context: AbstractAsyncContextManager[Any]) -> None:
        """Leave what was entered."""
        self._open.discard(context)
        self.run(context.__aexit__(None, None, None))

    def close(self) -> None:
        """End the loop, what still runs in it and what is open."""
        if self._process != os.getpid():
            return
        with contextlib.suppress(Exception):
            self.run(_cancel_all())
        for context in list(self._open):
            with contextlib.suppress(Exception):
                self.leave(context)
        self._closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _begin(self, work: Coroutine[Any, Any, T]) -> _Job[T]:
        if self._process != os.getpid():
            work.close()
            raise RuntimeError("this store belongs to the process before the fork: connect again")
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a callback cannot wait for the loop that calls it")
        return _Job(self._loop, work)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._closing:
            with contextlib.suppress(SystemExit, KeyboardInterrupt):  # a task's: its waiter gets it
                self._loop.run_forever()


class _Job(Generic[T]):
    """A task in the loop, as another thread sees it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> None:
        self._loop = loop
        self._work = work
        self._task: asyncio.Task[T] | None = None
        self._done: Future[asyncio.Task[T]] = Future()
        try:
            loop.call_soon_threadsafe(self._start)
        except RuntimeError:  # the program is at its end
            work.close()
            raise

    def wait(self) -> None:
        """Wait for its end, whatever it is."""
        self._done.result()

    def result(self) -> T:
        """Return or raise what came of it."""
        return self._done.result().result()

    def cancel(self, *, wait: bool = True) -> None:
        """Cancel it, and wait for its end."""
        if self._loop.is_closed():  # the program is at its end
            return
        self._loop.call_soon_threadsafe(self._stop)
        if wait:
            self.wait()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(self._end)

    def _stop(self) -> None:
        assert self._task is not None
        self._task.cancel()

    def _end(self, task: asyncio.Task[T]) -> None:
        if not task.cancelled():
            task.exception()  # it counts as seen, also where nobody looks any more
        self._done.set_result(task)


class _Channel(Generic[T]):
    """Items on their way from the loop to another thread."""

    def __init__(self, items: AsyncIterator[T], ahead: int) -> None:
        self._items = items
        self._ahead = ahead
        self._queue: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._room: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def fill(self) -> None:
        """Queue all items, in the loop."""
        self._loop, self._room = asyncio.get_running_loop(), asyncio.Event()
        try:
            async for item in self._items:
                with self._changed:
                    self._queue.append(item)
                    self._changed.notify()
                    self._room.clear()
                    full = len(self._queue) >= self._ahead
                if full:
                    await self._room.wait()
        finally:
            close = getattr(self._items, "aclose", None)
            if close is not None:
                await close()
            with self._changed:
                self._ended = True
                self._changed.notify()

    def take(self) -> list[T] | None:
        """Wait for items and return those that have arrived; None after the last one."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._ended)
            batch = list(self._queue)
            self._queue.clear()
        if self._loop is not None and self._room is not None:
            self._loop.call_soon_threadsafe(self._room.set)
        return batch or None


class Face(Generic[T]):
    """What stands before something asynchronous."""

    def __init__(self, inner: T, loop: Loop) -> None:
        self._inner = inner
        self._loop = loop

    def __repr__(self) -> str:
        return f"blocking {self._inner!r}"


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=2)


_lock = threading.Lock()
_shared: Loop | None = None


def shared_loop() -> Loop:
    """Return the loop of this process, which begins with its first use and ends with the process."""
    global _shared  # noqa: PLW0603  # one a process is the point
    with _lock:
        if _shared is None:
            _shared = Loop()
            atexit.register(_shared.close)
        return _shared


def _forget() -> None:
    """After a fork there is no thread, and nobody holds the lock."""
    global _lock, _shared
    _lock, _shared = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
