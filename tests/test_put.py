"""The life of a put: what is stored, what is refused, and that nothing is left of one that failed."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from nats.aio.client import Client

from natsobj import Bucket, Store
from natsobj.errors import (
    BucketFull,
    BucketNotFound,
    BucketReadOnly,
    BucketSealed,
    ConfigRefused,
    ContentMismatch,
    InvalidArgument,
    InvalidKey,
    ObjectExists,
    OutcomeUnknown,
    SourceChanged,
)
from natsobj.files.sources import FileSource, open_source
from natsobj.models import BucketConfig, ObjectMeta
from natsobj.objects.commit import finish
from natsobj.settings import Settings
from tests.behind import BIG, api, fetch, messages
from tests.conftest import Serve
from tests.servers import PLAIN
from tests.sinks import Dripping

CHUNK = 128 * 1024


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5_000_000])
async def test_what_is_put_is_what_is_stored(bucket: Bucket, size: int) -> None:
    """Size, chunks and digest are those of the bytes, and the bytes come back."""
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    info = await bucket.put("k", data)
    assert (info.size, info.chunks, info.chunk_size) == (size, -(-size // CHUNK), CHUNK)
    assert info.sha256 == hashlib.sha256(data).hexdigest()
    assert info == await bucket.info("k")
    assert await fetch(bucket, "k") == data


async def test_a_chunk_size_is_kept(bucket: Bucket) -> None:
    """Chunks have the size that was asked for."""
    info = await bucket.put("k", bytes(10_000), ObjectMeta(chunk_size=999))
    assert (info.chunks, info.chunk_size) == (11, 999)
    assert await fetch(bucket, "k") == bytes(10_000)


async def test_an_overwrite_leaves_nothing_of_the_old_one(bucket: Bucket, client: Client) -> None:
    """Description, headers and metadata are the new put's; the old chunks are gone."""
    meta = ObjectMeta(description="d", headers={"A": ("1", "2")}, metadata={"m": "n"})
    old = await bucket.put("k", BIG, meta)
    assert (old.description, old.headers, old.metadata) == ("d", {"A": ("1", "2")}, {"m": "n"})
    new = await bucket.put("k", b"new")
    assert (new.description, new.headers, new.metadata) == (None, {}, {})
    assert await messages(client, bucket) == 2


async def test_if_absent_stores_only_once(bucket: Bucket) -> None:
    """Of eight conditional puts at once exactly one succeeds; a tombstone counts as absent."""
    results = await asyncio.gather(
        *(bucket.put("k", b"%d" % n, if_absent=True) for n in range(8)), return_exceptions=True
    )
    assert sum(not isinstance(result, BaseException) for result in results) == 1
    assert all(isinstance(r, ObjectExists) for r in results if isinstance(r, BaseException))
    await bucket.delete("k")
    assert (await bucket.put("k", b"again", if_absent=True)).size == 5


async def test_puts_at_once_leave_one_whole_object(bucket: Bucket, client: Client) -> None:
    """Eight plain puts of one key all succeed, one of them stays, and no chunks without an owner."""
    bodies = [bytes([n]) * 300_000 for n in range(8)]
    await asyncio.gather(*(bucket.put("k", body) for body in bodies))
    assert await fetch(bucket, "k") in bodies
    assert await messages(client, bucket) == 3 + 1


async def test_if_match_replaces_only_that_content(bucket: Bucket, client: Client) -> None:
    """Another content, or none at all, is refused and leaves all as it was."""
    first = await bucket.put("k", b"first")
    assert first.sha256
    await bucket.put("k", b"second", if_match=first.sha256.upper())
    before = await messages(client, bucket)
    for key in ("k", "missing"):
        with pytest.raises(ContentMismatch):
            await bucket.put(key, b"third", if_match=first.sha256)
    assert await fetch(bucket, "k") == b"second"
    assert await messages(client, bucket) == before


@pytest.mark.parametrize(
    "key",
    ["a/b", "/abs", "../up", "with space", "[bold]x[/bold]", ":smile:", "new\nline", "\x1b[31m", "Köpfe/🙂"],
)
async def test_odd_keys_are_stored_exactly(bucket: Bucket, key: str) -> None:
    """A key is any text, and nothing of it is cleaned."""
    await bucket.put(key, b"x")
    assert [info.name async for info in bucket.list()] == [key]
    assert (await bucket.info(key)).name == key


