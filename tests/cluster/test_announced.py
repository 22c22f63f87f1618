"""The program knows the address of one server only: when that one dies, those that it announced serve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chance import MIB, Chance
from tests.faults.site import RECOVERED_WITHIN, Site
from tests.servers import Cluster, NatsServer


@asynccontextmanager
async def only(cluster: Cluster, site: Site, chance: Chance) -> AsyncIterator[NatsServer]:
    """The one node that the program is told of; it is brought back in the end."""
    node = chance.choice([node for node in cluster.nodes if node is not site.server])
    site.url = node.url
    try:
        yield node
    finally:
        if not node.runs:
            await asyncio.to_thread(node.start)


async def test_put_goes_on_at_an_announced_server(cluster: Cluster, site: Site, chance: Chance) -> None:
    """Its only address is dead for good, from the middle of the upload on: exit 0, whole."""

    async def attempt(part: float) -> bool:
        await site.keep(None)
        data = chance.content(16 * MIB, 48 * MIB)
        async with only(cluster, site, chance) as node:
            running = site.put(data)
            hit = await site.put_reached(running, int(part * 0.9 * len(data)))
            await asyncio.to_thread(node.kill)
            (await running.end(RECOVERED_WITHIN)).expect(0)
        await cluster.until_current(f"OBJ_{site.bucket}")
        await site.holds(data)
        return hit

    await chance.until_hit(attempt)


async def test_get_goes_on_at_an_announced_server(cluster: Cluster, site: Site, chance: Chance) -> None:
    """Its only address is dead for good, from the middle of the download on: exit 0, every byte."""
    data = chance.content(32 * MIB, 64 * MIB)
    await site.keep(data)

    async def attempt(part: float) -> bool:
        async with only(cluster, site, chance) as node:
            running = site.get()
            hit = await site.get_reached(running, int(part * 0.8 * len(data)))
            await asyncio.to_thread(node.kill)
            site.fetched((await running.end(RECOVERED_WITHIN)).expect(0), "file", data)
        await cluster.until_current(f"OBJ_{site.bucket}")
        return hit

    await chance.until_hit(attempt)
