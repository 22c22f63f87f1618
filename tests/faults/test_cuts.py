"""The connection breaks in the middle of a transfer, in every way a network can break it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.chance import MIB, Chance
from tests.faults.proxy import Link, Proxy
from tests.faults.running import Running
from tests.faults.site import RECOVERED_WITHIN, Site, Source

SOURCES: tuple[Source, ...] = ("file", "pipe")


@dataclass(frozen=True, slots=True)
class Break:
    """A way to break every link that is there."""

    stalled: tuple[float, float]
    """Nothing passes for some seconds before, so that there are bytes on the way."""
    act: Callable[[Proxy], None]

    def spoil(self, proxy: Proxy, chance: Chance) -> None:
        """Break the links; blocks for as long as they are stalled."""
        proxy.stall()
        time.sleep(chance.uniform(*self.stalled))
        self.act(proxy)


AT_ONCE, A_LITTLE = (0.0, 0.0), (0.0, 0.3)

BREAKS = {
    "cut": Break(AT_ONCE, Proxy.cut),
    "half": Break(AT_ONCE, Proxy.half),
    "stalled-cut": Break(A_LITTLE, Proxy.cut),
    "stalled-half": Break(A_LITTLE, Proxy.half),
    "late": Break(A_LITTLE, lambda proxy: proxy.half(after=0.3, next_link=True)),
}
"""cut: both sides are reset. half: only the program's, and what was on the way still arrives; late: when the
program has long had a new connection."""


async def broken(running: Running, proxy: Proxy, chance: Chance, how: Break) -> bool:
    """Break the links; say whether the program made another one."""
    before = proxy.connections
    await asyncio.to_thread(how.spoil, proxy, chance)

    async def connected_again() -> bool:
        return proxy.connections > before

    return await running.until(connected_again)


@pytest.mark.parametrize("how", BREAKS)
async def test_put_survives_broken_connections(site: Site, proxy: Proxy, chance: Chance, how: str) -> None:
    """One to three breaks: exit 0, the new object, no chunk of what was given up."""
    source = chance.turn(SOURCES)
    old = chance.content(1, MIB) if chance.turn((False, True), every=2) else None

    async def attempt(part: float) -> bool:
        await site.keep(old)
        new = chance.content(24 * MIB, 48 * MIB)
        running = site.put(new, source)
        hit, healed = False, time.monotonic()
        for n in range(chance.randint(1, 3)):
            if not await site.put_reached(running, int(part * 0.8 * len(new)) + n * 2 * MIB):
                break
            hit = await broken(running, proxy, chance, BREAKS[how]) or hit
            healed = time.monotonic()
        result = await running.end(RECOVERED_WITHIN)
        result.expect(0)
        await site.holds(new)
        if hit:
            chance.saw(result.code, time.monotonic() - healed)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("how", BREAKS)
async def test_get_survives_broken_connections(site: Site, proxy: Proxy, chance: Chance, how: str) -> None:
    """One to three breaks: exit 0 and every byte once; no consumer stays."""
    into = chance.turn(SOURCES)
    data = chance.content(32 * MIB, 64 * MIB)
    await site.keep(data)

    async def attempt(part: float) -> bool:
        running = site.get(into)
        hit, healed = False, time.monotonic()
        for n in range(chance.randint(1, 3)):
            if not await site.get_reached(running, int(part * 0.7 * len(data)) + n * 2 * MIB):
                break
            hit = await broken(running, proxy, chance, BREAKS[how]) or hit
            healed = time.monotonic()
        result = await running.end(RECOVERED_WITHIN)
        site.fetched(result.expect(0), into, data)
        await site.holds(data)
        if hit:
            chance.saw(result.code, time.monotonic() - healed)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("verb", ["put", "get"])
async def test_a_connection_that_falls_silent_is_replaced(
    site: Site, proxy: Proxy, chance: Chance, verb: str
) -> None:
    """No reset, no answer, for ever: after a timeout there is another connection, and exit 0."""
    way = chance.turn(SOURCES)
    data = chance.content(24 * MIB, 48 * MIB)
    await site.keep(None if verb == "put" else data)

    async def attempt(part: float) -> bool:
        options = ("--timeout", "1s")
        running = site.put(data, way, *options) if verb == "put" else site.get(way, *options)
        reached = site.put_reached if verb == "put" else site.get_reached
        hit = await reached(running, int(part * 0.7 * len(data)))
        proxy.stall()
        result = await running.end(RECOVERED_WITHIN)
        result.expect(0)
        hit = hit and proxy.connections > 1
        if verb == "get":
            site.fetched(result, way, data)
        await site.holds(data)
        if hit:
            chance.saw(result.code)
        return hit

    await chance.until_hit(attempt)


async def test_a_connection_that_falls_silent_at_the_end_leaves_no_consumer(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """All bytes are there, and the deletion of the consumer is what does not arrive: another one takes it."""
    way = chance.turn(SOURCES)
    data = chance.content(24 * MIB, 48 * MIB)
    await site.keep(data)
    fired = proxy.at("up", b"CONSUMER.DELETE", Link.stall)
    result = (await site.get(way, "--timeout", "1s").end(RECOVERED_WITHIN)).expect(0)
    assert fired.is_set()
    site.fetched(result, way, data)
    await site.holds(data)


async def test_bytes_that_arrive_very_late_break_nothing(site: Site, proxy: Proxy, chance: Chance) -> None:
    """What the old connection held is delivered seconds after the upload went on, or was finished.

    Chunks that arrive behind the end cannot be taken back by a program that has ended: gc does.
    """
    source = chance.turn(SOURCES)
    late = chance.uniform(2.0, 4.0)

    async def attempt(part: float) -> bool:
        await site.keep(None)
        new = chance.content(24 * MIB, 48 * MIB)
        running = site.put(new, source, "--timeout", "1s")
        hit = await site.put_reached(running, int(part * 0.7 * len(new)))
        how = Break(A_LITTLE, lambda proxy: proxy.half(after=late, next_link=True))
        hit = hit and await broken(running, proxy, chance, how)
        (await running.end(RECOVERED_WITHIN)).expect(0)
        if hit:
            await asyncio.to_thread(proxy.delivered)
        await site.holds_after_gc(new)
        if hit:
            chance.saw(0)
        return hit

    await chance.until_hit(attempt)


async def test_a_slow_network_is_no_fault(site: Site, proxy: Proxy) -> None:
    """25 ms in each direction: nothing is repaired, one connection is enough."""
    proxy.delay = 0.025
    data = bytes(range(256)) * 4096 * 16
    (await site.put(data, "pipe").end()).expect(0)
    await site.holds(data)
    site.fetched((await site.get("pipe").end()).expect(0), "pipe", data)
    assert proxy.connections == 2