async def test_a_key_has_its_limits(bucket: Bucket) -> None:
    """2,900 bytes work; more, none, and what is no UTF-8 are refused before anything is sent."""
    await bucket.put("ü" * 1450, b"x")
    assert await fetch(bucket, "ü" * 1450) == b"x"
    for key in ("", "ü" * 1450 + "x", "\udcff"):
        with pytest.raises(InvalidKey):
            await bucket.put(key, b"x")


async def test_a_missing_bucket_is_named(store: Store) -> None:
    """Without its bucket a put says so."""
    with pytest.raises(BucketNotFound, match="no-such-bucket"):
        await store.bucket("no-such-bucket").put("k", b"x")


async def test_a_source_that_fails_leaves_no_chunks(bucket: Bucket, client: Client) -> None:
    """The old object stays whole and the new chunks go."""
    await bucket.put("k", b"old")
    with pytest.raises(OSError, match="bad sector"):
        await bucket.put("k", Dripping(*[bytes(CHUNK)] * 20, error=OSError(5, "bad sector")))
    assert await fetch(bucket, "k") == b"old"
    assert await messages(client, bucket) == 2


async def test_a_cancelled_put_leaves_no_chunks(bucket: Bucket, client: Client) -> None:
    """Ctrl-C at any moment before the commit is as if nothing had happened."""
    await bucket.put("k", b"old")
    for _ in range(10):
        source = Dripping(*[bytes(CHUNK)] * 100)
        putting = asyncio.create_task(bucket.put("k", source))
        await source.drained.wait()
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert await messages(client, bucket) == 2
    assert await fetch(bucket, "k") == b"old"


async def test_a_cancellation_during_the_commit_knows_how_it_ended(bucket: Bucket, client: Client) -> None:
    """Whenever the cancellation comes, the key has one whole object and nothing is left over."""
    await bucket.put("k", b"old")
    for steps in range(0, 60, 2):
        putting = asyncio.create_task(bucket.put("k", b"%d" % steps))
        for _ in range(steps):
            await asyncio.sleep(0)
        putting.cancel()
        try:
            await putting
            expected = b"%d" % steps
        except asyncio.CancelledError:
            expected = b""
        assert await messages(client, bucket) == 2
        stored = await fetch(bucket, "k")
        assert not expected or stored == expected


async def test_a_file_that_changes_is_not_stored(bucket: Bucket, client: Client, tmp_path: Path) -> None:
    """A file that grows while it is read is reported, and nothing of it stays."""
    path = tmp_path / "growing"
    path.write_bytes(BIG)

    class Growing(FileSource):
        async def read(self, size: int, /) -> bytes:
            with path.open("ab") as more:
                more.write(b"x")
            return await super().read(size)

    with path.open("rb", buffering=0) as file, pytest.raises(SourceChanged, match="growing"):
        await bucket.put("k", Growing(file, str(path)))
    assert await messages(client, bucket) == 0


async def test_a_put_reads_files_and_streams(bucket: Bucket, tmp_path: Path) -> None:
    """What the library takes: sources, bytes, open files."""
    path = tmp_path / "f"
    path.write_bytes(BIG)
    with open_source(str(path)) as source:
        await bucket.put("source", source)
    with path.open("rb") as file:
        file.seek(100)
        await bucket.put("file", file)
    assert await fetch(bucket, "source") == BIG
    assert await fetch(bucket, "file") == BIG[100:]


async def test_a_full_bucket_refuses_and_keeps_the_old(
    store: Store, client: Client, bucket_name: str
) -> None:
    """The limit is `BucketFull`; the old object is whole and the chunks that fitted are gone."""
    bucket = await store.create_bucket(BucketConfig(bucket_name, max_bytes=1_000_000))
    await bucket.put("k", b"old")
    with pytest.raises(BucketFull):
        await bucket.put("k", BIG)
    assert await fetch(bucket, "k") == b"old"
    assert await messages(client, bucket) == 2


