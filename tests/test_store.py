"""Buckets: created, listed, described, deleted; and the listing of what is in them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from nats.aio.client import Client

from natsobj import Bucket, ObjectMeta, Store
from natsobj.adr20.names import metadata_subject
from natsobj.errors import (
    BucketExists,
    BucketNotFound,
    ConfigRefused,
    InvalidBucketName,
    ObjectExists,
    ObjectNotFound,
)
from natsobj.models import BucketConfig
from natsobj.settings import Settings
from tests.behind import api, fetch
from tests.conftest import Serve
from tests.servers import PLAIN


async def test_a_bucket_is_what_was_asked_for(store: Store, bucket_name: str) -> None:
    """Every setting arrives at the server and comes back."""
    config = BucketConfig(
        bucket_name,
        description="a [bold] one",
        ttl=timedelta(days=2),
        storage="memory",
        max_bytes=5_000_000,
        compressed=True,
        metadata={"team": "a"},
    )
    bucket = await store.create_bucket(config)
    info = await bucket.status()
    assert (info.description, info.ttl, info.storage) == ("a [bold] one", timedelta(days=2), "memory")
    assert (info.max_bytes, info.compressed, info.metadata) == (5_000_000, True, {"team": "a"})
    assert (info.replicas, info.sealed, info.last_update) == (1, False, None)
    assert (info.objects, info.chunks, info.size) == (0, 0, 0)


async def test_the_stream_is_what_other_clients_make(bucket: Bucket, client: Client) -> None:
    """Subjects, rollup, direct get and discard policy as ADR-20 has them."""
    config = (await api(client, f"STREAM.INFO.OBJ_{bucket.name}"))["config"]
    assert isinstance(config, dict)
    assert config["subjects"] == [f"$O.{bucket.name}.C.>", f"$O.{bucket.name}.M.>"]
    assert (config["allow_rollup_hdrs"], config["allow_direct"], config["discard"]) == (True, True, "new")


async def test_a_bucket_cannot_be_made_twice(store: Store, bucket: Bucket) -> None:
    """Neither with equal nor with other settings."""
    for config in (BucketConfig(bucket.name), BucketConfig(bucket.name, description="other")):
        with pytest.raises(BucketExists):
            await store.create_bucket(config)


async def test_settings_that_the_server_refuses_are_told(store: Store, bucket_name: str) -> None:
    """Three replicas on one server, far too many, a TTL under 100 ms."""
    for config in (
        BucketConfig(bucket_name, replicas=3),
        BucketConfig(bucket_name, replicas=99),
        BucketConfig(bucket_name, ttl=timedelta(milliseconds=1)),
    ):
        with pytest.raises(ConfigRefused):
            await store.create_bucket(config)
    assert bucket_name not in await store.bucket_names()


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b", "ä", "*", ">", "a\n", "$O"])
async def test_an_invalid_name_is_refused_without_asking(store: Store, name: str) -> None:
    """No server could accept it."""
    with pytest.raises(InvalidBucketName):
        await store.create_bucket(BucketConfig(name))
    with pytest.raises(InvalidBucketName):
        store.bucket(name)
    with pytest.raises(InvalidBucketName):
        await store.delete_bucket(name)


async def test_buckets_are_listed_and_other_streams_are_not(
    store: Store, bucket: Bucket, client: Client
) -> None:
    """Whatever else lives in the account is left out."""
    await api(client, "STREAM.CREATE.other", name="other", subjects=["other"], num_replicas=1)
    await bucket.put("k", b"x")
    infos = {info.bucket: info async for info in store.buckets()}
    assert infos[bucket.name].last_update is not None
    assert (infos[bucket.name].objects, infos[bucket.name].chunks) == (None, None)
    assert "other" not in infos
    assert "other" not in await store.bucket_names()
    await api(client, "STREAM.DELETE.other")


async def test_more_buckets_than_a_page_are_all_listed(serve: Serve) -> None:
    """The server gives 256 streams at once; all of 300 arrive, once each."""
    async with Store(Settings(servers=(serve(PLAIN).url,))) as store:
        names = [f"b{n:03}" for n in range(300)]
        for name in names:
            await store.create_bucket(BucketConfig(name, storage="memory"))
        assert sorted([info.bucket async for info in store.buckets()]) == names
        assert sorted(await store.bucket_names()) == names
        account = await store.account()
        assert (account.buckets, account.size, account.domain) == (300, 0, None)


async def test_a_deleted_bucket_is_gone(store: Store, bucket: Bucket) -> None:
    """With all that was in it; a second time there is none."""
    await bucket.put("k", b"x")
    await store.delete_bucket(bucket.name)
    with pytest.raises(BucketNotFound):
        await store.delete_bucket(bucket.name)
    for attempt in (bucket.status(), bucket.info("k"), fetch(bucket, "k"), bucket.delete("k")):
        with pytest.raises(BucketNotFound):
            await attempt
    with pytest.raises(BucketNotFound):
        _ = [info async for info in bucket.list()]


async def test_status_counts_objects_and_chunks(bucket: Bucket) -> None:
    """Live objects and stored chunks, exactly."""
    await bucket.put("a", bytes(300_000))
    await bucket.put("b", b"")
    await bucket.put("c", b"x")
    await bucket.delete("c")
    info = await bucket.status()
    assert (info.objects, info.chunks) == (2, 3)
    assert info.last_update is not None
    assert info.last_update >= info.created


async def test_a_listing_has_the_order_of_change(bucket: Bucket) -> None:
    """Oldest change first; a prefix narrows it; an empty bucket gives nothing."""
    assert [info.name async for info in bucket.list()] == []
    for key in ("b/2", "a/1", "b/1", "b/2"):
        await bucket.put(key, b"x")
    assert [info.name async for info in bucket.list()] == ["a/1", "b/1", "b/2"]
    assert [info.name async for info in bucket.list("b/")] == ["b/1", "b/2"]


async def test_a_listing_of_thousands_is_complete(bucket: Bucket) -> None:
    """More than one batch of Direct Get: every name once, none missing."""
    names = [f"k{n}" for n in range(2500)]
    for start in range(0, len(names), 100):
        await asyncio.gather(*(bucket.put(name, b"") for name in names[start : start + 100]))
    assert sorted([info.name async for info in bucket.list()]) == sorted(names)


async def test_records_without_rollup_are_listed_once(bucket: Bucket, client: Client) -> None:
    """Of several messages on one subject the last one counts (nats.js writes links like that)."""
    for size in (1, 2, 3):
        record = {"name": "k", "bucket": bucket.name, "options": {"link": {"bucket": f"b{size}"}}}
        await client.request(metadata_subject(bucket.name, "k"), json.dumps(record).encode(), timeout=5)
    assert [str(info.link) async for info in bucket.list()] == ["b3"]
    assert str((await bucket.info("k")).link) == "b3"


async def test_a_name_that_was_encoded_as_latin_1_is_found(bucket: Bucket, client: Client) -> None:
    """nats.js stores `Köpfe` under another subject; it is found, and deleted, all the same."""
    await bucket.put("other", b"x")
    record = {"name": "Köpfe", "bucket": bucket.name, "size": 0, "chunks": 0, "nuid": "n"}
    subject = f"$O.{bucket.name}.M.S/ZwZmU=".replace("/", "_")
    await client.request(subject, json.dumps(record).encode(), timeout=5)
    assert (await bucket.info("Köpfe")).name == "Köpfe"
    await bucket.delete("Köpfe")
    assert [info.name async for info in bucket.list()] == ["other"]


async def test_a_put_replaces_the_record_that_is_found_under_a_name(bucket: Bucket, client: Client) -> None:
    """Also where another client encoded the name otherwise: one object, not two of the same name."""
    record = {"name": "Köpfe", "bucket": bucket.name, "size": 0, "chunks": 0, "nuid": "n"}
    subject = f"$O.{bucket.name}.M.S_ZwZmU="
    await client.request(subject, json.dumps(record).encode(), timeout=5)
    with pytest.raises(ObjectExists):
        await bucket.put("Köpfe", b"new", if_absent=True)
    await bucket.put("Köpfe", b"new")
    assert [info.size async for info in bucket.list()] == [3]
    assert await fetch(bucket, "Köpfe") == b"new"
    await bucket.delete("Köpfe")
    assert [info.name async for info in bucket.list()] == []


async def test_a_bucket_s_status_has_the_stream_s_own_information(bucket: Bucket) -> None:
    """For what has no field of its own."""
    raw = (await bucket.status()).raw
    assert raw["config"]["name"] == f"OBJ_{bucket.name}"
    assert raw["state"]["consumer_count"] == 0


async def test_a_tombstone_can_be_asked_for(bucket: Bucket) -> None:
    """That an object was deleted, and when; a live one comes as ever, and what never was does not."""
    await bucket.put("gone", b"content", ObjectMeta(description="text"))
    assert not (await bucket.info("gone", deleted=True)).deleted
    await bucket.delete("gone")
    tombstone = await bucket.info("gone", deleted=True)
    assert (tombstone.name, tombstone.deleted, tombstone.size) == ("gone", True, 0)
    for deleted, key in ((False, "gone"), (True, "nothing")):
        with pytest.raises(ObjectNotFound):
            await bucket.info(key, deleted=deleted)
