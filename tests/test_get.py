"""The life of a get: whole and verified, or an error that says what is wrong, at once."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from natsobj import Bucket, Store
from natsobj.adr20.names import chunk_subject, metadata_subject
from natsobj.adr20.records import DEFAULT_CHUNK_SIZE
from natsobj.errors import (
    ChunksMissing,
    DigestMismatch,
    InvalidMetadata,
    LinkError,
    ObjectChanged,
    ObjectNotFound,
    SizeMismatch,
)
from natsobj.models import BucketConfig, ObjectMeta
from natsobj.settings import Settings
from tests.behind import BIG, api, drop_chunk, fetch, messages, record_of, write_record
from tests.between import Answer, Between, Sent
from tests.servers import NatsServer
from tests.sinks import Buffer, Gate


@pytest.mark.parametrize("size", [100_000, 5_000_000])
async def test_a_missing_chunk_is_told_at_once(bucket: Bucket, client: Client, size: int) -> None:
    """Small and large objects: `ChunksMissing` with both numbers and not one byte written."""
    await bucket.put("k", (BIG * 2)[:size])
    info = await bucket.info("k")
    if info.chunks == 1:
        await api(client, f"STREAM.PURGE.OBJ_{bucket.name}", filter=f"$O.{bucket.name}.C.>")
    else:
        await drop_chunk(client, bucket, "k")
    sink = Buffer()
    async with asyncio.timeout(2):
        with pytest.raises(ChunksMissing, match=f"{info.chunks - 1} of {info.chunks}"):
            await bucket.get("k", sink)
    assert not sink.data


async def test_a_surplus_chunk_is_broken(bucket: Bucket, client: Client) -> None:
    """More chunks than the metadata says is no object either."""
    info = await bucket.put("k", BIG)
    assert info.nuid
    await client.request(chunk_subject(bucket.name, info.nuid), b"surplus", timeout=5)
    with pytest.raises(ChunksMissing):
        await fetch(bucket, "k")


@pytest.mark.parametrize("data", [b"small", BIG])
async def test_a_wrong_digest_is_told(bucket: Bucket, client: Client, data: bytes) -> None:
    """The bytes are there and are not those that were stored."""
    await bucket.put("k", data)
    record = await record_of(client, bucket, "k")
    other = await bucket.put("other", b"other")
    await write_record(client, bucket, "k", {**record, "digest": other.digest})
    with pytest.raises(DigestMismatch):
        await fetch(bucket, "k")


@pytest.mark.parametrize("size", [4, 6])
async def test_a_wrong_size_is_told(bucket: Bucket, client: Client, size: int) -> None:
    """Fewer or more bytes than the metadata says; never more than promised reach the sink."""
    await bucket.put("k", b"12345")
    record = await record_of(client, bucket, "k")
    await write_record(client, bucket, "k", {**record, "size": size})
    sink = Buffer()
    with pytest.raises(SizeMismatch):
        await bucket.get("k", sink)
    assert len(sink.data) <= size


async def test_a_digest_of_any_client_is_checked(bucket: Bucket, client: Client) -> None:
    """Lower case, no padding, the standard alphabet: all of them verify."""
    info = await bucket.put("k", b"x" * 77)
    assert info.digest
    record = await record_of(client, bucket, "k")
    value = info.digest.removeprefix("SHA-256=")
    for digest in ("sha-256=" + value.rstrip("="), "SHA-256=" + value.replace("-", "+").replace("_", "/")):
        await write_record(client, bucket, "k", {**record, "digest": digest})
        assert (await bucket.info("k")).sha256 == info.sha256
        assert await fetch(bucket, "k") == b"x" * 77


async def test_an_object_without_a_digest_is_fetched_with_a_note(
    bucket: Bucket, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be checked is said."""
    await bucket.put("k", b"x")
    record = await record_of(client, bucket, "k")
    del record["digest"]
    await write_record(client, bucket, "k", record)
    assert await fetch(bucket, "k") == b"x"
    assert "without a digest" in caplog.text


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b'{"size":1}', b'{"name":"k","size":"1"}', b'{"name":"k","options":[1]}'],
)
async def test_a_record_that_cannot_be_read_is_broken(bucket: Bucket, client: Client, body: bytes) -> None:
    """Truncated and foreign records are `InvalidMetadata`, and `list` goes on without them."""
    await bucket.put("good", b"x")
    await client.request(metadata_subject(bucket.name, "k"), body, timeout=5)
    for attempt in (bucket.info("k"), fetch(bucket, "k")):
        with pytest.raises(InvalidMetadata):
            await attempt
    told: list[InvalidMetadata] = []
    assert [info.name async for info in bucket.list(on_unreadable=told.append)] == ["good"]
    assert len(told) == 1
    with pytest.raises(InvalidMetadata):
        _ = [info async for info in bucket.list()]


