"""A put that is gone on with in a cluster, where what a dead program sent may still be passed on."""

from __future__ import annotations

import asyncio

from tests.chance import MIB, Chance
from tests.cluster.test_faults import Fault, every_fault
from tests.faults.site import KEY, Site
from tests.servers import Cluster

TRIES = 3
"""Exit 5 says that chunks may still come, or that there was no leader for too long."""


@every_fault
async def test_a_put_is_gone_on_with(cluster: Cluster, site: Site, chance: Chance, fault: Fault) -> None:
    """The program is killed together with what it talks to; whoever goes on may talk to another node."""
    data = chance.content(24 * MIB, 48 * MIB)
    file = site.folder / "file"
    file.write_bytes(data)
    await site.keep(b"as it was")
    running = site.start("put", site.bucket, KEY, file, "--resume")
    await site.put_reached(running, int(chance.uniform(0.1, 0.8) * len(data)))
    happening = asyncio.ensure_future(fault(cluster, f"OBJ_{site.bucket}", chance))
    await asyncio.sleep(chance.uniform(0, 0.2))
    running.process.kill()
    await running.end()
    for left in reversed(range(TRIES)):
        result = await site.start("put", site.bucket, KEY, file, "--resume").end()
        chance.saw(result.code)
        if result.code != 5 or not left:
            result.expect(0)
            break
    await happening
    await cluster.until_current(f"OBJ_{site.bucket}")
    await site.holds_after_gc(data)
