"""The cases that every NATS client passes for object stores, named as the compatibility suite names them.

There a tester makes buckets and objects, asks the client to do one thing, and looks at the stream. Here the
tester is another client (nats-py) and plain API calls, and what is asked is asked of the library.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import aclosing
from datetime import timedelta

from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, Link, ObjectMeta, Store
from tests.behind import api, record_of, write_record
from tests.streams import within

FILE = bytes(range(256)) * 2000
"""More than one chunk."""


def digest(data: bytes) -> str:
    """The SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


async def settings(client: Client, bucket: str) -> dict[str, object]:
    """The settings of a bucket's stream, as the server has them."""
    config = (await api(client, f"STREAM.INFO.OBJ_{bucket}"))["config"]
    assert isinstance(config, dict)
    return config


async def stored_by_another(client: Client, bucket: Bucket, key: str, data: bytes) -> None:
    """Store an object with another client."""
    await (await client.jetstream().object_store(bucket.name)).put(key, data)


async def test_default_bucket(store: Store, client: Client, bucket_name: str) -> None:
    """A bucket of which only the name is given has the stream that ADR-20 says."""
    await store.create_bucket(BucketConfig(bucket_name))
    config = await settings(client, bucket_name)
    expected = {
        "subjects": [f"$O.{bucket_name}.C.>", f"$O.{bucket_name}.M.>"],
        "discard": "new",
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "storage": "file",
        "num_replicas": 1,
        "max_age": 0,
        "max_bytes": -1,
    }
    assert {name: config.get(name) for name in expected} == expected
    await store.delete_bucket(bucket_name)


async def test_custom_bucket(store: Store, client: Client, bucket_name: str) -> None:
    """Description, limits, storage and metadata reach the stream; the status tells them, and it whole."""
    wanted = BucketConfig(
        bucket_name,
        description="test",
        ttl=timedelta(hours=1),
        storage="memory",
        max_bytes=10_000_000,
        metadata={"foo": "bar"},
    )
    status = await (await store.create_bucket(wanted)).status()
    config = await settings(client, bucket_name)
    assert (config["description"], config["storage"], config["max_bytes"]) == ("test", "memory", 10_000_000)
    assert config["max_age"] == 3_600_000_000_000
    assert (status.description, status.ttl, status.metadata) == ("test", wanted.ttl, {"foo": "bar"})
    assert (status.storage, status.max_bytes, status.raw["config"]) == ("memory", 10_000_000, config)
    await store.delete_bucket(bucket_name)


async def test_get_object(bucket: Bucket, client: Client) -> None:
    """What another client stored has its digest here."""
    await stored_by_another(client, bucket, "nats-server.zip", FILE)
    assert digest(await bucket.read("nats-server.zip")) == digest(FILE)


async def test_put_object(bucket: Bucket, client: Client) -> None:
    """What is stored here, and what is said about it, another client finds."""
    meta = ObjectMeta(description="a server", headers={"Content-Type": "application/zip"})
    await bucket.put("nats-server.zip", FILE, meta)
    theirs = await (await client.jetstream().object_store(bucket.name)).get("nats-server.zip")
    assert (theirs.data, theirs.info.description, theirs.info.chunks) == (FILE, "a server", 4)
    assert theirs.info.headers == {"Content-Type": ["application/zip"]}


async def test_get_link(bucket: Bucket, client: Client) -> None:
    """A link of another client leads to the object."""
    await stored_by_another(client, bucket, "object", FILE)
    options = {"link": {"bucket": bucket.name, "name": "object"}}
    await write_record(client, bucket, "link", {"options": options})
    assert digest(await bucket.read("link")) == digest(FILE)
    assert (await bucket.info("link")).link == Link(bucket.name, "object")


async def test_put_link(bucket: Bucket, client: Client) -> None:
    """A link that is made here is a record as every client writes it, and another one follows it."""
    await stored_by_another(client, bucket, "object", FILE)
    await bucket.link("link", "object")
    record = await record_of(client, bucket, "link")
    assert record["options"] == {"link": {"bucket": bucket.name, "name": "object"}}
    assert (await (await client.jetstream().object_store(bucket.name)).get("link")).data == FILE


async def test_update_metadata(bucket: Bucket, client: Client) -> None:
    """Another name and description of what another client stored; the bytes stay where they are."""
    await stored_by_another(client, bucket, "object", FILE)
    before = await record_of(client, bucket, "object")
    await bucket.update("object", description="changed", metadata={"one": "1"})
    await bucket.move("object", "renamed")
    after = await record_of(client, bucket, "renamed")
    assert (after["description"], after["metadata"]) == ("changed", {"one": "1"})
    assert [after[name] for name in ("nuid", "digest")] == [before[name] for name in ("nuid", "digest")]
    assert [info.name async for info in bucket.list(deleted=True)] == ["renamed"]
    assert (await (await client.jetstream().object_store(bucket.name)).get("renamed")).data == FILE


async def test_watch(bucket: Bucket, client: Client) -> None:
    """First what is there, then its end, then what another client stores."""
    await stored_by_another(client, bucket, "one", b"1")
    async with aclosing(bucket.watch(history=True)) as changes:
        first, end = [await within(asyncio.ensure_future(anext(changes))) for _ in range(2)]
        await stored_by_another(client, bucket, "two", b"2")
        second = await within(asyncio.ensure_future(anext(changes)))
    assert end is None
    assert first is not None
    assert second is not None
    assert [first.info.sha256, second.info.sha256] == [digest(b"1"), digest(b"2")]


async def test_watch_updates(bucket: Bucket, client: Client) -> None:
    """What is there is not told, only what comes."""
    await stored_by_another(client, bucket, "one", b"1")
    async with aclosing(bucket.watch()) as changes:
        change = asyncio.ensure_future(anext(changes))
        while not change.done():  # until it has begun
            await stored_by_another(client, bucket, "two", b"2")
            await asyncio.wait({change}, timeout=0.1)
    told = change.result()
    assert told is not None
    assert (told.event, told.info.name, told.info.sha256) == ("put", "two", digest(b"2"))
