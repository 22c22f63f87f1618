"""Verifying and sweeping with three replicas: neither a lagging follower nor a new leader costs an object."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import timedelta

from nats.aio.client import Client
from nats.errors import Error as NatsError

from natsobj import Bucket, NatsobjError, Orphan, Store
from natsobj.adr20.names import chunk_subject, metadata_subject
from natsobj.checks import orphans, verify
from natsobj.settings import Settings
from tests.behind import fetch
from tests.chance import Chance
from tests.faults.site import Site
from tests.servers import Cluster

NOW = timedelta()
ROUNDS = 15


async def removed(bucket: Bucket) -> set[str]:
    """The nuids whose chunks a sweep removes."""
    found = [each async for each in orphans.remove_orphans(bucket, older_than=NOW)]
    return {each.nuid for each in found if isinstance(each, Orphan) and each.removed}


async def publish(client: Client, subject: str, payload: bytes) -> None:
    """Store a message; fails where there is no leader."""
    answer = json.loads((await client.request(subject, payload, timeout=2)).data or b'{"error":"no leader"}')
    if "error" in answer:
        raise NatsError(answer["error"])


async def upload(client: Client, bucket: Bucket, nuid: str) -> None:
    """Store three chunks that no record names."""
    for part in (b"0", b"1", b"2"):
        await publish(client, chunk_subject(bucket.name, nuid), part)


async def test_what_was_just_put_is_whole_and_nobodys_chunks_are_swept(
    cluster: Cluster, site: Site, chance: Chance
) -> None:
    """Asked at another node than the one that it was put to, again and again."""
    writer, reader = chance.sample(cluster.nodes, 2)
    async with (
        Store(Settings(servers=(writer.url,))) as here,
        Store(Settings(servers=(reader.url,))) as there,
        cluster.client() as client,
    ):
        ours, theirs = here.bucket(site.bucket), there.bucket(site.bucket)
        for index in range(ROUNDS):
            await ours.put(f"k{index % 4}", chance.content(1, 300_000))
            await upload(client, ours, f"ORPHAN{index}")
            assert await removed(theirs) == {f"ORPHAN{index}"}
            for quick in (True, False):
                found = [each async for each in verify.verify(await verify.survey(theirs), quick=quick)]
                assert len(found) == min(4, index + 1)
                assert all(each.ok for each in found)


async def test_no_commit_is_lost_to_sweeps_while_leaders_change(
    cluster: Cluster, site: Site, chance: Chance
) -> None:
    """Uploads of other clients, each committed after a moment, and sweeps that spare nothing but objects.

    A sweep may be faster than the commit, which these clients do not notice: what was whole behind its
    commit must be whole for ever.
    """
    committed: list[str] = []
    done = asyncio.Event()

    async def commit(bucket: Bucket, number: int) -> None:
        async with cluster.client() as client:
            for index in range(1000):
                name = f"k{number}-{index}"
                record = {"name": name, "bucket": bucket.name, "nuid": f"N{name}", "size": 3, "chunks": 3}
                with suppress(NatsError, TimeoutError):
                    await upload(client, bucket, f"N{name}")
                    await asyncio.sleep(chance.uniform(0, 0.1))  # it is this moment that is tested
                    await publish(client, metadata_subject(bucket.name, name), json.dumps(record).encode())
                    if (
                        await bucket.stream.js.count(
                            f"OBJ_{bucket.name}", chunk_subject(bucket.name, f"N{name}")
                        )
                        == 3
                    ):
                        committed.append(name)
                if done.is_set():
                    return

    async def sweep(bucket: Bucket) -> None:
        while not done.is_set():
            with suppress(NatsobjError):
                await removed(bucket)

    async with site.opened() as bucket:
        work = [asyncio.create_task(commit(bucket, number)) for number in range(3)]
        work.append(asyncio.create_task(sweep(bucket)))
        for _ in range(4):
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            await cluster.step_down(f"OBJ_{site.bucket}")
        done.set()
        await asyncio.gather(*work)
        assert committed
        for name in committed:
            assert await fetch(bucket, name) == b"012"