async def test_a_full_server_refuses(serve: Serve) -> None:
    """The server's own storage limit is `BucketFull` as well."""
    server = serve("jetstream { max_file_store: 1M }")
    async with Store(Settings(servers=(server.url,))) as store:
        bucket = await store.create_bucket(BucketConfig("b"))
        with pytest.raises(BucketFull):
            await bucket.put("k", BIG)
        assert [info async for info in bucket.list()] == []


async def test_a_sealed_bucket_refuses(bucket: Bucket, client: Client) -> None:
    """A sealed bucket is read-only: `BucketSealed` for put and delete."""
    await bucket.put("k", b"old")
    info = await api(client, f"STREAM.INFO.OBJ_{bucket.name}")
    config = info["config"]
    assert isinstance(config, dict)
    await api(client, f"STREAM.UPDATE.OBJ_{bucket.name}", **config | {"sealed": True})
    with pytest.raises(BucketSealed):
        await bucket.put("k", b"new")
    with pytest.raises(BucketSealed):
        await bucket.delete("k")
    assert await fetch(bucket, "k") == b"old"


async def test_a_mirror_is_read_and_not_written(bucket: Bucket, client: Client, store: Store) -> None:
    """The objects of a mirror are found under the original's subjects; writing is `BucketReadOnly`."""
    await bucket.put("k", BIG)
    mirror = store.bucket(f"{bucket.name}-mirror")
    await api(
        client,
        f"STREAM.CREATE.OBJ_{mirror.name}",
        name=f"OBJ_{mirror.name}",
        mirror={"name": f"OBJ_{bucket.name}"},
        allow_direct=True,
        num_replicas=1,
    )
    async with asyncio.timeout(10):
        while not [info async for info in mirror.list()]:
            await asyncio.sleep(0.02)
    assert await fetch(mirror, "k") == BIG
    assert [(info.bucket, info.name) async for info in mirror.list()] == [(mirror.name, "k")]
    with pytest.raises(BucketReadOnly):
        await mirror.put("k", b"new")
    with pytest.raises(BucketReadOnly):
        await mirror.delete("k")
    assert mirror.name in await store.bucket_names()
    assert (await mirror.status()).mirror
    await store.delete_bucket(mirror.name)


async def test_a_small_max_payload_lowers_the_default_only(serve: Serve) -> None:
    """The default chunk size fits the server; one that was asked for and does not fit is refused."""
    server = serve(PLAIN + "\nmax_payload: 65536")
    async with Store(Settings(servers=(server.url,))) as store:
        bucket = await store.create_bucket(BucketConfig("b"))
        info = await bucket.put("k", BIG)
        assert info.chunk_size == 65536
        assert await fetch(bucket, "k") == BIG
        for size in (65537, 0, -1):
            with pytest.raises(InvalidArgument, match="chunk.size"):
                await bucket.put("k", b"x", ObjectMeta(chunk_size=size))


async def test_metadata_larger_than_the_stream_takes_is_refused(bucket: Bucket, client: Client) -> None:
    """When the record itself does not fit, the chunks go again."""
    info = await api(client, f"STREAM.INFO.OBJ_{bucket.name}")
    config = info["config"]
    assert isinstance(config, dict)
    await api(client, f"STREAM.UPDATE.OBJ_{bucket.name}", **config | {"max_msg_size": 1000})
    with pytest.raises(ConfigRefused):
        await bucket.put("k", b"x", ObjectMeta(description="d" * 2000))
    assert await messages(client, bucket) == 0
    assert (await bucket.put("k", bytes(5000))).chunk_size == 1000


async def test_an_unreadable_record_can_be_replaced(bucket: Bucket, client: Client) -> None:
    """A put heals a key whose metadata is rubbish."""
    await client.request(f"$O.{bucket.name}.M.aw==", b"{rubbish", timeout=5)
    await bucket.put("k", b"healed")
    assert await fetch(bucket, "k") == b"healed"


async def test_a_cancellation_does_not_hide_that_nobody_knows() -> None:
    """Chunks are kept when the commit's outcome is unknown, also when it was interrupted meanwhile."""
    silent = asyncio.Event()

    async def change() -> None:
        await silent.wait()
        raise OutcomeUnknown("b", "k")

    waiting = asyncio.create_task(finish(change()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    silent.set()
    with pytest.raises(OutcomeUnknown):
        await waiting
