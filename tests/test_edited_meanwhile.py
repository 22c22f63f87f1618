"""A bucket that another client edits, or makes anew, while a `Bucket` or a verb lives on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, Store, UnsuitableStream
from natsobj.errors import BucketReadOnly, ChunksLost, ObjectNotFound, RefusedError, TemporaryError
from natsobj.folders.sync_up import sync_to_bucket
from tests.behind import api, messages

DATA = bytes(range(256)) * 12_000


async def edit(client: Client, bucket: Bucket, **changes: object) -> None:
    """Give the stream other settings, as `nats stream edit` does."""
    info = await api(client, f"STREAM.INFO.OBJ_{bucket.name}")
    config = info["config"]
    assert isinstance(config, dict)
    await api(client, f"STREAM.UPDATE.OBJ_{bucket.name}", **{**config, **changes})


async def test_a_put_sees_settings_of_now(client: Client, bucket: Bucket) -> None:
    """What loses chunks is refused also by a bucket that had none of it; and no longer once it is mended."""
    await bucket.put("k", DATA)
    await edit(client, bucket, max_msgs_per_subject=10)
    with pytest.raises(UnsuitableStream):
        await bucket.put("other", DATA)
    await edit(client, bucket, max_msgs_per_subject=-1)
    await bucket.put("other", DATA)
    assert await bucket.read("other") == DATA


async def test_an_edit_while_a_put_is_under_way_is_no_success(client: Client, bucket: Bucket) -> None:
    """The settings are looked at again before the commit: a stream that drops its oldest has lost chunks."""

    async def data() -> AsyncIterator[bytes]:
        yield DATA
        await edit(client, bucket, discard="old", max_msgs=30)  # more than there are so far
        begun = time.monotonic()
        while time.monotonic() - begun < 1.2:  # what was just asked is believed for a second
            await client.flush()
        yield DATA

    with pytest.raises((RefusedError, ChunksLost)):
        await bucket.put("k", data())
    with pytest.raises(ObjectNotFound):
        await bucket.info("k")
    assert await messages(client, bucket) == 0


async def test_a_bucket_that_was_a_mirror_is_read_as_what_it_is_now(
    store: Store, client: Client, bucket: Bucket
) -> None:
    """A mirror has the subjects of its origin, one that is made anew its own."""
    await bucket.put("k", b"origin")
    mirror = store.bucket(f"{bucket.name}-2")
    await api(
        client,
        f"STREAM.CREATE.OBJ_{mirror.name}",
        name=f"OBJ_{mirror.name}",
        mirror={"name": f"OBJ_{bucket.name}"},
    )
    while not [info async for info in mirror.list()]:
        pass
    assert await mirror.read("k") == b"origin"
    with pytest.raises(BucketReadOnly):
        await mirror.put("k", b"")
    await store.delete_bucket(mirror.name)
    await store.create_bucket(BucketConfig(mirror.name))
    await mirror.put("k", b"own")
    assert await mirror.read("k") == b"own"
    assert await bucket.read("k") == b"origin"
    await store.delete_bucket(mirror.name)


async def test_a_watch_tells_the_changes_of_a_bucket_that_is_made_anew(store: Store, bucket: Bucket) -> None:
    """From its first one on, though their sequences are lower than those that it knew."""
    for number in range(10):
        await bucket.put(f"old-{number}", b"")
    told = []
    async with aclosing(bucket.watch(history=True)) as changes:
        async for change in changes:
            if change is None:
                await store.delete_bucket(bucket.name)
                anew = await store.create_bucket(BucketConfig(bucket.name))
                for name in ("first", "second", "last"):
                    await anew.put(name, b"")
            elif not change.info.name.startswith("old-"):
                told.append(change.info.name)
                if told[-1] == "last":
                    break
    assert told == ["first", "second", "last"]


async def test_a_sync_deletes_nothing_in_a_bucket_that_was_made_anew(
    store: Store, bucket: Bucket, tmp_path: Path
) -> None:
    """An object there may have the very revision of one that was listed."""
    await bucket.put("gone", b"old")
    (tmp_path / "a").write_text("a")

    async def sync() -> None:
        async with aclosing(sync_to_bucket(bucket, str(tmp_path), delete=True)) as outcomes:
            async for _ in outcomes:
                await store.delete_bucket(bucket.name)
                anew = await store.create_bucket(BucketConfig(bucket.name))
                await anew.put("gone", b"new")

    with pytest.raises(TemporaryError):
        await sync()
    assert await bucket.read("gone") == b"new"
