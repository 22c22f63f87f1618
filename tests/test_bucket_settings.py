"""Changes of a bucket's settings, and seals, through the library."""

from __future__ import annotations

from datetime import timedelta

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, BucketNotFound, BucketSealed, ConfigRefused, Store
from tests.behind import api


async def config(client: Client, bucket: Bucket) -> dict[str, object]:
    """The stream's settings as the server has them."""
    found = (await api(client, f"STREAM.INFO.OBJ_{bucket.name}"))["config"]
    assert isinstance(found, dict)
    return found


async def test_an_edit_changes_what_it_names_and_nothing_else(
    store: Store, bucket: Bucket, client: Client
) -> None:
    """Settings that are unknown here stay, the server's own metadata too; a window for duplicates is cut."""
    raw = await config(client, bucket)
    await api(
        client,
        f"STREAM.UPDATE.OBJ_{bucket.name}",
        **raw | {"max_msg_size": 1_000_000, "metadata": {"a": "1"}},
    )
    before = await config(client, bucket)
    changed = await store.update_bucket(
        bucket.name,
        description="text",
        ttl=timedelta(seconds=20),
        max_bytes=10_000_000,
        compressed=True,
        metadata={"b": "2"},
        remove_metadata=["a", "none"],
    )
    after = await config(client, bucket)
    nanoseconds = 20_000_000_000
    expected = {"description": "text", "max_age": nanoseconds, "duplicate_window": nanoseconds}
    expected |= {"max_bytes": 10_000_000, "compression": "s2", "metadata": after["metadata"]}
    assert after == before | expected
    info = await changed.status()
    assert (info.metadata, info.ttl, info.max_bytes) == ({"b": "2"}, timedelta(seconds=20), 10_000_000)
    await store.update_bucket(bucket.name, description="", ttl=timedelta(0), max_bytes=0)
    info = await bucket.status()
    assert (info.description, info.ttl, info.max_bytes, info.compressed) == (None, None, None, True)


async def test_what_the_server_refuses_is_said(store: Store, bucket: Bucket) -> None:
    """Another storage, replicas without a cluster; a bucket that is missing."""
    with pytest.raises(ConfigRefused, match="storage"):
        await store.update_bucket(bucket.name, storage="memory")
    with pytest.raises(ConfigRefused, match="replicas"):
        await store.update_bucket(bucket.name, replicas=3)
    with pytest.raises(BucketNotFound):
        await store.update_bucket("zzz-no-such", ttl=timedelta(1))
    with pytest.raises(TypeError, match="ttl"):
        await store.update_bucket(bucket.name, ttl=5)  # type: ignore[arg-type]


async def test_create_or_update_makes_a_bucket_so_or_anew(store: Store, bucket_name: str) -> None:
    """The same settings come out either way."""
    for ttl in (None, timedelta(days=1), None):
        bucket = await store.create_or_update_bucket(BucketConfig(bucket_name, ttl=ttl))
        assert (await bucket.status()).ttl == ttl
    await store.delete_bucket(bucket_name)


async def test_a_sealed_bucket_is_read_only_for_good(store: Store, bucket: Bucket) -> None:
    """It can be read, and sealed again, and that is all."""
    await store.update_bucket(bucket.name, ttl=timedelta(days=1))
    await bucket.put("k", b"content")
    await bucket.seal()
    await bucket.seal()
    assert (await bucket.status()).sealed
    assert await bucket.read("k") == b"content"
    for change in (
        bucket.put("k", b"new"),
        bucket.delete("k"),
        bucket.link("new", "k"),
        bucket.move("k", "new"),
        bucket.update("k", description="new"),
        store.update_bucket(bucket.name, description="new"),
    ):
        with pytest.raises(BucketSealed):
            await change
