"""Several workers on one list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

import pytest

from natsobj.folders.pace import Pace
from natsobj.folders.workers import AHEAD, Crew

R = TypeVar("R")


async def numbers(count: int) -> AsyncGenerator[int, None]:
    """Give numbers and let others work."""
    for number in range(count):
        yield number
        await asyncio.sleep(0)


async def double(number: int) -> int:
    """Take a little while."""
    await asyncio.sleep(0)
    return 2 * number


async def all_of(crew: Crew[int, R]) -> list[R]:
    """Everything that comes out, as it comes."""
    async with aclosing(crew.results()) as results:
        return [result async for result in results]


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
@pytest.mark.parametrize("jobs", [1, 3, 50])
async def test_every_item_is_worked_on_once(count: int, jobs: int) -> None:
    """However many there are, and however many work on them."""
    found = await all_of(Crew(numbers(count), double, Pace(jobs)))
    assert sorted(found) == [2 * number for number in range(count)]


async def test_only_so_many_are_worked_on_at_once() -> None:
    """And as many as that, where there is work for them."""
    at_once, most = 0, 0

    async def work(number: int) -> int:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        for _ in range(5):
            await asyncio.sleep(0)
        at_once -= 1
        return number

    assert len(await all_of(Crew(numbers(100), work, Pace(4)))) == 100
    assert most == 4


async def test_a_result_that_is_none_is_a_result() -> None:
    """Nothing that work may return is taken for the end."""

    async def work(_: int) -> None:
        await asyncio.sleep(0)

    assert await all_of(Crew(numbers(3), work, Pace(2))) == [None] * 3


async def test_items_are_found_ahead_of_the_work_but_not_for_ever() -> None:
    """Memory stays flat: an endless list is asked for so many more and no more."""
    found = 0
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncGenerator[int, None]:
        nonlocal found
        while True:
            found += 1
            yield found
            if found % 1000 == 0:
                await asyncio.sleep(0)

    async def work(number: int) -> int:
        begun.set()
        await go_on.wait()
        return number

    async with aclosing(Crew(endless(), work, Pace(2)).results()) as results:
        first = asyncio.ensure_future(anext(results))
        await begun.wait()
        before = -1
        while before != found:
            before = found
            for _ in range(100):
                await asyncio.sleep(0)
        assert AHEAD <= found <= AHEAD + 5
        go_on.set()
        assert await first in (1, 2)


@pytest.mark.parametrize("where", ["the list", "the work"])
async def test_an_error_ends_all_work(where: str) -> None:
    """It comes out of the iteration, and nothing goes on behind it."""
    at_work = 0

    async def items() -> AsyncGenerator[int, None]:
        for number in range(100):
            if number == 50 and where == "the list":
                raise RuntimeError(where)
            yield number

    async def work(number: int) -> int:
        nonlocal at_work
        if number == 20 and where == "the work":
            raise RuntimeError(where)
        at_work += 1
        try:
            await asyncio.sleep(3600 if number > 30 else 0)
        finally:
            at_work -= 1
        return number

    before = asyncio.all_tasks()
    with pytest.raises(RuntimeError, match=where):
        await all_of(Crew(items(), work, Pace(4)))
    assert at_work == 0
    assert asyncio.all_tasks() == before


async def test_who_iterates_no_more_ends_all_work() -> None:
    """The work under way is cancelled and has tidied up when the iterator is closed; the list is closed."""
    tidied, closed = 0, False

    async def items() -> AsyncGenerator[int, None]:
        nonlocal closed
        try:
            for number in range(100_000):
                yield number
        finally:
            closed = True

    async def work(number: int) -> int:
        nonlocal tidied
        try:
            await asyncio.sleep(3600 if number else 0)
        finally:
            await asyncio.sleep(0)
            tidied += 1
        return number

    before = asyncio.all_tasks()
    async with aclosing(Crew(items(), work, Pace(4)).results()) as results:
        assert await anext(results) == 0
    assert tidied == 5
    assert closed
    assert asyncio.all_tasks() == before


async def test_a_cancellation_waits_for_the_work_to_tidy_up() -> None:
    """A second one is passed on: what tidied up too slowly is cut short."""
    begun, stubborn, given_up = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(number: int) -> int:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            stubborn.set()
            try:
                await asyncio.sleep(3600)
            finally:
                given_up.set()
        return number

    task = asyncio.create_task(all_of(Crew(numbers(1), work, Pace(1))))
    await begun.wait()
    task.cancel()
    await stubborn.wait()
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert given_up.is_set()


async def test_work_that_cannot_be_cancelled_any_more_is_the_last() -> None:
    """A commit drops the cancellation; the worker must not begin with the next item then."""
    begun: list[int] = []
    at_work = asyncio.Event()

    async def work(number: int) -> int:
        begun.append(number)
        at_work.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return number

    task = asyncio.create_task(all_of(Crew(numbers(10), work, Pace(1))))
    await at_work.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)
    assert begun == [0]
