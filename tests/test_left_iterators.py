"""Iterators that are left in the middle and not closed, as a `break` leaves them: the store tidies up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import pytest
from nats.aio.client import Client

from natsobj import Bucket, Store
from natsobj.settings import Settings
from natsobj.stream.listing import LONG
from tests.behind import api
from tests.servers import NatsServer
from tests.test_list import write_many

WITHIN = 5.0
"""Seconds in which a deletion has reached the server; a consumer that is not deleted stays for ten."""


@pytest.fixture
async def complaints() -> AsyncIterator[list[dict[str, Any]]]:
    """What the event loop has to say of tasks that nobody awaits."""
    said: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: said.append(context))
    yield said
    loop.set_exception_handler(before)


async def left(items: AsyncGenerator[Any, None]) -> None:
    """Take one, and leave."""
    async for _ in items:
        break


async def until_no_consumers(client: Client, bucket: Bucket) -> None:
    """Return once the stream has none."""
    async with asyncio.timeout(WITHIN):
        while (await api(client, f"CONSUMER.NAMES.OBJ_{bucket.name}"))["consumers"]:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 10])
@pytest.mark.parametrize(
    "verb", [Bucket.list, lambda bucket: bucket.watch(history=True)], ids=["list", "watch"]
)
async def test_a_break_leaves_no_consumer_and_no_complaint(
    server: NatsServer,
    client: Client,
    bucket: Bucket,
    complaints: list[dict[str, Any]],
    *,
    verb: Callable[[Bucket], AsyncGenerator[Any, None]],
    turns: int,
) -> None:
    """Whether the store ends at once, or while the server is asked to delete the consumer."""
    await write_many(client, bucket, [f"k{number}" for number in range(LONG)])
    async with Store(Settings(servers=(server.url,))) as store:
        await left(verb(store.bucket(bucket.name)))
        for _ in range(turns):
            await asyncio.sleep(0)
    await until_no_consumers(client, bucket)
    assert complaints == []


async def test_an_iterator_may_be_closed_after_its_store(
    server: NatsServer, client: Client, bucket: Bucket, complaints: list[dict[str, Any]]
) -> None:
    """Its consumer is gone by then."""
    await write_many(client, bucket, [f"k{number}" for number in range(LONG)])
    async with Store(Settings(servers=(server.url,))) as store:
        infos = store.bucket(bucket.name).list()
        await anext(infos)
    await until_no_consumers(client, bucket)
    await infos.aclose()
    assert complaints == []
