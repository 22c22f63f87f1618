"""Many small objects while leaders change: hardly anything but commits, so that faults hit them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from natsobj import Bucket, Store
from natsobj.errors import ObjectChanged, ObjectNotFound, TemporaryError
from natsobj.settings import Settings
from tests.chance import Chance
from tests.cluster.test_faults import Fault, leader_is_killed, leader_steps_down
from tests.crowd import sha256
from tests.faults.running import END_WITHIN
from tests.faults.site import Site
from tests.servers import Cluster
from tests.sinks import Buffer

WORKERS = 6
LARGEST = 300 * 1024

FAULTS: tuple[Fault, ...] = (leader_steps_down, leader_is_killed)


@asynccontextmanager
async def connected(cluster: Cluster, site: Site) -> AsyncIterator[list[Bucket]]:
    """The bucket over one connection for each worker."""
    settings = Settings(servers=tuple(node.url for node in cluster.nodes))
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(Store(settings)) for _ in range(WORKERS)]
        yield [store.bucket(site.bucket) for store in stores]


@asynccontextmanager
async def disturbed(
    cluster: Cluster, site: Site, fault: Fault, chance: Chance
) -> AsyncIterator[asyncio.Event]:
    """Let it happen beside what is done; the event is set when there is a leader again."""
    over = asyncio.Event()

    async def disturb() -> None:
        try:
            await asyncio.sleep(chance.uniform(0.2, 0.6))
            await fault(cluster, f"OBJ_{site.bucket}", chance)
            await cluster.leader(f"OBJ_{site.bucket}")
        finally:
            over.set()

    async with asyncio.timeout(2 * END_WITHIN), asyncio.TaskGroup() as tasks:
        tasks.create_task(disturb())
        yield over
    await cluster.until_current(f"OBJ_{site.bucket}")


async def test_every_one_of_many_puts_is_there(cluster: Cluster, site: Site, chance: Chance) -> None:
    """Each worker replaces keys of its own and reads them at once; what it stored last stays."""

    async def work(bucket: Bucket, own: random.Random, prefix: int) -> dict[str, str | None]:
        stored: dict[str, str | None] = {}
        while not over.is_set():
            key = f"{prefix}/{own.randrange(5)}"
            info = await bucket.put(key, own.randbytes(own.randrange(LARGEST)))
            stored[key] = info.sha256
            sink = Buffer()
            await bucket.get(key, sink)
            assert sha256(bytes(sink.data)) == info.sha256
        return stored

    fault = chance.turn(FAULTS)
    async with (
        connected(cluster, site) as buckets,
        disturbed(cluster, site, fault, chance) as over,
        asyncio.TaskGroup() as tasks,
    ):
        workers = [
            tasks.create_task(work(bucket, random.Random(chance.random()), prefix))
            for prefix, bucket in enumerate(buckets)
        ]
    found = await site.verdict()
    assert found.objects == {key: digest for each in workers for key, digest in each.result().items()}
    assert (found.orphans, found.consumers, found.unreadable) == ({}, 0, ())


async def test_rivals_leave_whole_objects(
    cluster: Cluster, site: Site, chance: Chance, caplog: pytest.LogCaptureFixture
) -> None:
    """All workers replace and delete the same keys.

    One that is beaten while its fate is in doubt says so: chunks of what it was to delete may be left.
    """
    tried: dict[str, set[str]] = {key: set() for key in ("k", "l", "m")}

    async def work(bucket: Bucket, own: random.Random) -> None:
        while not over.is_set():
            key = own.choice(list(tried))
            if own.random() < 0.2:
                with suppress(ObjectNotFound, TemporaryError):
                    await bucket.delete(key)
            else:
                data = own.randbytes(own.randrange(LARGEST))
                tried[key].add(sha256(data))
                with suppress(ObjectChanged):
                    await bucket.put(key, data)

    fault = chance.turn(FAULTS[::-1])
    async with (
        connected(cluster, site) as buckets,
        disturbed(cluster, site, fault, chance) as over,
        asyncio.TaskGroup() as tasks,
    ):
        for bucket in buckets:
            tasks.create_task(work(bucket, random.Random(chance.random())))
    found = await site.verdict()
    assert all(digest in tried[key] for key, digest in found.objects.items())
    assert len(found.orphans) <= sum("chunks may be left" in each.message for each in caplog.records)
    assert (found.consumers, found.unreadable) == (0, ())
