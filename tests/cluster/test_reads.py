"""What was put is there, whichever node is asked: a follower that lags must not be believed."""

from __future__ import annotations

import asyncio
import json

import pytest

from natsobj import Store
from natsobj.errors import ObjectNotFound
from natsobj.settings import Settings
from tests.chance import MIB, Chance
from tests.crowd import sha256
from tests.faults.site import Site
from tests.program import Result
from tests.servers import Cluster, NatsServer
from tests.sinks import Buffer

ROUNDS = 60


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
    """By the library, with no start of a program between, while another upload keeps the followers busy."""
    writer, reader = chance.sample(cluster.nodes, 2)
    async with (
        Store(Settings(servers=(writer.url,))) as here,
        Store(Settings(servers=(reader.url,))) as there,
        asyncio.TaskGroup() as tasks,
    ):
        busy = tasks.create_task(upload_for_ever(here, site.bucket, chance.randbytes(8 * MIB)))
        for _ in range(ROUNDS):
            data = chance.content(1, MIB // 2)
            info = await here.bucket(site.bucket).put("k", data)
            assert await there.bucket(site.bucket).info("k") == info
            sink = Buffer()
            await there.bucket(site.bucket).get("k", sink)
            assert sha256(bytes(sink.data)) == info.sha256
        await here.bucket(site.bucket).delete("k")
        with pytest.raises(ObjectNotFound):
            await there.bucket(site.bucket).info("k")
        busy.cancel()


async def upload_for_ever(store: Store, bucket: str, data: bytes) -> None:
    """Replace one object again and again."""
    while True:
        await store.bucket(bucket).put("other", data)
