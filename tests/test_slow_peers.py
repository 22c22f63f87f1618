"""Readers and writers that take their time: a server that was away meanwhile is not held against it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from datetime import timedelta

import nats
import pytest

from natsobj import Bucket, BucketConfig, Store
from natsobj.connection import GIVE_UP_AFTER
from natsobj.settings import Settings
from natsobj.stream.listing import LONG
from tests.conftest import Serve
from tests.servers import NatsServer
from tests.sinks import Gate
from tests.test_long_lists import fill

TIMEOUT = 0.5
PACE = 0.02
DATA = bytes(range(256)) * 256 * 200
"""100 chunks of the default size: read by a consumer."""

Verb = Callable[[Bucket, NatsServer], Coroutine[None, None, None]]


async def absence(server: NatsServer) -> None:
    """The server restarts, and then nothing happens for longer than anything is retried."""
    server.stop()
    server.start()
    await asyncio.sleep((GIVE_UP_AFTER + 1) * TIMEOUT)


async def reads_slowly(bucket: Bucket, server: NatsServer) -> None:
    """A sink takes nothing while the server is away."""
    await bucket.put("key", DATA)
    sink = Gate()
    getting = asyncio.create_task(bucket.get("key", sink))
    await sink.reached.wait()
    await absence(server)
    sink.opened.set()
    await getting
    assert sink.data == DATA


async def writes_slowly(bucket: Bucket, server: NatsServer) -> None:
    """A source gives nothing while the server is away."""

    async def parts() -> AsyncIterator[bytes]:
        yield DATA
        while (await bucket.status()).chunks != 100:
            await asyncio.sleep(PACE)
        await absence(server)
        yield DATA

    assert (await bucket.put("key", parts())).size == 2 * len(DATA)


async def lists_slowly(bucket: Bucket, server: NatsServer) -> None:
    """A list of more than what arrives at once is not read on while the server is away."""
    async with await nats.connect(server.url) as client:
        await fill(client, bucket, LONG)
    names = []
    async with aclosing(bucket.list()) as infos:
        async for info in infos:
            names.append(info.name)
            if len(names) == 1:
                await absence(server)
    assert len(names) == len(set(names)) == LONG + 1


async def watches_slowly(bucket: Bucket, server: NatsServer) -> None:
    """Whoever watches is busy with a change while the server is away."""
    async with aclosing(bucket.watch(history=True)) as changes:
        assert await anext(changes) is None
        for name in ("before", "after"):
            await bucket.put(name, b"")
            change = await anext(changes)
            assert change is not None
            assert change.info.name == name
            if name == "before":
                await absence(server)


@pytest.mark.parametrize("verb", [reads_slowly, writes_slowly, lists_slowly, watches_slowly])
async def test_a_slow_peer_of_ours_does_not_use_up_the_patience(serve: Serve, verb: Verb) -> None:
    """The connection was lost longer ago than a transfer is retried, but nobody has tried since."""
    server = serve("jetstream: enabled")
    async with Store(Settings(servers=(server.url,), timeout=timedelta(seconds=TIMEOUT))) as store:
        await verb(await store.create_bucket(BucketConfig("slow")), server)
