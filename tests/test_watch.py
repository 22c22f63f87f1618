"""Changes of a bucket as they happen, through the library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketNotFound, Change, InvalidMetadata, Store
from tests.behind import api, write_record
from tests.streams import within


def shown(change: Change | None) -> tuple[str, str] | None:
    """What happened to what."""
    return None if change is None else (change.event, change.info.name)


async def take(changes: AsyncGenerator[Change | None, None], number: int) -> list[tuple[str, str] | None]:
    """The next changes."""
    return [shown(await within(asyncio.ensure_future(anext(changes)))) for _ in range(number)]


@asynccontextmanager
async def watching(
    bucket: Bucket, changes: AsyncGenerator[Change | None, None]
) -> AsyncIterator[AsyncGenerator[Change | None, None]]:
    """A watch that has begun: it has told of an object that was put for it."""
    async with aclosing(changes):
        coming = asyncio.ensure_future(anext(changes))
        while not coming.done():
            await bucket.put("begin", b"")
            await asyncio.wait({coming}, timeout=0.1)
        yield changes


async def next_of(changes: AsyncGenerator[Change | None, None], number: int) -> list[tuple[str, str] | None]:
    """The next changes but those of the object that was put to see that it has begun."""
    found: list[tuple[str, str] | None] = []
    while len(found) < number:
        found += [each for each in await take(changes, 1) if each != ("put", "begin")]
    return found


async def test_each_change_is_told_as_it_happens(bucket: Bucket) -> None:
    """A put with all that is known of it, a delete, an update, a link, a rename under its new name."""
    async with watching(bucket, bucket.watch()) as changes:
        info = await bucket.put("a", b"content")
        while True:
            change = await within(asyncio.ensure_future(anext(changes)))
            if change is not None and change.info.name == "a":
                break
        assert change == Change("put", info)
        await bucket.update("a", description="text")
        assert await next_of(changes, 1) == [("put", "a")]
        await bucket.link("b", "a")
        assert await next_of(changes, 1) == [("put", "b")]
        await bucket.move("a", "c")
        assert await next_of(changes, 1) == [("put", "c")]
        await bucket.delete("c")
        assert await next_of(changes, 1) == [("delete", "c")]


async def test_what_is_there_comes_first_and_then_its_end(bucket: Bucket) -> None:
    """The oldest change first; no tombstones; then changes, as without it."""
    for key in ("b", "a", "gone", "b"):
        await bucket.put(key, b"")
    await bucket.delete("gone")
    async with aclosing(bucket.watch(history=True)) as changes:
        assert await take(changes, 3) == [("put", "a"), ("put", "b"), None]
        await bucket.delete("a")
        await bucket.put("c", b"")
        assert await take(changes, 2) == [("delete", "a"), ("put", "c")]


async def test_a_prefix_and_no_deletes(bucket: Bucket) -> None:
    """Only what begins with it, and only what is put."""
    async with aclosing(bucket.watch("a/", history=True, deletes=False)) as changes:
        assert await take(changes, 1) == [None]
        for key in ("b", "a/x", "a/y"):
            await bucket.put(key, b"")
        assert await take(changes, 2) == [("put", "a/x"), ("put", "a/y")]
        await bucket.delete("a/x")
        await bucket.put("a/z", b"")
        assert await take(changes, 1) == [("put", "a/z")]


async def test_a_record_that_cannot_be_read_ends_it_unless_somebody_is_told(
    bucket: Bucket, client: Client
) -> None:
    """Before and behind the end of what is there."""
    await write_record(client, bucket, "bad", {"size": -1})
    told: list[InvalidMetadata] = []
    async with aclosing(bucket.watch(history=True, on_unreadable=told.append)) as changes:
        assert await take(changes, 1) == [None]
        await write_record(client, bucket, "worse", {"size": -1})
        await bucket.put("k", b"")
        assert await take(changes, 1) == [("put", "k")]
    assert [error.where for error in told] == ["bad", "worse"]
    with pytest.raises(InvalidMetadata):
        await take(bucket.watch(history=True), 1)


async def test_it_goes_on_where_no_consumer_is_to_be_had(bucket: Bucket, client: Client) -> None:
    """Somebody else has the only one: it looks by itself."""
    info = await api(client, f"STREAM.INFO.OBJ_{bucket.name}")
    config = info["config"]
    assert isinstance(config, dict)
    await api(client, f"STREAM.UPDATE.OBJ_{bucket.name}", **config | {"max_consumers": 1})
    await client.jetstream().pull_subscribe(f"$O.{bucket.name}.M.>", "other", f"OBJ_{bucket.name}")
    async with aclosing(bucket.watch(history=True)) as changes:
        assert await take(changes, 1) == [None]
        for key in "abc":
            await bucket.put(key, b"")
        assert await take(changes, 3) == [("put", key) for key in "abc"]


async def test_a_bucket_that_is_missing_or_goes_away_ends_it(store: Store, bucket: Bucket) -> None:
    """And no consumer is left behind one that was ended."""
    async with watching(bucket, bucket.watch()):
        pass
    assert (await bucket.stream.info())["state"]["consumer_count"] == 0
    async with aclosing(bucket.watch(history=True)) as changes:
        assert await take(changes, 2) == [("put", "begin"), None]
        coming = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        await store.delete_bucket(bucket.name)
        with pytest.raises(BucketNotFound):
            await within(coming)
    with pytest.raises(BucketNotFound):
        await take(bucket.watch(), 1)
