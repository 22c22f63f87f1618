"""Streams that are not as we make them: what cannot keep an object is refused before the first byte."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, Store
from natsobj.adr20 import streams
from natsobj.errors import BucketFull, RefusedError
from tests.behind import api, fetch, last_sequence
from tests.conftest import Serve
from tests.program import Program

LARGE = bytes(range(256)) * 4096 * 3
"""24 chunks."""


async def change(client: Client, bucket: Bucket, **settings: object) -> None:
    """Change settings of a bucket's stream, as `nats stream edit` does."""
    info = await api(client, f"STREAM.INFO.OBJ_{bucket.name}")
    config = info["config"]
    assert isinstance(config, dict)
    await api(client, f"STREAM.UPDATE.OBJ_{bucket.name}", **(config | settings))


async def make(store: Store, client: Client, name: str, **settings: object) -> Bucket:
    """Make a stream for a bucket by hand, some settings of it different."""
    config: dict[str, Any] = streams.stream_config(BucketConfig(name)) | settings
    await api(client, f"STREAM.CREATE.OBJ_{name}", **config)
    return store.bucket(name)


async def test_a_limit_for_each_subject_is_refused_and_the_good_object_stands(
    cli: Program, bucket: Bucket, client: Client
) -> None:
    """It would acknowledge, and drop: named before the upload, in put, put -r and --if-changed."""
    await bucket.put("k", LARGE)
    await change(client, bucket, max_msgs_per_subject=30)
    folder = cli.home / "folder"
    folder.mkdir()
    (folder / "k").write_bytes(LARGE)
    for args in (
        ("put", bucket.name, "k", folder / "k"),
        ("put", "-r", bucket.name, "", folder),
        ("put", bucket.name, "new", folder / "k", "--if-absent"),
    ):
        assert "max_msgs_per_subject is 30" in cli(*args).expect(6).stderr
    assert cli("put", bucket.name, "k", "-", input=b"x").expect(6).stdout == b""
    assert await fetch(bucket, "k") == LARGE
    cli("rm", bucket.name, "k").expect(0)


UNSUITABLE: list[tuple[dict[str, object], str]] = [
    ({"retention": "interest"}, "retention"),
    ({"retention": "workqueue"}, "retention"),
    ({"no_ack": True}, "no_ack"),
    ({"allow_rollup_hdrs": False}, "allow_rollup_hdrs"),
    ({"deny_purge": True, "allow_rollup_hdrs": False}, "allow_rollup_hdrs"),
    ({"subject_transform": {"src": "$O.*.C.>", "dest": "elsewhere.{{wildcard(1)}}.>"}}, "subject_transform"),
    ({"subject_transform": {"src": ">", "dest": "x.>"}}, "subject_transform"),
    ({"discard_new_per_subject": True, "max_msgs_per_subject": 5}, "max_msgs_per_subject"),
    ({"subjects": ["something.else"]}, "subjects"),
    ({"subjects": ["$O.other.>"]}, "subjects"),
]


@pytest.mark.parametrize("unsuitable", UNSUITABLE, ids=lambda each: str(each)[:40])
async def test_a_stream_that_loses_objects_is_refused_by_its_setting(
    cli: Program, store: Store, client: Client, unsuitable: tuple[dict[str, object], str]
) -> None:
    """At once, without a byte of it, by the name of the setting; what reads goes on."""
    name, (settings, named) = f"odd-{UNSUITABLE.index(unsuitable)}", unsuitable
    bucket = await make(store, client, name, **settings)
    before = await last_sequence(client, f"OBJ_{name}")
    for data in (b"x", LARGE):
        with pytest.raises(RefusedError, match=named):
            await bucket.put("k", data)
    assert named in cli("put", name, "k", "-", input=b"x").expect(6).stderr
    assert await last_sequence(client, f"OBJ_{name}") == before
    cli("ls", name).expect(0)
    await store.delete_bucket(name)


