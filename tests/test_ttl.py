"""Objects that go by themselves: a time to live for the record, and a longer one for its chunks."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, ConfigRefused, InvalidArgument, ObjectMeta, Store
from tests.behind import api

WEEK = ObjectMeta(ttl=timedelta(days=7), chunk_size=10)
SECONDS = 7 * 24 * 3600


@pytest.fixture
async def expiring(store: Store) -> AsyncIterator[Bucket]:
    """A bucket whose objects may go by themselves."""
    bucket = await store.create_bucket(BucketConfig(f"test-{uuid.uuid4().hex[:12]}", object_ttl=True))
    yield bucket
    await store.delete_bucket(bucket.name)


async def lasts(client: Client, bucket: Bucket, subject: str) -> int | None:
    """The seconds that the last message of a subject was given, None for ever."""
    stored = await client.jetstream().get_last_msg(f"OBJ_{bucket.name}", subject)
    text = (stored.headers or {}).get("Nats-TTL")
    return None if text is None else int(text.removesuffix("s"))


async def both(client: Client, bucket: Bucket, key: str) -> tuple[int | None, int | None]:
    """What record and chunks of an object were given."""
    info = await bucket.info(key)
    chunks = f"$O.{bucket.name}.C.{info.nuid}"
    return await lasts(client, bucket, info.subject), await lasts(client, bucket, chunks)


async def test_chunks_last_longer_than_their_record(expiring: Bucket, client: Client) -> None:
    """Twice as long, or an hour longer; without a wish all is for ever."""
    await expiring.put("week", b"content" * 10, WEEK)
    await expiring.put("soon", b"content", ObjectMeta(ttl=timedelta(seconds=1.5)))
    await expiring.put("ever", b"content")
    assert await both(client, expiring, "week") == (SECONDS, 2 * SECONDS)
    assert await both(client, expiring, "soon") == (2, 2 + 3600)
    assert await both(client, expiring, "ever") == (None, None)


async def test_an_object_goes_by_itself(expiring: Bucket) -> None:
    """And is no object any more, for nobody."""
    await expiring.put("k", b"content", ObjectMeta(ttl=timedelta(seconds=1)))
    async with asyncio.timeout(30):
        while [info async for info in expiring.list()]:
            await asyncio.sleep(0.1)
    await expiring.put("k", b"again", if_absent=True)


async def test_what_is_left_of_its_time_goes_along(expiring: Bucket, bucket: Bucket, client: Client) -> None:
    """With an edit, a rename and a copy, not into a bucket that does not allow it; a put begins anew."""
    await expiring.put("a", b"content", WEEK)
    await expiring.update("a", description="text")
    await expiring.copy("a", "copy")
    await expiring.copy("a", "far", bucket=bucket.name)
    await expiring.move("a", "b")
    for key in ("b", "copy"):
        record, chunks = await both(client, expiring, key)
        assert record is not None
        assert chunks is not None
        assert SECONDS - 60 < record <= SECONDS < chunks
    assert await both(client, bucket, "far") == (None, None)
    await expiring.put("b", b"new")
    assert await both(client, expiring, "b") == (None, None)


async def test_what_the_server_would_not_keep_to_is_refused(
    store: Store, expiring: Bucket, bucket: Bucket, client: Client
) -> None:
    """By the name of the server's setting, or of ours, and nothing is stored."""
    with pytest.raises(ConfigRefused, match="it allows no TTL of single objects"):
        await bucket.put("k", b"content", WEEK)
    await store.update_bucket(bucket.name, object_ttl=True)
    await bucket.put("k", b"content", WEEK)
    config = (await api(client, f"STREAM.INFO.OBJ_{expiring.name}"))["config"]
    assert isinstance(config, dict)
    raised = config | {"subject_delete_marker_ttl": 600 * 10**9}
    await api(client, f"STREAM.UPDATE.OBJ_{expiring.name}", **raised)
    again = store.bucket(expiring.name)
    with pytest.raises(ConfigRefused, match="subject_delete_marker_ttl is 600 s"):
        await again.put("k", b"content", ObjectMeta(ttl=timedelta(seconds=5)))
    assert (await expiring.stream.info())["state"]["messages"] == 0
    with pytest.raises(InvalidArgument, match="ttl"):
        ObjectMeta(ttl=timedelta(milliseconds=999))
