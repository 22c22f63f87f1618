"""What was put is there, whichever node is asked: a follower that lags must not be believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from natsobj import Bucket, Store
from natsobj.errors import ObjectNotFound
from natsobj.settings import Settings
from tests.chance import MIB, Chance
from tests.crowd import sha256
from tests.faults.site import Site
from tests.program import Result
from tests.servers import Cluster, NatsServer
from tests.sinks import Buffer

ROUNDS = 20


async def test_what_was_put_is_seen_by_the_next_program_at_another_node(
    cluster: Cluster, site: Site, chance: Chance
) -> None:
    """`info`, `get` and `ls` of the newest content, right after the put's end."""
    for _ in range(2):
        one, other = chance.sample(cluster.nodes, 2)
        data = chance.content(1, 2 * MIB)
        (await at(site, one, "put", site.bucket, "k", feed=data)).expect(0)
        info, got, listed = await asyncio.gather(
            at(site, other, "info", "--json", site.bucket, "k"),
            at(site, other, "get", "-q", site.bucket, "k"),
            at(site, other, "ls", "--json", site.bucket),
        )
        assert json.loads(info.expect(0).text)["sha256"] == sha256(data)
        assert sha256(got.expect(0).stdout) == sha256(data)
        assert [json.loads(line)["sha256"] for line in listed.expect(0).lines] == [sha256(data)]


async def at(site: Site, node: NatsServer, *args: str, feed: bytes = b"") -> Result:
    """Run the program at one node."""
    site.url = node.url
    return await site.start(*args, feed=feed).end()


async def test_puts_and_deletes_are_seen_at_once_at_another_node(
    cluster: Cluster, site: Site, chance: Chance
) -> None:
    """By the library, with no start of a program between, while other uploads keep the followers busy."""
    writer, reader = chance.sample(cluster.nodes, 2)
    async with (
        Store(Settings(servers=(writer.url,))) as here,
        Store(Settings(servers=(reader.url,))) as there,
        uploading(here.bucket(site.bucket), chance.randbytes(8 * MIB)),
    ):
        ours, theirs = here.bucket(site.bucket), there.bucket(site.bucket)
        for _ in range(ROUNDS):
            info = await ours.put("k", chance.content(1, MIB // 2))
            assert await theirs.info("k") == info
            sink = Buffer()
            await theirs.get("k", sink)
            assert sha256(bytes(sink.data)) == info.sha256
        await ours.delete("k")
        with pytest.raises(ObjectNotFound):
            await theirs.info("k")


@asynccontextmanager
async def uploading(bucket: Bucket, data: bytes) -> AsyncIterator[None]:
    """Replace one object again and again meanwhile."""
    over = asyncio.Event()

    async def upload() -> None:
        while not over.is_set():
            await bucket.put("other", data)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(upload())
        try:
            yield
        finally:
            over.set()