async def test_reading_needs_no_consumer(
    cli: Program, store: Store, client: Client, bucket_name: str
) -> None:
    """Where others hold all that there may be, or the retention allows none, Direct Get reads everything."""
    bucket = await make(store, client, bucket_name, max_consumers=1)
    await bucket.put("k", LARGE)
    await api(
        client,
        f"CONSUMER.CREATE.OBJ_{bucket_name}.theirs",
        stream_name=f"OBJ_{bucket_name}",
        config={"name": "theirs", "durable_name": "theirs", "ack_policy": "explicit"},
    )
    assert await fetch(bucket, "k") == LARGE
    cli("get", "-r", bucket_name, "", cli.home / "out").expect(0)
    assert (cli.home / "out" / "k").read_bytes() == LARGE
    cli("verify", bucket_name).expect(0)
    await store.delete_bucket(bucket_name)


async def test_what_no_setting_tells_is_found_by_counting(
    store: Store, client: Client, bucket_name: str
) -> None:
    """A stream that is not plain and loses chunks: nothing is committed, and the old object stands."""
    bucket = await make(store, client, bucket_name, discard="old", max_msgs=40)
    await bucket.put("k", LARGE)
    with pytest.raises(RefusedError):
        await bucket.put("k", LARGE * 3)
    await store.delete_bucket(bucket_name)


LIMITED = """
jetstream {max_file_store: 64M, max_memory_store: 16M}
accounts {A {jetstream {max_file: 4M, max_mem: 1M}, users [{user: a, password: a}]}}
"""


async def test_an_account_at_its_limit_is_a_full_bucket(serve: Serve, cli: Program) -> None:
    """A put is refused with the bucket's name and a hint, and rm makes room."""
    server = serve(LIMITED)
    cli.env["NATS_URL"] = server.url.replace("nats://", "nats://a:a@")
    cli("add", "b").expect(0)
    cli("put", "b", "one", "-", input=bytes(2_500_000)).expect(0)
    full = cli("put", "b", "two", "-", input=bytes(2_500_000)).expect(6)
    assert "b" in full.stderr
    assert full.stderr.count("10002") <= 1
    for number in range(4):
        cli("put", "b", f"small-{number}", "-", input=bytes(500_000))
    cli("rm", "b", "one").expect(0)
    cli("put", "b", "two", "-", input=bytes(1_000_000)).expect(0)


async def test_what_has_no_chunks_can_be_deleted_in_a_full_bucket(
    cli: Program, store: Store, client: Client, bucket_name: str
) -> None:
    """An empty object, a link, and what is small in a bucket whose limit was lowered."""
    bucket = await make(store, client, bucket_name, max_msgs=5)
    await bucket.put("empty", b"")
    await bucket.put("small", b"x")
    await bucket.link("link", "small")
    await bucket.put("other", b"")
    cli("rm", bucket_name, "link").expect(0)
    await bucket.put("again", b"")
    cli("rm", bucket_name, "empty").expect(0)
    await change(client, bucket, max_msgs=1)
    cli("rm", bucket_name, "small").expect(0)
    cli("rm", bucket_name, "small").expect(4)
    assert [info.name async for info in bucket.list()] == ["other", "again"]
    cli("rm", "-f", bucket_name, "--match", "*").expect(0)
    assert [info.name async for info in bucket.list()] == []
    await store.delete_bucket(bucket_name)


@pytest.mark.parametrize("limit", [{"max_bytes": 2_000_000}, {"max_msgs": 5}], ids=str)
async def test_what_would_displace_itself_is_refused_before_the_upload(
    cli: Program, store: Store, client: Client, bucket_name: str, limit: dict[str, object]
) -> None:
    """A bucket that drops its oldest messages keeps what it has when a file is larger than it."""
    bucket = await make(store, client, bucket_name, discard="old", **limit)
    await bucket.put("k", b"good")
    (cli.home / "large").write_bytes(LARGE)
    assert next(iter(limit)) in cli("put", bucket_name, "k", cli.home / "large").expect(6).stderr
    assert await fetch(bucket, "k") == b"good"
    cli("put", bucket_name, "k", input=LARGE).expect(6)
    await store.delete_bucket(bucket_name)


