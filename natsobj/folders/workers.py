"""Several workers on one list that is still growing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine
from contextlib import aclosing
from typing import Any, Generic, TypeVar

__all__ = ["AHEAD", "JOBS", "Crew"]

JOBS = 8
"""Transfers at once, unless something else is asked for."""

AHEAD = 10_000
"""Items that are found before their turn, so that it is known early how many there are."""

T = TypeVar("T")
R = TypeVar("R")


class Crew(Generic[T, R]):
    """Workers that act on items as they are found.

    Args:
        act: what it raises ends all work.
        jobs: items that are worked on at once.
    """

    def __init__(self, items: AsyncGenerator[T, None], act: Callable[[T], Awaitable[R]], jobs: int) -> None:
        self._items = items
        self._act = act
        self._jobs = jobs
        self._found: asyncio.Queue[tuple[T] | None] = asyncio.Queue(AHEAD)
        """None is behind the last one."""
        self._results: asyncio.Queue[tuple[R] | Exception | None] = asyncio.Queue(jobs)
        """None for each worker that has ended."""
        self._stopped = False

    async def results(self) -> AsyncGenerator[R, None]:
        """Give what became of each as it is known; all work has ended when this has, however it ends."""
        tasks = [asyncio.create_task(self._passing_on(self._find()))]
        tasks += [asyncio.create_task(self._passing_on(self._work())) for _ in range(self._jobs)]
        running = len(tasks)
        try:
            while running:
                result = await self._results.get()
                if result is None:
                    running -= 1
                elif isinstance(result, Exception):
                    raise result
                else:
                    yield result[0]
        finally:
            self._stopped = True
            await _end(tasks)

    async def _passing_on(self, work: Coroutine[Any, Any, None]) -> None:
        """Let whoever iterates know how it ended."""
        error: Exception | None = None
        try:
            await work
        except Exception as e:  # noqa: BLE001  # it belongs to whoever iterates
            error = e
        if not self._stopped:
            await self._results.put(error)

    async def _find(self) -> None:
        async with aclosing(self._items) as items:
            async for item in items:
                await self._found.put((item,))
        await self._found.put(None)

    async def _work(self) -> None:
        """Work until there is no more.

        A cancellation that comes too late for a commit is dropped, so that each step asks whether to go on.
        """
        while not self._stopped and (found := await self._found.get()) is not None:
            result = await self._act(found[0])
            if not self._stopped:
                await self._results.put((result,))
        if not self._stopped:
            self._found.put_nowait(None)  # for the next one


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