async def test_of_many_deletes_one_succeeds(bucket: Bucket) -> None:
    """Who finds another one's tombstone has deleted nothing."""
    for _ in range(10):
        await bucket.put("k", b"hello")
        ends = await asyncio.gather(*(bucket.delete("k") for _ in range(8)), return_exceptions=True)
        assert sorted(type(end).__name__ for end in ends) == ["ObjectInfo"] + 7 * ["ObjectNotFound"]


async def test_bytes_without_a_nuid_cannot_be_fetched(bucket: Bucket, client: Client) -> None:
    """A record that names no chunks but has a size is unreadable, not empty."""
    await write_record(client, bucket, "k", {"size": 5, "chunks": 1})
    with pytest.raises(InvalidMetadata):
        await fetch(bucket, "k")


async def test_a_deleted_object_is_gone(bucket: Bucket, client: Client) -> None:
    """After `delete` there is a tombstone and nothing else."""
    await bucket.put("k", BIG)
    gone = await bucket.delete("k")
    assert (gone.size, gone.deleted) == (len(BIG), True)
    assert await messages(client, bucket) == 1
    for attempt in (bucket.info("k"), fetch(bucket, "k"), bucket.delete("k"), bucket.info("never")):
        with pytest.raises(ObjectNotFound):
            await attempt
    assert [info.name async for info in bucket.list()] == []
    (tombstone,) = [info async for info in bucket.list(deleted=True)]
    assert (tombstone.name, tombstone.size, tombstone.deleted) == ("k", 0, True)


async def test_a_tombstone_keeps_what_we_do_not_know(bucket: Bucket, client: Client) -> None:
    """Rewriting a record keeps unknown fields."""
    await bucket.put("k", b"x")
    record = await record_of(client, bucket, "k")
    await write_record(client, bucket, "k", {**record, "x-future": [1]})
    await bucket.delete("k")
    assert (await record_of(client, bucket, "k"))["x-future"] == [1]


async def test_an_object_that_is_replaced_meanwhile_starts_over(bucket: Bucket) -> None:
    """A sink that can start over gets the new object, whole."""
    old, new = b"o" * 6_000_000, b"n" * 5_000_000
    info = await bucket.put("k", old)
    await bucket.put("k", new)
    sink = Buffer()
    assert (await bucket.get(info, sink)).size == len(new)
    assert (bytes(sink.data), sink.restarts) == (new, 1)


async def test_a_stream_of_an_object_that_is_replaced_ends_with_an_error(bucket: Bucket) -> None:
    """What was sent cannot be unsent: `ObjectChanged`, within seconds."""
    await bucket.put("k", b"o" * 40_000_000)
    sink = Gate()
    getting = asyncio.create_task(bucket.get("k", sink))
    await sink.reached.wait()
    await bucket.put("k", b"n" * 40_000_000)
    sink.opened.set()
    with pytest.raises(ObjectChanged):
        async with asyncio.timeout(5):
            await getting


async def test_an_object_that_is_deleted_meanwhile_is_not_found(bucket: Bucket) -> None:
    """The reader of an object that is deleted is told so within seconds, and never waits for ever."""
    await bucket.put("k", b"o" * 40_000_000)
    sink = Gate()
    getting = asyncio.create_task(bucket.get("k", sink))
    await sink.reached.wait()
    await bucket.delete("k")
    sink.opened.set()
    with pytest.raises(ObjectNotFound, match="deleted while"):
        async with asyncio.timeout(5):
            await getting


async def test_no_get_leaves_a_consumer_behind(bucket: Bucket, client: Client) -> None:
    """Neither success nor failure nor cancellation leaves a consumer on the stream."""
    await bucket.put("k", b"x" * 9_000_000)
    for _ in range(3):
        await fetch(bucket, "k")
    sink = Gate()
    getting = asyncio.create_task(bucket.get("k", sink))
    await sink.reached.wait()
    getting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await getting
    await drop_chunk(client, bucket, "k")
    with pytest.raises(ChunksMissing):
        await fetch(bucket, "k")
    assert (await api(client, f"CONSUMER.NAMES.OBJ_{bucket.name}"))["total"] == 0


