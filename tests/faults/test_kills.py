"""The program is killed or told to stop, at any moment of a transfer."""

from __future__ import annotations

import asyncio
import signal
import time
from operator import attrgetter

import pytest

from tests.chance import MIB, Chance
from tests.faults.running import Running
from tests.faults.site import Pace, Site, Source

SOURCES: tuple[Source, ...] = ("file", "pipe")

SIZE = 32 * MIB
"""All are of one size here, so that one measured pace serves for all."""

CAUGHT = (signal.SIGINT, signal.SIGTERM)
NAME = attrgetter("name")


async def struck(running: Running, number: signal.Signals, pace: tuple[float, float], part: float) -> bool:
    """Send a signal at that part of the way; say whether the program was still there.

    One that is to be caught comes when the program does so; before, any program would end.
    """
    start = time.monotonic()
    ready, end = pace
    if number in CAUGHT:
        await running.ready_for_signals()
        moment = part * (end - ready)
        start = time.monotonic()
    else:
        moment = part * end
    await asyncio.sleep(max(0.0, start + moment - time.monotonic()))
    hit = running.alive
    running.process.send_signal(number)
    return hit


@pytest.mark.parametrize("old", [b"", b"old" * MIB], ids=["fresh", "overwrite"])
@pytest.mark.parametrize("number", CAUGHT, ids=NAME)
async def test_put_that_is_told_to_stop_leaves_nothing(
    site: Site, pace: Pace, chance: Chance, number: signal.Signals, old: bytes
) -> None:
    """The signal's exit code and the old object, or 0 and the new one; never a chunk too many."""
    source = chance.turn(SOURCES)

    async def attempt(part: float) -> bool:
        await site.keep(old or None)
        new = chance.randbytes(SIZE)
        measured = await pace.of(f"put {source}", lambda: site.put(new, source))
        await site.keep(old or None)
        running = site.put(new, source)
        hit = await struck(running, number, measured, part)
        result = await running.end()
        assert result.code in (0, 128 + number)
        await site.holds(new if result.code == 0 else old or None)
        if hit:
            chance.saw(result.code)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("old", [b"", b"old" * MIB], ids=["fresh", "overwrite"])
async def test_put_that_is_killed_leaves_one_whole_object(
    site: Site, pace: Pace, chance: Chance, old: bytes
) -> None:
    """SIGKILL: the old object or the new one, and gc takes what nobody owns."""
    source = chance.turn(SOURCES)

    async def attempt(part: float) -> bool:
        await site.keep(old or None)
        new = chance.randbytes(SIZE)
        measured = await pace.of(f"put {source}", lambda: site.put(new, source))
        await site.keep(old or None)
        running = site.put(new, source)
        hit = await struck(running, signal.SIGKILL, measured, part)
        result = await running.end()
        await site.holds_after_gc(*((new,) if result.code == 0 else (new, old or None)))
        if hit:
            chance.saw(result.code)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("number", CAUGHT, ids=NAME)
async def test_get_that_is_told_to_stop_leaves_nothing(
    site: Site, pace: Pace, chance: Chance, number: signal.Signals
) -> None:
    """The signal's exit code and the old file, or 0 and the new one; no temporary file, no consumer."""
    into = chance.turn(SOURCES)
    data, before = chance.randbytes(SIZE), b"the file as it was"
    await site.keep(data)

    async def attempt(part: float) -> bool:
        measured = await pace.of(f"get {into}", lambda: site.get(into))
        site.target.write_bytes(before)
        running = site.get(into)
        hit = await struck(running, number, measured, part)
        result = await running.end()
        assert result.code in (0, 128 + number)
        site.fetched(result, into, data, before)
        await site.holds(data)
        if hit:
            chance.saw(result.code)
        return hit

    await chance.until_hit(attempt)


async def test_get_that_is_killed_leaves_the_file(site: Site, pace: Pace, chance: Chance) -> None:
    """SIGKILL: the old file or the whole new one; what is left beside it is hidden and bears our name."""
    data, before = chance.randbytes(SIZE), b"the file as it was"
    await site.keep(data)

    async def attempt(part: float) -> bool:
        measured = await pace.of("get file", lambda: site.get("file"))
        site.target.write_bytes(before)
        running = site.get("file")
        hit = await struck(running, signal.SIGKILL, measured, part)
        result = await running.end()
        assert site.target.read_bytes() in ((data,) if result.code == 0 else (data, before))
        others = [path.name for path in site.target.parent.iterdir() if path != site.target]
        assert all(name.startswith(f".{site.target.name}.") and name.endswith(".natsobj") for name in others)
        if hit:
            chance.saw(result.code)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("number", CAUGHT, ids=NAME)
async def test_a_second_signal_ends_at_once(site: Site, chance: Chance, number: signal.Signals) -> None:
    """While the first one's tidying waits for a server that stands still: no more waiting, the same code."""
    await site.keep(None)
    running = site.put(chance.randbytes(SIZE), "pipe", "--timeout", "30s")
    assert await site.put_reached(running, MIB)
    async with site.server_stopped():
        running.process.send_signal(number)
        await asyncio.sleep(chance.uniform(0, 0.3))
        while running.alive:  # a signal that is not handled yet swallows the next one of its kind
            running.process.send_signal(number)
            await asyncio.sleep(0.05)
        (await running.end()).expect(128 + number)
    await site.holds_after_gc(None)
