"""How many transfers at once, without a clock: what a transfer took is told."""

from __future__ import annotations

import asyncio
import resource

import pytest

from natsobj.folders.pace import BYTES_UNDER_WAY, LEAST, Pace


async def begun(pace: Pace, sizes: list[int]) -> tuple[list[int], list[asyncio.Task[int]]]:
    """Begin transfers of these sizes: the weights of those that may, and those that wait."""
    tasks = [asyncio.create_task(pace.begin(size)) for size in sizes]
    await asyncio.sleep(0)
    running = [task.result() for task in tasks if task.done()]
    return running, [task for task in tasks if not task.done()]


async def stop(waiting: list[asyncio.Task[int]]) -> None:
    """Nobody waits any more."""
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_the_further_the_server_the_more_at_once() -> None:
    """The first transfer tells how far that is."""
    near, far, further = (Pace() for _ in range(3))
    for pace, seconds in ((near, 0.001), (far, 0.04), (further, 0.2)):
        pace.end(await pace.begin(1), seconds)
    assert LEAST == near.limit < far.limit < further.limit <= further.most


async def test_what_took_no_time_tells_nothing() -> None:
    """A file that is kept is no transfer."""
    pace = Pace()
    before = pace.limit
    pace.end(await pace.begin(1), 0.0)
    assert pace.limit == before
    pace.end(await pace.begin(1), 0.1)
    assert pace.limit > before


async def test_a_server_that_is_asked_too_much_is_asked_half() -> None:
    """Each trouble that is counted halves it, down to one at a time."""

    class Line:
        troubles = 0

    line = Line()
    pace = Pace(None, line)
    pace.end(await pace.begin(1), 0.1)
    for _ in range(20):
        before, line.troubles = pace.limit, line.troubles + 1
        pace.end(await pace.begin(1), 0.1)
        assert pace.limit == max(1, before // 2)
    assert pace.limit == 1


async def test_jobs_are_as_many_as_somebody_wants() -> None:
    """However long one takes."""
    pace = Pace(3)
    running, waiting = await begun(pace, [0] * 5)
    assert (len(running), len(waiting)) == (3, 2)
    pace.end(0, 10.0)
    await asyncio.sleep(0)
    assert pace.limit == 3
    assert [task.done() for task in waiting] == [True, False]
    await stop(waiting)


async def test_bytes_are_bounded_and_large_ones_leave_room_for_small_ones() -> None:
    """Four large ones at once, none of them for ever in the way; those that wait begin in order."""
    pace = Pace()
    running, waiting = await begun(pace, [BYTES_UNDER_WAY * 1000] * 3 + [4096] * 8)
    assert (len(running), len(waiting)) == (11, 0)
    more, waiting = await begun(pace, [BYTES_UNDER_WAY, 4096])
    assert (more, len(waiting)) == ([], 2)
    pace.end(running[0], 1.0)
    await asyncio.gather(*waiting)
    assert sum(task.result() for task in waiting) == BYTES_UNDER_WAY // 4 + 4096


async def test_one_that_gives_up_waiting_leaves_its_turn_to_the_next() -> None:
    """Also when its turn had just come."""
    pace = Pace(1)
    weight = await pace.begin(5)
    first, second = (asyncio.create_task(pace.begin(5)) for _ in range(2))
    await asyncio.sleep(0)
    pace.end(weight, 1.0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert await second == 5


async def test_descriptors_bound_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more files at once than may be open, and one at least."""
    for limit, fewest, most in ((256, 10, 250), (8, 1, 1)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert fewest <= Pace().most <= most
        assert Pace(64, descriptors=4).most <= max(1, most // 4)
