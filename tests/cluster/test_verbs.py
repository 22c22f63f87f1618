"""A watch and a rename while three servers change their leader, or lose one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from natsobj import NatsobjError
from tests.chance import Chance
from tests.faults.site import KEY, Site
from tests.servers import Cluster

Fault = Callable[[Cluster, str], Coroutine[Any, Any, None]]


async def lose_leader(cluster: Cluster, stream: str) -> None:
    """The stream's leader is killed and comes back."""
    node = await cluster.leader(stream)
    await asyncio.to_thread(node.kill)
    await asyncio.sleep(1)
    await asyncio.to_thread(node.start)


async def change_leader(cluster: Cluster, stream: str) -> None:
    """The stream's leader steps down."""
    await cluster.step_down(stream)


FAULTS = (lose_leader, change_leader)


@pytest.mark.parametrize("fault", FAULTS, ids=["kill", "stepdown"])
async def test_watch_tells_every_change_once(
    cluster: Cluster, site: Site, chance: Chance, fault: Fault
) -> None:
    """Each object that is there in the end was told in its last revision; no revision was told twice."""
    stream = f"OBJ_{site.bucket}"
    await site.keep(b"first")
    watch = site.start("watch", site.bucket, "--history", "--json")

    async def told(text: bytes) -> bool:
        return text in watch.received

    assert await watch.until(lambda: told(b'"name":"the/key"'))
    faults = asyncio.create_task(fault(cluster, stream))
    number = 0
    while not faults.done() or number < 30:
        try:
            async with site.opened() as bucket:
                await bucket.put(f"{number % 20}", str(number).encode())
                number += 1
        except NatsobjError:  # there is no leader
            await asyncio.sleep(0.05)
    await faults
    await cluster.until_current(stream)
    async with site.opened() as bucket:
        await bucket.put("last", b"")
        there = {(info.name, info.revision) async for info in bucket.list()}
    assert await watch.until(lambda: told(b'"name":"last"'))
    watch.process.send_signal(signal.SIGINT)
    result = await watch.end()
    assert (result.code, result.stderr) == (130, "")
    changes = [json.loads(line) for line in result.stdout.splitlines()]
    counted = Counter((each["name"], each["revision"], each["time"]) for each in changes)
    assert max(counted.values()) == 1
    assert there <= {(each["name"], each["revision"]) for each in changes}
    chance.saw(result.code)


@pytest.mark.parametrize("fault", FAULTS, ids=["kill", "stepdown"])
async def test_a_rename_is_made_once(cluster: Cluster, site: Site, chance: Chance, fault: Fault) -> None:
    """One name has the bytes in the end, and no chunk is left over."""
    stream = f"OBJ_{site.bucket}"
    await site.keep(b"content")
    faults = asyncio.create_task(fault(cluster, stream))
    await asyncio.sleep(chance.random() * 0.3)
    result = await site.run("mv", site.bucket, KEY, "there")
    await faults
    await cluster.until_current(stream)
    assert result.code == 0, result
    found = await site.verdict()
    assert (found.objects, found.orphans) == ({"there": hashlib.sha256(b"content").hexdigest()}, {})
    chance.saw(result.code)
