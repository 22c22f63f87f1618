"""Renames, copies, and moves into another bucket, through the library."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress

import pytest
from nats.aio.client import Client

from natsobj import (
    Bucket,
    BucketConfig,
    ChunksMissing,
    Link,
    NatsobjError,
    ObjectChanged,
    ObjectExists,
    ObjectMeta,
    ObjectNotFound,
    Store,
    SubjectTaken,
)
from tests.behind import BIG, drop_chunk, messages, record_of, write_record

META = ObjectMeta("text", {"A": ("1", "2")}, {"x": "1"}, chunk_size=1000)


@pytest.fixture
async def other(store: Store) -> AsyncIterator[Bucket]:
    """A second bucket."""
    other = await store.create_bucket(BucketConfig(f"test-{uuid.uuid4().hex[:12]}"))
    yield other
    await store.delete_bucket(other.name)


async def names(bucket: Bucket) -> list[str]:
    """What is in a bucket, tombstones included."""
    return [info.name async for info in bucket.list(deleted=True)]


async def test_a_rename_moves_the_record_and_leaves_the_bytes(bucket: Bucket, client: Client) -> None:
    """The nuid stays, all that is said goes along, and nothing is left under the old name."""
    before = await bucket.put("a", b"content" * 1000, META)
    after = await bucket.move("a", "b/c")
    assert (after.name, after.nuid, after.digest) == ("b/c", before.nuid, before.digest)
    assert (after.description, after.headers, after.metadata) == ("text", {"A": ("1", "2")}, {"x": "1"})
    assert await names(bucket) == ["b/c"]
    assert await bucket.info("b/c") == after
    assert await bucket.read("b/c") == b"content" * 1000
    assert await messages(client, bucket) == 8


async def test_a_copy_has_chunks_of_its_own(bucket: Bucket, other: Bucket) -> None:
    """In the same bucket and in another one; chunk size and what is said are those of the first one."""
    before = await bucket.put("a", b"content" * 1000, META)
    near, far = await bucket.copy("a", "b"), await bucket.copy("a", "b", bucket=other.name)
    assert len({before.nuid, near.nuid, far.nuid}) == 3
    for home, copy in ((bucket, near), (other, far)):
        assert (copy.bucket, copy.name, copy.chunk_size, copy.chunks) == (home.name, "b", 1000, 7)
        assert (copy.description, copy.headers, copy.metadata) == ("text", {"A": ("1", "2")}, {"x": "1"})
        assert await home.info("b") == copy
    await bucket.delete("a")
    assert await bucket.read("b") == await other.read("b") == b"content" * 1000


async def test_a_move_into_another_bucket_deletes_behind_a_copy(
    bucket: Bucket, other: Bucket, client: Client
) -> None:
    """Large ones and empty ones; a tombstone is left where they were."""
    for key, data in (("big", BIG), ("empty", b"")):
        await bucket.put(key, data)
        moved = await bucket.move(key, f"new/{key}", bucket=other.name)
        assert (moved.bucket, moved.name, moved.size) == (other.name, f"new/{key}", len(data))
        assert await other.read(f"new/{key}") == data
        with pytest.raises(ObjectNotFound):
            await bucket.info(key)
    assert await messages(client, bucket) == 2


async def test_fields_that_nobody_here_knows_go_along(bucket: Bucket, other: Bucket, client: Client) -> None:
    """With a rename, a copy and a move; options too, but for the size of chunks."""
    record = {"bucket": bucket.name, "nuid": "n1", "size": 0, "chunks": 0, "new": [1, {"a": 2}]}
    await write_record(client, bucket, "a", {**record, "options": {"new": True}})
    await bucket.move("a", "b")
    assert await record_of(client, bucket, "b") == {**record, "name": "b", "options": {"new": True}}
    await bucket.copy("b", "c", bucket=other.name)
    await bucket.move("b", "d", bucket=other.name)
    for key in "cd":
        copied = await record_of(client, other, key)
        assert copied["new"] == [1, {"a": 2}]
        assert isinstance(copied["options"], dict)
        assert copied["options"]["new"] is True
        assert (copied["name"], copied["bucket"]) == (key, other.name)
        assert copied["nuid"] != "n1"


@pytest.mark.parametrize("verb", ["move", "copy"])
async def test_what_is_there_is_kept_unless_it_may_be_replaced(
    bucket: Bucket, other: Bucket, client: Client, verb: str
) -> None:
    """In the same bucket and in another one; what is replaced leaves no chunks, a tombstone is no object."""
    for home in (bucket, other):
        await bucket.put("a", b"new")
        await home.put("b", b"old")
        with pytest.raises(ObjectExists, match=f"{home.name}/b"):
            await getattr(bucket, verb)("a", "b", bucket=home.name)
        assert (await bucket.read("a"), await home.read("b")) == (b"new", b"old")
        await getattr(bucket, verb)("a", "b", bucket=home.name, replace=True)
        assert await home.read("b") == b"new"
        await home.delete("b")
        await bucket.put("a", b"new")
        await getattr(bucket, verb)("a", "b", bucket=home.name)
    assert await messages(client, other) == 2


@pytest.mark.parametrize("verb", ["move", "copy"])
async def test_onto_itself_nothing_happens(bucket: Bucket, verb: str) -> None:
    """But it must be there."""
    info = await bucket.put("a", b"content")
    assert await getattr(bucket, verb)("a", "a") == info
    assert await getattr(bucket, verb)("a", "a", bucket=bucket.name) == info == await bucket.info("a")
    for key in ("nothing", "gone"):
        with pytest.raises(ObjectNotFound):
            await getattr(bucket, verb)(key, "nothing")


async def test_links_go_as_the_links_that_they_are(bucket: Bucket, other: Bucket) -> None:
    """They lead where they led."""
    await bucket.put("target", b"content")
    await bucket.link("link", "target")
    await bucket.move("link", "moved")
    copy = await bucket.copy("moved", "copy", bucket=other.name)
    await bucket.move("moved", "link", bucket=other.name)
    assert copy.link == Link(bucket.name, "target")
    assert await other.read("copy") == await other.read("link") == b"content"
    assert [info.name async for info in bucket.list()] == ["target"]


async def test_what_is_broken_stays_where_it_is(bucket: Bucket, other: Bucket, client: Client) -> None:
    """A copy is verified before anything is deleted; nothing is left of it."""
    await bucket.put("a", BIG)
    await drop_chunk(client, bucket, "a")
    for verb in (bucket.move, bucket.copy):
        with pytest.raises(ChunksMissing):
            await verb("a", "b", bucket=other.name)
    assert await messages(client, other) == 0
    assert (await bucket.info("a")).chunks == 40


async def test_records_of_other_clients_are_removed_where_they_lie(
    bucket: Bucket, other: Bucket, client: Client
) -> None:
    """A Latin-1 place of nats.js; a place that both names share is changed in place, once."""
    await bucket.put("data", b"content")
    record = {**await record_of(client, bucket, "data"), "name": "ö"}
    latin1 = f"$O.{bucket.name}.M.9g=="
    await client.request(latin1, json.dumps(record).encode())
    await bucket.stream.purge(f"$O.{bucket.name}.M.ZGF0YQ==")
    await bucket.move("ö", "plain")
    assert await names(bucket) == ["plain"]
    assert await bucket.read("plain") == b"content"
    await write_record(client, bucket, "a_b", {**record, "name": "a.b"})
    await bucket.move("a.b", "a_b")
    assert sorted(await names(bucket)) == ["a_b", "plain"]
    await write_record(client, bucket, "taken", {"name": "another", "size": 0, "chunks": 0})
    with pytest.raises(SubjectTaken):
        await bucket.move("plain", "taken", replace=True)


async def outcome(verb: Awaitable[object]) -> None:
    """Let it come to its end, whatever that is."""
    with suppress(NatsobjError):
        await verb


@pytest.mark.parametrize("rival", ["move", "put", "delete", "update"])
async def test_of_a_rename_and_another_change_both_are_whole(
    bucket: Bucket, client: Client, rival: str
) -> None:
    """Whoever is first: no name leads to chunks that are gone, and none is left over."""
    for number in range(10):
        old, new, third = (f"{each}{number}" for each in "abc")
        await bucket.put(old, b"one")
        other = {
            "move": bucket.move(old, third),
            "put": bucket.put(old, b"two"),
            "delete": bucket.delete(old),
            "update": bucket.update(old, description="text"),
        }
        wanted = other.pop(rival)
        for unwanted in other.values():
            unwanted.close()
        await asyncio.gather(outcome(bucket.move(old, new)), outcome(wanted))
        found = [info async for info in bucket.list() if info.name in {old, new, third}]
        assert len({info.nuid for info in found}) == len(found)
        for info in found:
            assert await bucket.read(info.name) in (b"one", b"two")
        assert found or rival == "delete"
    chunks = await bucket.stream.counts(f"$O.{bucket.name}.C.>")
    assert len(chunks) == len([info async for info in bucket.list()])


async def test_a_source_that_changes_during_a_move_is_kept(bucket: Bucket, other: Bucket) -> None:
    """The copy is made, the newer object stays: nothing is lost."""
    await bucket.put("a", BIG)

    class Slow:
        """Replaces the object when all of it was read."""

        def __init__(self, source: object) -> None:
            self.source = source
            self.name, self.size = "slow", len(BIG)

        async def read(self, size: int, /) -> bytes:
            data: bytes = await self.source.read(size)  # type: ignore[attr-defined]
            if len(data) < size:
                await bucket.put("a", b"newer")
            return data

        def restart(self) -> None:
            raise AssertionError

        def check(self) -> None:
            pass

    with pytest.raises(ObjectChanged):
        await bucket.move("a", "b", bucket=other.name, wrap=Slow)
    assert await other.read("b") == BIG
    assert await bucket.read("a") == b"newer"