async def test_a_slow_sink_is_waited_for(bucket: Bucket, server: NatsServer) -> None:
    """Only the server's silence counts: a reader that sleeps longer than the timeout loses nothing."""
    data = b"x" * 9_000_000
    await bucket.put("k", data)
    sink = Gate()
    async with Store(Settings(servers=(server.url,), timeout=timedelta(seconds=0.5))) as impatient:
        getting = asyncio.create_task(impatient.bucket(bucket.name).get("k", sink))
        await sink.reached.wait()
        await asyncio.sleep(2)  # four timeouts: there is nothing to wait for but the time itself
        sink.opened.set()
        await getting
    assert sink.data == data


@pytest.mark.parametrize("data", [b"", b"small", BIG])
async def test_a_bucket_without_direct_get_is_read_as_well(
    bucket: Bucket, client: Client, data: bytes
) -> None:
    """`allow_direct` is the other clients' choice."""
    info = await api(client, f"STREAM.INFO.OBJ_{bucket.name}")
    config = info["config"]
    assert isinstance(config, dict)
    await api(client, f"STREAM.UPDATE.OBJ_{bucket.name}", **config | {"allow_direct": False})
    await bucket.put("k", data)
    await bucket.put("other", b"x")
    assert await fetch(bucket, "k") == data
    assert [info.name async for info in bucket.list()] == ["k", "other"]


AMISS: dict[str, Callable[[Answer], Answer]] = {
    "other bytes": lambda answer: Answer(answer.headers, b"smalL"),
    "another size": lambda answer: Answer(answer.headers, b"smaller"),
    "another subject": lambda answer: Answer(answer.headers.replace(b".C.", b".C.x"), answer.payload),
    "more that follows": lambda answer: Answer(answer.headers.replace(b": 0", b": 1"), answer.payload),
    "too much": lambda _: Answer(b"NATS/1.0 429 Too Many Requests\r\n\r\n", b""),
    "nothing": lambda _: Answer(b"NATS/1.0 404 Message Not Found\r\n\r\n", b""),
}


@pytest.mark.parametrize("amiss", [None, *AMISS])
async def test_a_small_object_is_one_request(
    bucket: Bucket, between: Between, behind: Bucket, amiss: str | None
) -> None:
    """The digest proves it; of an answer that does not fit nothing is written, and it is looked into."""
    info = await bucket.put("k", b"small")
    answers: list[Answer] = []

    def answered(sent: Sent, answer: Answer) -> Answer:
        if answer.payload != b"small" or (info.nuid or "-").encode() not in sent.payload:
            return answer
        answers.append(answer)
        return AMISS[amiss](answer) if amiss and len(answers) == 1 else answer

    between.change = answered
    assert await fetch(behind, "k") == b"small"
    assert len(answers) == (2 if amiss else 1)
    assert b"Nats-Num-Pending: 0\r\n" in answers[0].headers


async def test_large_objects_come_by_direct_get_as_well(
    bucket: Bucket, between: Between, behind: Bucket
) -> None:
    """Where no consumer is to be had: both ways of reading give the same bytes."""
    await bucket.put("k", BIG * 3)
    refused = 0

    def refuse_consumers(sent: Sent, answer: Answer) -> Answer:
        nonlocal refused
        if ".CONSUMER.CREATE." not in sent.subject:
            return answer
        refused += 1
        error = {"code": 400, "err_code": 10026, "description": "maximum consumers limit reached"}
        return Answer(b"", json.dumps({"error": error}).encode())

    assert await fetch(behind, "k") == BIG * 3
    between.change = refuse_consumers
    assert await fetch(behind, "k") == BIG * 3
    assert refused == 1


