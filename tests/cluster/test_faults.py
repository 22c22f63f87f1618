"""A bucket's leader changes, or a node dies, in the middle of a transfer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.chance import MIB, Chance
from tests.faults.running import Running
from tests.faults.site import KEY, RECOVERED_WITHIN, Site, Source
from tests.servers import Cluster, NatsServer
from tests.standstill import standing_still

SOURCES: tuple[Source, ...] = ("file", "pipe")

Fault = Callable[[Cluster, str, Chance], Awaitable[None]]


async def leader_steps_down(cluster: Cluster, stream: str, chance: Chance) -> None:
    """Another node takes over, once or more often."""
    for _ in range(chance.randint(1, 3)):
        await cluster.step_down(stream)
        await asyncio.sleep(chance.uniform(0, 0.3))


async def leader_is_killed(cluster: Cluster, stream: str, chance: Chance) -> None:
    """Nobody leads for seconds."""
    await killed_for_a_while(await cluster.leader(stream), chance)


async def node_is_killed(cluster: Cluster, stream: str, chance: Chance) -> None:
    """The program's own, so that it must go to one that may know less so far; or any, which may lead all."""
    visited = [node for node in cluster.nodes if cluster.clients_of(node, "natsobj")]
    nodes = visited if visited and chance.random() < 0.6 else cluster.nodes
    await killed_for_a_while(chance.choice(nodes), chance)


async def node_is_killed_while_the_leader_sleeps(cluster: Cluster, stream: str, chance: Chance) -> None:
    """What the dead one had passed on may be read by the leader when the program is long somewhere else."""
    leader = await cluster.leader(stream)
    with standing_still(leader.pid):
        visited = [
            node for node in cluster.nodes if node is not leader and cluster.clients_of(node, "natsobj")
        ]
        if not visited:
            return
        await asyncio.to_thread(visited[0].kill)
        await asyncio.sleep(chance.uniform(0.1, 0.5))
    await asyncio.sleep(chance.uniform(0.1, 0.5))
    await asyncio.to_thread(visited[0].start)


async def killed_for_a_while(node: NatsServer, chance: Chance) -> None:
    """Kill a node, as a power cut would, and bring it back."""
    await asyncio.to_thread(node.kill)
    try:
        await asyncio.sleep(chance.uniform(0.1, 2))
    finally:
        await asyncio.to_thread(node.start)


FAULTS = (leader_steps_down, leader_is_killed, node_is_killed, node_is_killed_while_the_leader_sleeps)

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])


async def survived(cluster: Cluster, site: Site, chance: Chance, running: Running, fault: Fault) -> bool:
    """Let it happen, and the program end with 0 soon after there is a leader; say whether it came in time."""
    hit = running.alive
    await fault(cluster, f"OBJ_{site.bucket}", chance)
    await cluster.leader(f"OBJ_{site.bucket}")
    back = time.monotonic()
    result = await running.end(RECOVERED_WITHIN)
    if hit:
        chance.saw(result.code, time.monotonic() - back)
    result.expect(0)
    await cluster.until_current(f"OBJ_{site.bucket}")
    return hit


@every_fault
async def test_put_survives(cluster: Cluster, site: Site, chance: Chance, fault: Fault) -> None:
    """From a file or a pipe, of a new object or in the place of another: exit 0, whole, nothing left over.

    It is in the middle: what a node acknowledges right before it is killed it can lose.
    """
    source = chance.turn(SOURCES)
    old = chance.content(1, MIB) if chance.random() < 0.7 else None

    async def attempt(part: float) -> bool:
        await site.keep(old)
        new = chance.content()
        running = site.put(new, source)
        await site.put_reached(running, int(part * 0.9 * len(new)))
        hit = await survived(cluster, site, chance, running, fault)
        await site.holds(new)
        return hit

    await chance.until_hit(attempt)


@every_fault
async def test_get_survives(cluster: Cluster, site: Site, chance: Chance, fault: Fault) -> None:
    """Into a file or a pipe: exit 0 and every byte; no consumer stays."""
    into = chance.turn(SOURCES)
    data = chance.content(32 * MIB, 64 * MIB)
    await site.keep(data)

    async def attempt(part: float) -> bool:
        running = site.get(into)
        await site.get_reached(running, int(part * 0.8 * len(data)))
        hit = await survived(cluster, site, chance, running, fault)
        site.fetched(await running.end(), into, data)
        await site.holds(data)
        return hit

    await chance.until_hit(attempt)


async def test_what_moves_no_bytes_waits_for_a_leader(cluster: Cluster, site: Site, chance: Chance) -> None:
    """Nobody leads when it begins, for some seconds: exit 0 all the same."""
    data = chance.content(1, MIB)
    await site.keep(data)
    verb = chance.turn(("rm", "verify", "gc", "ls", "info"))
    leader = await cluster.leader(f"OBJ_{site.bucket}")
    await asyncio.to_thread(leader.kill)
    running = site.start(verb, site.bucket, *([KEY] if verb == "rm" else []))
    await asyncio.sleep(chance.uniform(0.1, 2))
    await asyncio.to_thread(leader.start)
    await cluster.leader(f"OBJ_{site.bucket}")
    back = time.monotonic()
    result = await running.end(RECOVERED_WITHIN)
    chance.saw(result.code, time.monotonic() - back)
    result.expect(0)
    await cluster.until_current(f"OBJ_{site.bucket}")
    await site.holds_after_gc(None if verb == "rm" else data)
