"""More replicas for a bucket that is in use."""

from __future__ import annotations

import asyncio
import hashlib
import random
from pathlib import Path

from natsobj import BucketConfig, Store
from natsobj.settings import Settings
from tests.program import Program
from tests.servers import Cluster
from tests.verdict import verdict

WRITERS = 4


async def test_from_one_replica_to_three_nothing_is_lost(
    cluster: Cluster, bucket_name: str, tmp_path: Path
) -> None:
    """What was stored before, and all that is stored meanwhile, is there, whole."""
    program = Program(tmp_path, cluster.url)
    stop = asyncio.Event()
    stored: dict[str, str] = {}

    async def write(store: Store, number: int) -> None:
        own = random.Random(number)
        bucket = store.bucket(bucket_name)
        while not stop.is_set():
            key = f"{number}/{own.randrange(20)}"
            data = own.randbytes(own.randrange(300_000))
            stored[key] = (await bucket.put(key, data)).sha256 or ""
            assert hashlib.sha256(await bucket.read(key)).hexdigest() == stored[key]

    async with Store(Settings(servers=tuple(node.url for node in cluster.nodes))) as store:
        bucket = await store.create_bucket(BucketConfig(bucket_name))
        stored["before"] = (await bucket.put("before", bytes(2_000_000))).sha256 or ""
        async with asyncio.TaskGroup() as tasks:
            for number in range(WRITERS):
                tasks.create_task(write(store, number))
            done = await asyncio.to_thread(program, "edit", bucket_name, "--replicas", "3")
            await cluster.until_current(f"OBJ_{bucket_name}")
            stop.set()
        done.expect(0)
        found = await verdict(cluster.nodes[0].url, bucket_name)
        assert (found.objects, found.orphans, found.unreadable) == (stored, {}, ())
        status = await bucket.status()
        assert status.cluster is not None
        assert (status.replicas, len(status.cluster.replicas)) == (3, 2)
        await store.delete_bucket(bucket_name)