async def test_a_link_is_followed_once(bucket: Bucket, store: Store, client: Client) -> None:
    """A link reads its target, in another bucket too; further than that it is an error."""
    other = await store.create_bucket(BucketConfig(f"{bucket.name}-other"))
    await other.put("target", b"content")
    link = {"link": {"bucket": other.name, "name": "target"}}
    await write_record(client, bucket, "link", {"options": link})
    assert await fetch(bucket, "link") == b"content"
    info = await bucket.info("link")
    assert (info.size, str(info.link)) == (0, f"{other.name}/target")
    assert (await bucket.info("link", follow=True)).bucket == other.name
    again = {"link": {"bucket": bucket.name, "name": "link"}}
    await write_record(client, bucket, "again", {"options": again})
    await write_record(client, bucket, "whole", {"options": {"link": {"bucket": other.name}}})
    for key in ("again", "whole"):
        with pytest.raises(LinkError):
            await fetch(bucket, key)
    await other.delete("target")
    with pytest.raises(ObjectNotFound, match="target"):
        await fetch(bucket, "link")
    await store.delete_bucket(other.name)


async def test_a_reader_gives_chunks_and_the_verdict(bucket: Bucket, client: Client) -> None:
    """`open` iterates over the bytes; what is wrong comes out of the iteration; leaving early is fine."""
    await bucket.put("k", BIG)
    async with bucket.open("k") as reader:
        assert reader.info.size == len(BIG)
        assert b"".join([chunk async for chunk in reader]) == BIG
    async with bucket.open("k") as reader:
        async for _ in reader:
            break
    with pytest.raises(ValueError, match="^no longer open: .*/k$"):
        await anext(aiter(reader))
    await drop_chunk(client, bucket, "k")
    async with bucket.open("k") as reader:
        with pytest.raises(ChunksMissing):
            _ = [chunk async for chunk in reader]


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 50_000])
async def test_a_byte_range_is_found_in_any_object(bucket: Bucket, size: int) -> None:
    """A range gives the bytes that it names, at the edges of chunks and behind the end, too."""
    data = random.Random(size).randbytes(size)
    await asyncio.gather(*(bucket.put(f"k{n}", data, ObjectMeta(chunk_size=1000 + n)) for n in range(3)))
    edges = sorted({0, 1, 999, 1000, 1001, 2000, size - 1, size, size + 1, size // 2})
    for offset, key in itertools.product(edges, ("k0", "k1", "k2")):
        for length in (None, 0, 1, 1000, size):
            sink = Buffer()
            await bucket.get(key, sink, offset=offset, length=length)
            assert bytes(sink.data) == data[offset : None if length is None else offset + length]


async def test_a_byte_range_fetches_only_what_it_needs(bucket: Bucket, client: Client) -> None:
    """Two chunks more than was asked for at most, also where another upload went on at the same time."""
    await asyncio.gather(bucket.put("k", BIG), bucket.put("other", BIG))
    heard: list[int] = []

    async def listen(message: Msg) -> None:
        heard.append(len(message.data))

    await client.subscribe("_INBOX.>", cb=listen)
    await client.flush()
    sink = Buffer()
    for offset in (0, 200_000, len(BIG) // 2, len(BIG) - 200_000):
        sink.data.clear()
        heard.clear()
        await bucket.get("k", sink, offset=offset, length=1000)
        assert bytes(sink.data) == BIG[offset : offset + 1000]
        await client.flush()
        assert 1000 < sum(heard) < 1000 + 2 * DEFAULT_CHUNK_SIZE


async def test_a_range_of_chunks_of_many_sizes_is_counted_from_the_start(
    bucket: Bucket, client: Client
) -> None:
    """A foreign object whose chunks are not all of one size has its ranges, too."""
    parts = [b"abc", b"defgh", b"i", b"jklmnop"]
    for part in parts:
        await client.jetstream().publish(chunk_subject(bucket.name, "NUID"), part)
    data = b"".join(parts)
    await write_record(client, bucket, "k", {"nuid": "NUID", "size": len(data), "chunks": len(parts)})
    for offset, length in [(0, 4), (2, 3), (8, 2), (9, None), (15, 5)]:
        sink = Buffer()
        await bucket.get("k", sink, offset=offset, length=length)
        assert bytes(sink.data) == data[offset : None if length is None else offset + length]


async def test_a_part_of_an_object_that_was_replaced_is_a_part_of_the_new_one(bucket: Bucket) -> None:
    """As for whole objects: chunks that are gone because another put came are no broken object."""
    old = await bucket.put("key", bytes(600_000))
    await bucket.put("key", b"x" * 600_000)
    assert await bucket.read(old, offset=300_000, length=5) == b"xxxxx"
    await bucket.delete("key")
    with pytest.raises(ObjectNotFound):
        await bucket.read(old, offset=300_000, length=5)
