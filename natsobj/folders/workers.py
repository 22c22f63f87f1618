"""Several workers on one list that is still growing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing
from typing import Generic, TypeVar

from natsobj.folders.pace import Pace
from natsobj.models import ObjectInfo

__all__ = ["AHEAD", "Crew"]

AHEAD = 10_000
"""Items that are listed ahead of the workers, so that the total is known early."""

_HELD = 4 * 1024 * 1024
"""Bytes of records that these items may hold; a single larger record is let through."""

_COPIES = 10
"""How often a record is in memory while something is done about its object: a copy reads and writes it."""

T = TypeVar("T")
R = TypeVar("R")


class Crew(Generic[T, R]):
    """Workers that act on items as they are listed, as many at once as the pace allows.

    Args:
        act: is called with each item; an exception from it ends all work.
        pace: decides how many items are worked on at once.
        size: returns the bytes that an item will move; 0 if unknown.
    """

    def __init__(
        self,
        items: AsyncGenerator[T, None],
        act: Callable[[T], Awaitable[R]],
        pace: Pace,
        size: Callable[[T], int] = lambda _: 0,
    ) -> None:
        self._items = items
        self._act = act
        self._pace = pace
        self._size = size
        self._found: asyncio.Queue[tuple[T] | None] = asyncio.Queue(AHEAD)
        """None marks the end."""
        self._held = 0
        """Bytes of the records in that queue."""
        self._taken = asyncio.Event()
        self._results: asyncio.Queue[tuple[R] | Exception | None] = asyncio.Queue(pace.most)
        """One None for each task that has ended."""
        self._tasks: list[asyncio.Task[None]] = []
        self._all_found = False
        self._stopped = False

    async def results(self) -> AsyncGenerator[R, None]:
        """Yield the result for each item as it is known. However this ends, all work has ended with it."""
        self._start(self._list)
        self._start(self._work)
        ended = 0
        try:
            while ended < len(self._tasks):
                result = await self._results.get()
                if result is None:
                    ended += 1
                elif isinstance(result, Exception):
                    raise result
                else:
                    yield result[0]
        finally:
            self._stopped = True
            await _end(self._tasks)

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(self._passing_on(work)))

    async def _passing_on(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a task and pass its error on to the consumer of the results."""
        error: Exception | None = None
        try:
            await work()
        except Exception as e:  # noqa: BLE001  # it is raised to the consumer
            error = e
        if not self._stopped:
            await self._results.put(error)

    async def _list(self) -> None:
        async with aclosing(self._items) as items:
            async for item in items:
                held = _held(item)
                while self._held and self._held + held > _HELD:
                    self._taken.clear()
                    await self._taken.wait()
                self._held += held
                await self._found.put((item,))
        self._all_found = True
        await self._found.put(None)

    async def _work(self) -> None:
        """Work until the list ends.

        A commit that is finished in spite of a cancellation drops it, so each step checks whether to go on.
        """
        while not self._stopped and await self._work_on_next():
            pass
        if not self._stopped:
            self._found.put_nowait(None)  # for the next one

    async def _work_on_next(self) -> bool:
        """Work on one item and keep no reference to it; return False when there are no more."""
        found, pace = await self._found.get(), self._pace
        if found is None:
            return False
        item = found[0]
        if len(self._tasks) <= pace.limit and not (self._all_found and self._found.qsize() <= 1):
            self._start(self._work)
        weight = await pace.begin(self._size(item), _COPIES * _held(item))
        self._held -= _held(item)
        self._taken.set()
        begun = time.monotonic()
        try:
            result = await self._act(item)
        finally:
            pace.end(weight, time.monotonic() - begun)
        if not self._stopped:
            await self._results.put((result,))
        return True


def _held(item: object) -> int:
    """Return the bytes of an object's record, which it keeps in memory."""
    return item.record_size if isinstance(item, ObjectInfo) else 0


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel what runs and wait until it has tidied up; told to hurry, it passes that on."""
    hurried: asyncio.CancelledError | None = None
    for task in tasks:
        task.cancel()
    while pending := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as e:
            hurried = e
            for task in pending:
                task.cancel()
    if hurried is not None:
        raise hurried
