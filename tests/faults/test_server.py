"""The server dies, or stands still, in the middle of a transfer."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.chance import MIB, Chance
from tests.faults.running import Running
from tests.faults.site import RECOVERED_WITHIN, Site, Source

SOURCES: tuple[Source, ...] = ("file", "pipe")


async def brought_back(site: Site, running: Running, away: float) -> bool:
    """Kill the server for some seconds; say whether the program was still there when it came back."""
    async with site.server_killed():
        await asyncio.sleep(away)
        return running.alive


@pytest.mark.parametrize("source", SOURCES)
async def test_put_survives_a_killed_server(site: Site, chance: Chance, source: Source) -> None:
    """kill -9 in the middle, back some seconds later: exit 0, the new object, nothing else."""
    old = chance.content(1, MIB) if chance.run % 2 else None

    async def attempt(part: float) -> bool:
        await site.keep(old)
        new = chance.content()
        running = site.put(new, source)
        hit = await site.put_reached(running, int(part * 0.9 * len(new)))
        hit = hit and await brought_back(site, running, chance.uniform(0.1, 2.0))
        back = time.monotonic()
        result = await running.end(RECOVERED_WITHIN)
        result.expect(0)
        await site.holds(new)
        if hit:
            chance.saw(result.code, time.monotonic() - back)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("into", SOURCES)
async def test_get_survives_a_killed_server(site: Site, chance: Chance, into: Source) -> None:
    """kill -9 in the middle, back some seconds later: exit 0 and every byte; no consumer stays."""
    data = chance.content(32 * MIB, 64 * MIB)
    await site.keep(data)

    async def attempt(part: float) -> bool:
        running = site.get(into)
        hit = await site.get_reached(running, int(part * 0.7 * len(data)))
        hit = hit and await brought_back(site, running, chance.uniform(0.1, 2.0))
        back = time.monotonic()
        result = await running.end(RECOVERED_WITHIN)
        site.fetched(result.expect(0), into, data)
        await site.holds(data)
        if hit:
            chance.saw(result.code, time.monotonic() - back)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("verb", ["put", "get"])
async def test_a_server_that_stands_still_for_a_while_is_waited_for(
    site: Site, chance: Chance, verb: str
) -> None:
    """Longer than the timeout and shorter than six of them: exit 0."""
    way = chance.turn(SOURCES)
    data = chance.content(32 * MIB, 48 * MIB)
    await site.keep(None if verb == "put" else data)

    async def attempt(part: float) -> bool:
        options = ("--timeout", "1s")
        running = site.put(data, way, *options) if verb == "put" else site.get(way, *options)
        reached = site.put_reached if verb == "put" else site.get_reached
        hit = await reached(running, int(part * 0.6 * len(data)))
        if hit:
            async with site.server_stopped():
                await asyncio.sleep(chance.uniform(1.2, 3.5))
                hit = running.alive
        back = time.monotonic()
        result = await running.end(RECOVERED_WITHIN)
        result.expect(0)
        if verb == "get":
            site.fetched(result, way, data)
        await site.holds(data)
        if hit:
            chance.saw(result.code, time.monotonic() - back)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("verb", ["put", "get"])
async def test_a_server_that_stands_still_for_good_is_given_up(site: Site, chance: Chance, verb: str) -> None:
    """After six timeouts: exit 5 and a line that says so; a file and the old object are as they were."""
    way = chance.turn(SOURCES)
    data, old = chance.content(32 * MIB, 48 * MIB), chance.content(1, MIB)
    await site.keep(old if verb == "put" else data)

    async def attempt(part: float) -> bool:
        site.target.write_bytes(old)
        options = ("--timeout", "500ms")
        running = site.put(data, way, *options) if verb == "put" else site.get(way, *options)
        reached = site.put_reached if verb == "put" else site.get_reached
        hit = await reached(running, int(part * 0.6 * len(data)))
        if not hit:
            await running.end()
            return False
        async with site.server_stopped():
            result = await running.end()
        if result.code == 0 and verb == "get":  # all of it was on the way already
            site.fetched(result, way, data)
            return False
        result.expect(5)
        assert result.stderr.splitlines()[-1].startswith("natsobj: ")
        chance.saw(result.code)
        if verb == "get":
            site.fetched(result, way, data, old)
        else:
            await site.holds_after_gc(old)
        return True

    await chance.until_hit(attempt)