RINGS = pytest.mark.parametrize("limit", [{"max_bytes": 1_000_000}, {"max_msgs": 9}], ids=str)
"""What a bucket that drops its oldest messages keeps: one object of 5 chunks, and not a second one."""


@RINGS
async def test_nothing_that_is_stored_makes_room(
    cli: Program, store: Store, client: Client, bucket_name: str, limit: dict[str, object]
) -> None:
    """In a full bucket that drops its oldest messages every change is refused, as in one that does not."""
    bucket = await make(store, client, bucket_name, discard="old", **limit)
    five, less = LARGE[: 5 * 131_072], LARGE[:400_000]
    await bucket.put("good", five)
    (cli.home / "folder").mkdir()
    for name in ("good", "a", "b", "c"):
        (cli.home / "folder" / name).write_bytes(five)
    for line in (
        ["put", bucket_name, "good", cli.home / "folder" / "good"],
        ["put", bucket_name, "other", cli.home / "folder" / "a"],
        ["put", "--resume", bucket_name, "other", cli.home / "folder" / "a"],
        ["cp", bucket_name, "good", "copy"],
    ):
        said = cli(*line).expect(6).stderr
        assert "discard is old" in said
        assert next(iter(limit)) in said
    cli("put", bucket_name, "other", input=five).expect(6)
    cli("put", "-r", bucket_name, "x", cli.home / "folder").expect(1)
    assert await fetch(bucket, "good") == five
    cli("rm", bucket_name, "good").expect(0)
    cli("put", "-r", bucket_name, "", cli.home / "folder").expect(1)  # one of them has room
    (name,) = [info.name async for info in bucket.list()]
    assert await fetch(bucket, name) == five
    cli("rm", bucket_name, name).expect(0)
    cli("put", bucket_name, "less", input=less).expect(0)
    assert await fetch(bucket, "less") == less
    await store.delete_bucket(bucket_name)


async def test_no_record_makes_room(cli: Program, store: Store, client: Client, bucket_name: str) -> None:
    """Neither that of an edit, a link or a rename, nor a tombstone, which is left out then."""
    bucket = await make(store, client, bucket_name, discard="old", max_msgs=5)
    await bucket.put("first", b"1")
    await bucket.put("empty", b"")
    await bucket.put("last", b"2")
    for line in (
        ["edit", bucket_name, "last", "--description", "x"],
        ["ln", bucket_name, "last", "link"],
        ["mv", bucket_name, "last", "moved"],
        ["put", bucket_name, "nothing", "-"],
    ):
        assert "max_msgs" in cli(*line).expect(6).stderr
    cli("rm", bucket_name, "empty").expect(0)
    assert await fetch(bucket, "first") == b"1"
    cli("mv", bucket_name, "last", "moved").expect(0)
    assert [await fetch(bucket, key) for key in ("first", "moved")] == [b"1", b"2"]
    cli("rm", bucket_name, "moved").expect(0)
    assert await fetch(bucket, "first") == b"1"
    await store.delete_bucket(bucket_name)


async def test_an_interrupted_put_leaves_what_it_was_to_replace(
    store: Store, client: Client, bucket_name: str
) -> None:
    """Also where there is room for one of both only: it says that the old one is as it was."""
    bucket = await make(store, client, bucket_name, discard="old", max_bytes=1_000_000)
    await bucket.put("k", LARGE[:600_000])

    async def broken() -> AsyncIterator[bytes]:
        yield LARGE[:900_000]
        raise ValueError

    with pytest.raises((BucketFull, ValueError)):
        await bucket.put("k", broken())
    assert await fetch(bucket, "k") == LARGE[:600_000]
    await store.delete_bucket(bucket_name)
