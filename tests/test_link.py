"""Links through the library: records that lead to an object or a bucket."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from natsobj import (
    Bucket,
    BucketConfig,
    BucketNotFound,
    InvalidBucketName,
    InvalidKey,
    Link,
    LinkRefused,
    ObjectExists,
    ObjectNotFound,
    Store,
    SubjectTaken,
)
from tests.behind import messages, record_of, write_record

EMPTY = "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.fixture
async def other(store: Store) -> AsyncIterator[Bucket]:
    """A second bucket."""
    other = await store.create_bucket(BucketConfig(f"test-{uuid.uuid4().hex[:12]}"))
    yield other
    await store.delete_bucket(other.name)


async def test_a_link_gives_the_bytes_of_what_it_leads_to(bucket: Bucket, other: Bucket) -> None:
    """In the same bucket and in another one; it is a link itself, without bytes."""
    await bucket.put("target", b"content")
    near, far = await bucket.link("near", "target"), await other.link("far", Link(bucket.name, "target"))
    for home, link in ((bucket, near), (other, far)):
        assert (link.bucket, link.link, link.size) == (home.name, Link(bucket.name, "target"), 0)
        assert await home.info(link.name) == link
        assert await home.read(link.name) == b"content"


async def test_a_link_is_a_record_that_every_client_can_show(bucket: Bucket, client: Client) -> None:
    """A nuid of its own, counts and a digest; a link to a bucket has an empty name."""
    await bucket.put("target", b"content")
    await bucket.link("object", "target")
    await bucket.link("bucket", Link(bucket.name))
    for key, name in (("object", "target"), ("bucket", "")):
        record = await record_of(client, bucket, key)
        assert len(str(record.pop("nuid"))) == 22
        assert record == {
            "name": key,
            "options": {"link": {"bucket": bucket.name, "name": name}},
            "bucket": bucket.name,
            "size": 0,
            "chunks": 0,
            "digest": EMPTY,
        }


async def test_a_link_leads_to_what_there_is(bucket: Bucket) -> None:
    """Not to a missing object or bucket, not to a tombstone, and never to a link."""
    await bucket.put("gone", b"")
    await bucket.delete("gone")
    await bucket.put("target", b"")
    await bucket.link("link", "target")
    for missing in ("nothing", "gone"):
        with pytest.raises(ObjectNotFound, match=missing):
            await bucket.link("new", missing)
    for target in ("link", Link(bucket.name, "link")):
        with pytest.raises(LinkRefused, match=f"{bucket.name}/new -> {bucket.name}/link"):
            await bucket.link("new", target)
    for absent in (Link("zzz-no-such"), Link("zzz-no-such", "k")):
        with pytest.raises(BucketNotFound):
            await bucket.link("new", absent)
    with pytest.raises(ObjectNotFound):
        await bucket.info("new")


async def test_a_link_replaces_links_and_tombstones_only(bucket: Bucket, client: Client) -> None:
    """A link only where that is wanted, an object never, nor what cannot be read."""
    for key in ("a", "b", "gone"):
        await bucket.put(key, key.encode())
    await bucket.delete("gone")
    await write_record(client, bucket, "unreadable", {"size": -1})
    await bucket.link("gone", "a")
    assert await bucket.read("gone") == b"a"
    for key, replace in (("gone", False), ("b", False), ("b", True), ("unreadable", True)):
        with pytest.raises(ObjectExists, match=key):
            await bucket.link(key, "a", replace=replace)
    await bucket.link("gone", "b", replace=True)
    assert await bucket.read("gone") == b"b"
    assert await bucket.read("b") == b"b"
    assert await messages(client, bucket) == 6, "four records and two chunks"


async def test_a_link_lies_where_a_put_of_its_name_would(bucket: Bucket, client: Client) -> None:
    """The place of another name is refused; an object in the Latin-1 place counts as the key's."""
    await bucket.put("target", b"")
    await write_record(client, bucket, "taken", {"name": "other", "size": 0, "chunks": 0})
    with pytest.raises(SubjectTaken):
        await bucket.link("taken", "target")
    latin1 = {"name": "ö", "bucket": bucket.name, "size": 0, "chunks": 0}
    await client.request(f"$O.{bucket.name}.M.9g==", str(latin1).replace("'", '"').encode())
    with pytest.raises(ObjectExists):
        await bucket.link("ö", "target", replace=True)


async def test_arguments_are_checked_before_anything_is_sent(bucket: Bucket) -> None:
    """Types, keys and bucket names."""
    with pytest.raises(TypeError, match="target must be a str or a Link, not int"):
        await bucket.link("k", 5)  # type: ignore[arg-type]
    with pytest.raises(InvalidKey):
        await bucket.link("", "target")
    with pytest.raises(InvalidKey):
        await bucket.link("k", "")
    with pytest.raises(InvalidBucketName):
        await bucket.link("k", Link("no such!"))
