"""How many transfers at once, without a clock: what a transfer took is told."""

from __future__ import annotations

import asyncio
import resource
from itertools import pairwise

import pytest

from natsobj.folders.pace import BYTES_UNDER_WAY, LEAST, SMALL, Pace


async def begun(pace: Pace, sizes: list[int], held: int = 0) -> tuple[list[int], list[asyncio.Task[int]]]:
    """Begin transfers of these sizes: the weights of those that may, and those that wait."""
    tasks = [asyncio.create_task(pace.begin(size, held)) for size in sizes]
    await asyncio.sleep(0)
    running = [task.result() for task in tasks if task.done()]
    return running, [task for task in tasks if not task.done()]


async def stop(waiting: list[asyncio.Task[int]]) -> None:
    """Nobody waits any more."""
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


class Line:
    """What transfers go over: a server at some distance, which may be asked too much."""

    def __init__(self, round_trip: float) -> None:
        self.round_trip = round_trip
        self.troubles = 0


async def test_the_further_the_server_the_more_at_once() -> None:
    """The connection tells how far that is, before the first transfer; and that one tells more."""
    near, far, further = (Pace(None, Line(seconds)) for seconds in (0.001, 0.04, 0.1))
    assert LEAST == near.limit < far.limit < further.limit < further.most
    near.end(await near.begin(1), 0.08)
    assert far.limit < near.limit < further.limit
    further.end(await further.begin(1), 0.001)
    assert further.limit > near.limit


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
    line = Line(0.1)
    pace = Pace(None, line)
    pace.end(await pace.begin(1), 0.1)
    for _ in range(20):
        before, line.troubles = pace.limit, line.troubles + 1
        pace.end(await pace.begin(1), 0.1)
        assert pace.limit == max(1, before // 2)
    assert pace.limit == 1


async def test_one_trouble_of_many_at_once_halves_it_once_and_it_recovers_with_care() -> None:
    """What was under way with it does not count again; it grows by parts, not beyond what was too many."""
    line = Line(0.1)
    pace = Pace(None, line)
    before = pace.limit
    running, _ = await begun(pace, [1] * before)
    pace.end(running.pop(), 1e-3)
    for weight in running:
        line.troubles += 1
        pace.end(weight, 1e-3)
    assert pace.limit == before // 2
    limits = [pace.limit]
    while pace.limit < before:
        while pace.limit == limits[-1]:
            pace.end(await pace.begin(1), 1e-3)
        limits.append(pace.limit)
    assert all(more <= fewer * 9 / 8 for fewer, more in pairwise(limits))
    for _ in range(3 * before):
        pace.end(await pace.begin(1), 1e-3)
    assert pace.limit == before


async def test_a_server_that_was_asked_too_much_at_once_is_not_asked_more() -> None:
    """When the first transfer ends, others may have been refused; what it took says nothing then."""
    line = Line(0.02)
    pace = Pace(None, line)
    before = pace.limit
    running, _ = await begun(pace, [1] * before)
    line.troubles += 1
    pace.end(running.pop(), 0.2)
    assert pace.limit == before // 2
    for weight in running:
        pace.end(weight, 0.2)
    assert pace.limit < before


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
    """Three large ones at once; small ones pass by one that waits, in a quarter that is theirs."""
    pace = Pace()
    running, waiting = await begun(pace, [BYTES_UNDER_WAY * 1000] * 3 + [4096] * 8)
    assert (len(running), len(waiting)) == (11, 0)
    more, waiting = await begun(pace, [BYTES_UNDER_WAY, *[SMALL] * 40])
    assert more == [SMALL] * 31
    assert len(waiting) == 10
    pace.end(running[0], 1.0)
    assert await waiting[0] == running[0]
    pace.end(running[1], 1.0)
    await asyncio.gather(*waiting)


async def test_an_ordinary_record_takes_no_turn_from_a_large_object() -> None:
    """Three at once, as without it."""
    running, waiting = await begun(Pace(), [BYTES_UNDER_WAY * 1000] * 4, held=4096)
    assert (len(running), len(waiting)) == (3, 1)
    await stop(waiting)


async def test_what_a_record_holds_counts_in_full() -> None:
    """Content is in memory in parts, a record as a whole; one alone may always begin."""
    pace = Pace()
    tasks = [asyncio.create_task(pace.begin(0, BYTES_UNDER_WAY * 2)) for _ in range(2)]
    await asyncio.sleep(0)
    assert [task.done() for task in tasks] == [True, False]
    pace.end(await tasks[0], 1.0)
    assert await tasks[1] == BYTES_UNDER_WAY * 2


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
