"""Verification: what is broken is found and named, and nothing else is."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, Problem, Store, Verdict
from natsobj.adr20.names import chunk_subject, metadata_subject
from natsobj.checks import verify
from natsobj.errors import ObjectNotFound
from natsobj.folders.pace import BYTES_UNDER_WAY, LEAST, MOST
from natsobj.models import ObjectInfo
from tests.behind import (
    BIG,
    api,
    drop_chunk,
    lag_behind,
    last_sequence,
    messages,
    record_of,
    write_record,
)
from tests.between import Between
from tests.sinks import Buffer, Gate

BOTH = pytest.mark.parametrize("quick", [False, True])


async def verdicts(bucket: Bucket, key: str | None = None, *, quick: bool = False) -> list[Verdict]:
    """Everything that a verification says."""
    return [each async for each in verify.verify(await verify.survey(bucket, key), quick=quick)]


async def problems(bucket: Bucket, *, quick: bool = False) -> dict[str, Problem | None]:
    """What is wrong with each object."""
    return {each.name: each.problem for each in await verdicts(bucket, quick=quick)}


async def purge_chunks(client: Client, bucket: Bucket, info: ObjectInfo) -> None:
    """Take all chunks of an object away."""
    assert info.nuid
    await api(client, f"STREAM.PURGE.OBJ_{bucket.name}", filter=chunk_subject(bucket.name, info.nuid))


async def add_chunk(client: Client, bucket: Bucket, nuid: str | None, data: bytes = b"surplus") -> None:
    """Store one more chunk."""
    assert nuid
    await client.request(chunk_subject(bucket.name, nuid), data, timeout=5)


# What is whole


@BOTH
async def test_whole_objects_of_every_kind_are_ok(bucket: Bucket, client: Client, quick: bool) -> None:
    """Empty, small and large ones, a link, those of other clients; tombstones are not looked at."""
    await bucket.put("empty", b"")
    small = await bucket.put("small", b"x" * 1000)
    await bucket.put("large", BIG)
    await bucket.put("gone", b"x")
    await bucket.delete("gone")
    link = {"options": {"link": {"bucket": bucket.name, "name": "missing"}}, "nuid": "LINK"}
    await write_record(client, bucket, "link", link)
    foreign = {"nuid": "FOREIGN", "size": 6, "chunks": 2}
    await write_record(client, bucket, "no digest", foreign)
    await add_chunk(client, bucket, "FOREIGN", b"abc")
    await add_chunk(client, bucket, "FOREIGN", b"def")
    subject = f"$O.{bucket.name}.M.S_ZwZmU="  # as nats.js has it: Latin-1
    record = {"name": "Köpfe", "nuid": "LATIN", "size": 3, "chunks": 1, "options": {"max_chunk_size": 10}}
    await client.request(subject, json.dumps(record).encode(), timeout=5)
    await add_chunk(client, bucket, "LATIN", b"abc")
    found = await verdicts(bucket, quick=quick)
    assert all(each.ok and not each.broken and each.detail is None for each in found)
    names = ["empty", "small", "large", "link", "no digest", "Köpfe"]
    assert [each.name for each in found] == names
    assert found[1] == Verdict(bucket.name, "small", small.size)


async def test_a_survey_knows_how_much_there_is(bucket: Bucket) -> None:
    """Objects and bytes of the whole bucket, or of the one key."""
    await bucket.put("a", b"12345")
    await bucket.put("b", b"1")
    whole, one = await verify.survey(bucket), await verify.survey(bucket, "a")
    assert (whole.objects, whole.size) == (2, 6)
    assert (one.objects, one.size) == (1, 5)


@BOTH
async def test_an_empty_bucket_has_no_verdicts(bucket: Bucket, quick: bool) -> None:
    """Nothing is wrong with nothing."""
    assert await verdicts(bucket, quick=quick) == []


@BOTH
async def test_of_records_without_rollup_the_last_counts(bucket: Bucket, client: Client, quick: bool) -> None:
    """The one before may well name chunks that are gone."""
    await bucket.put("k", b"old")
    old = await record_of(client, bucket, "k")
    new = await bucket.put("other", b"new")
    subject = metadata_subject(bucket.name, "k")
    body = {**old, "nuid": "GONE", "chunks": 7}
    await client.request(subject, json.dumps(body).encode(), timeout=5)
    await client.request(subject, json.dumps(old).encode(), timeout=5)
    assert await problems(bucket, quick=quick) == {"k": None, "other": None}
    await client.request(subject, json.dumps(body).encode(), timeout=5)
    assert await problems(bucket, quick=quick) == {"k": "missing_chunks", "other": None}
    assert new.nuid


# What is broken


@BOTH
@pytest.mark.parametrize("data", [b"small", BIG])
async def test_missing_chunks_are_found(bucket: Bucket, client: Client, quick: bool, data: bytes) -> None:
    """All of a small object, one in the middle of a large one; the numbers are told."""
    await bucket.put("good", data)
    info = await bucket.put("bad", data)
    if info.chunks == 1:
        await purge_chunks(client, bucket, info)
    else:
        await drop_chunk(client, bucket, "bad")
    good, bad = await verdicts(bucket, quick=quick)
    assert (good.problem, bad.problem, bad.broken, bad.ok) == (None, "missing_chunks", True, False)
    assert bad.detail == f"{info.chunks - 1} of {info.chunks} chunks are stored"


@BOTH
@pytest.mark.parametrize("data", [b"", b"small", BIG])
async def test_surplus_chunks_are_found(bucket: Bucket, client: Client, quick: bool, data: bytes) -> None:
    """A number is wrong as well when it is too large, also under an empty object."""
    info = await bucket.put("k", data)
    await add_chunk(client, bucket, info.nuid)
    (verdict,) = await verdicts(bucket, quick=quick)
    assert verdict.problem == "missing_chunks"
    assert verdict.detail == f"{info.chunks + 1} of {info.chunks} chunks are stored"


@pytest.mark.parametrize("data", [b"small", BIG])
async def test_changed_bytes_are_found_by_reading_them(bucket: Bucket, client: Client, data: bytes) -> None:
    """Number and size are right, so a quick look claims nothing."""
    info = await bucket.put("k", data)
    await purge_chunks(client, bucket, info)
    size = info.chunk_size or 0
    for start in range(0, len(data), size):
        part = data[start : start + size]
        await add_chunk(client, bucket, info.nuid, part if start else b"X" + part[1:])
    assert await problems(bucket) == {"k": "wrong_digest"}
    assert await problems(bucket, quick=True) == {"k": None}


@pytest.mark.parametrize("size", [4, 6])
async def test_a_wrong_size_is_found_by_reading(bucket: Bucket, client: Client, size: int) -> None:
    """One byte more or less than the record says; the number of chunks cannot tell."""
    await bucket.put("k", b"12345")
    await write_record(client, bucket, "k", {**await record_of(client, bucket, "k"), "size": size})
    assert await problems(bucket) == {"k": "wrong_size"}
    assert await problems(bucket, quick=True) == {"k": None}


@BOTH
async def test_a_size_that_cannot_be_is_found_without_reading(
    bucket: Bucket, client: Client, quick: bool
) -> None:
    """More bytes than fit into so many chunks of that size."""
    await bucket.put("k", b"12345")
    await write_record(client, bucket, "k", {**await record_of(client, bucket, "k"), "size": 1 << 20})
    assert await problems(bucket, quick=quick) == {"k": "wrong_size"}


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"name":"k","size":"1"}',
        b'{"name":"k","nuid":"a.b","size":1,"chunks":1}',
        b'{"name":"k","nuid":">","size":1,"chunks":1}',
        b'{"name":"k","size":5,"chunks":1}',
    ],
)
async def test_records_that_cannot_be_read_are_found(
    bucket: Bucket, client: Client, quick: bool, body: bytes
) -> None:
    """Truncated and foreign ones, a nuid that is no token, bytes without chunks: under the subject's name."""
    await bucket.put("good", b"x")
    await client.request(metadata_subject(bucket.name, "k"), body, timeout=5)
    good, bad = await verdicts(bucket, quick=quick)
    assert good.ok
    assert bad.name == "k"
    if body == b'{"name":"k","size":5,"chunks":1}':
        assert bad.problem == "missing_chunks"
    else:
        assert bad.problem == "unreadable"
    assert bad.detail


@BOTH
async def test_bytes_without_any_chunk_are_unreadable(bucket: Bucket, client: Client, quick: bool) -> None:
    """The record says that there is something and not where."""
    await write_record(client, bucket, "k", {"size": 5, "chunks": 0, "nuid": "N"})
    assert await problems(bucket, quick=quick) == {"k": "unreadable"}


@BOTH
async def test_a_nuid_that_two_records_name_is_found(bucket: Bucket, client: Client, quick: bool) -> None:
    """Both are told, for deleting either breaks the other; the third has its own."""
    await bucket.put("a", b"content")
    await bucket.put("c", b"content")
    record = await record_of(client, bucket, "a")
    await write_record(client, bucket, "b", {**record, "name": "b"})
    assert await problems(bucket, quick=quick) == {"a": "shared_nuid", "b": "shared_nuid", "c": None}
    (verdict,) = await verdicts(bucket, "b", quick=quick)
    assert verdict.problem == "shared_nuid"


async def test_lost_chunks_are_worse_than_shared_ones(bucket: Bucket, client: Client) -> None:
    """One problem is told of each object."""
    await bucket.put("a", BIG)
    record = await record_of(client, bucket, "a")
    await write_record(client, bucket, "b", {**record, "name": "b"})
    await drop_chunk(client, bucket, "a")
    assert await problems(bucket) == {"a": "missing_chunks", "b": "missing_chunks"}


async def test_an_expired_chunk_is_a_missing_one(store: Store, client: Client, bucket_name: str) -> None:
    """The note that the server leaves in its place counts as a message and is none."""
    bucket = await store.create_bucket(BucketConfig(bucket_name))
    config = (await api(client, f"STREAM.INFO.OBJ_{bucket_name}"))["config"]
    assert isinstance(config, dict)
    limits = {"allow_msg_ttl": True, "subject_delete_marker_ttl": 3_000_000_000}
    await api(client, f"STREAM.UPDATE.OBJ_{bucket_name}", **config | limits)
    await bucket.put("whole", b"abc")
    await write_record(client, bucket, "k", {"nuid": "N", "size": 3, "chunks": 1})
    subject = chunk_subject(bucket_name, "N")
    await client.request(subject, b"abc", timeout=5, headers={"Nats-TTL": "3s"})
    assert await problems(bucket) == {"whole": None, "k": None}
    headers: dict[str, str] = {}
    while "Nats-Marker-Reason" not in headers:
        await asyncio.sleep(0.05)
        headers = (await client.jetstream().get_last_msg(f"OBJ_{bucket_name}", subject)).headers or {}
    for quick in (True, False):
        assert await problems(bucket, quick=quick) == {"whole": None, "k": "missing_chunks"}
    await store.delete_bucket(bucket_name)


# What changes meanwhile


async def test_an_object_that_is_replaced_while_it_is_read_has_changed(bucket: Bucket) -> None:
    """It is not broken, and neither is it known to be whole."""
    await bucket.put("k", BIG * 12)
    gate = Gate()
    running = verify.verify(await verify.survey(bucket), into=lambda _: gate)
    task = asyncio.ensure_future(anext(running))
    await gate.reached.wait()
    await bucket.put("k", BIG * 2)
    gate.opened.set()
    verdict = await task
    assert (verdict.problem, verdict.ok, verdict.broken) == ("changed", False, False)


async def test_an_object_that_is_deleted_while_it_is_read_has_changed(bucket: Bucket) -> None:
    """The same."""
    await bucket.put("k", BIG * 12)
    gate = Gate()
    running = verify.verify(await verify.survey(bucket, "k"), into=lambda _: gate)
    task = asyncio.ensure_future(anext(running))
    await gate.reached.wait()
    await bucket.delete("k")
    gate.opened.set()
    assert (await task).problem == "changed"


@BOTH
async def test_what_is_put_behind_the_survey_is_verified_as_it_is(bucket: Bucket, quick: bool) -> None:
    """New and replaced objects are not called broken because the survey did not know their chunks."""
    await bucket.put("old", BIG)
    surveyed = await verify.survey(bucket)
    await bucket.put("new", BIG)
    await bucket.put("old", b"x")
    found = [each async for each in verify.verify(surveyed, quick=quick)]
    assert {each.name: each.problem for each in found} == {"old": None, "new": None}


@BOTH
async def test_a_replica_that_lags_is_no_reason_to_call_anything_changed(
    bucket: Bucket, between: Between, behind: Bucket, quick: bool
) -> None:
    """What was stored before the survey began is verified as the leader has it."""
    for key in ("kept", "replaced", "deleted"):
        await bucket.put(key, b"old")
    await lag_behind(between, behind)
    await bucket.put("replaced", BIG)
    await bucket.put("added", b"new")
    await bucket.delete("deleted")
    assert await problems(behind, quick=quick) == {"kept": None, "replaced": None, "added": None}
    assert between.stale


@BOTH
async def test_a_rename_under_way_shares_nothing(bucket: Bucket, client: Client, quick: bool) -> None:
    """For a moment two names lead to the same chunks; by the time of the verdict one of them is gone."""
    await bucket.put("old", b"content")
    record = await record_of(client, bucket, "old")
    await write_record(client, bucket, "new", {**record, "name": "new"})
    surveyed = await verify.survey(bucket)
    old = metadata_subject(bucket.name, "old")
    await api(client, f"STREAM.PURGE.OBJ_{bucket.name}", filter=old)
    found = [each async for each in verify.verify(surveyed, quick=quick)]
    assert {each.name: each.problem for each in found} == {"new": None}


# One key


@BOTH
async def test_one_key_is_verified_alone(bucket: Bucket, client: Client, quick: bool) -> None:
    """The others may be as broken as they like."""
    await bucket.put("good", BIG)
    await bucket.put("bad", BIG)
    await drop_chunk(client, bucket, "bad")
    assert [each.problem for each in await verdicts(bucket, "good", quick=quick)] == [None]
    assert [each.problem for each in await verdicts(bucket, "bad", quick=quick)] == ["missing_chunks"]


async def test_a_key_without_an_object_is_not_found(bucket: Bucket) -> None:
    """A tombstone is no object."""
    await bucket.put("gone", b"x")
    await bucket.delete("gone")
    for key in ("gone", "never", "Köpfe"):
        with pytest.raises(ObjectNotFound):
            await verify.survey(bucket, key)


# How it is done


class Gates:
    """Sinks that let nothing through until all of them are opened."""

    def __init__(self) -> None:
        self._gates: list[Gate] = []

    def __call__(self, _: ObjectInfo) -> Gate:
        self._gates.append(Gate())
        return self._gates[-1]

    async def reached(self, number: int) -> int:
        """Wait until so many objects are being read, and return how many were begun."""
        while sum(gate.reached.is_set() for gate in self._gates) < number:
            await asyncio.sleep(0.01)
        return len(self._gates)

    async def open_until(self, done: asyncio.Future[list[str]]) -> list[str]:
        """Let everything through, now and later."""
        while not done.done():
            for gate in self._gates:
                gate.opened.set()
            await asyncio.sleep(0.01)
        return await done


@pytest.mark.parametrize(
    ("size", "number", "least", "most"),
    [(1, verify.AHEAD + 2, LEAST, MOST), (BYTES_UNDER_WAY // 4, 5, 3, 3)],
    ids=["small", "large"],
)
async def test_several_objects_are_read_at_once_and_not_all(
    bucket: Bucket, size: int, number: int, least: int, most: int
) -> None:
    """Objects are bounded, and so are their bytes; the verdicts come in the bucket's order all the same."""
    names = [f"k{index:04}" for index in range(number)]
    for name in names:
        await bucket.put(name, b"x" * size)
    gates, surveyed = Gates(), await verify.survey(bucket)

    async def read() -> list[str]:
        return [each.name async for each in verify.verify(surveyed, into=gates)]

    task = asyncio.create_task(read())
    assert least <= await gates.reached(least) <= most
    assert await gates.open_until(task) == names


async def test_not_all_verdicts_are_kept_until_the_first_is_known(bucket: Bucket) -> None:
    """A large object may take long; only so many of those that follow are read meanwhile."""
    names = [f"k{index:04}" for index in range(verify.AHEAD + 2)]
    for name in names:
        await bucket.put(name, b"x")
    first, begun = Gate(), 0

    def into(_: ObjectInfo) -> Buffer:
        nonlocal begun
        begun += 1
        return first if begun == 1 else Buffer()

    async def read() -> list[str]:
        return [each.name async for each in verify.verify(surveyed, into=into)]

    surveyed = await verify.survey(bucket)
    task = asyncio.create_task(read())
    while begun < verify.AHEAD:
        await asyncio.sleep(0.01)
    await first.reached.wait()
    assert begun == verify.AHEAD
    first.opened.set()
    assert await task == names


async def test_a_sink_sees_every_byte(bucket: Bucket) -> None:
    """So that whoever shows progress can count."""
    sinks = {"a": Buffer(), "b": Buffer()}
    await bucket.put("a", BIG)
    await bucket.put("b", b"123")
    surveyed = await verify.survey(bucket)
    found = [each async for each in verify.verify(surveyed, into=lambda info: sinks[info.name])]
    assert [each.ok for each in found] == [True, True]
    assert (bytes(sinks["a"].data), bytes(sinks["b"].data)) == (BIG, b"123")


async def test_leaving_early_leaves_nothing_behind(bucket: Bucket, client: Client) -> None:
    """No tasks and no consumers."""
    for index in range(6):
        await bucket.put(f"k{index}", BIG)
    before = asyncio.all_tasks()
    async with aclosing(verify.verify(await verify.survey(bucket))) as running:
        await anext(running)
    assert asyncio.all_tasks() <= before
    assert (await api(client, f"CONSUMER.NAMES.OBJ_{bucket.name}"))["total"] == 0
    assert await messages(client, bucket) == 6 * 41


@BOTH
async def test_a_mirror_can_be_verified(store: Store, bucket: Bucket, client: Client, quick: bool) -> None:
    """It keeps the subjects of its origin."""
    await bucket.put("good", b"x")
    await bucket.put("bad", b"x")
    name = f"{bucket.name}-mirror"
    await api(client, f"STREAM.CREATE.OBJ_{name}", name=f"OBJ_{name}", mirror={"name": f"OBJ_{bucket.name}"})
    mirror = store.bucket(name)
    while await messages(client, mirror) < 4:
        await asyncio.sleep(0.02)
    assert await problems(mirror, quick=quick) == {"good": None, "bad": None}
    info = await bucket.info("bad")
    assert info.nuid
    subject = chunk_subject(bucket.name, info.nuid)
    await api(client, f"STREAM.PURGE.OBJ_{name}", filter=subject)
    assert await problems(store.bucket(name), quick=quick) == {"good": None, "bad": "missing_chunks"}
    await store.delete_bucket(name)


@BOTH
async def test_a_mirror_that_answers_for_the_stream_hides_nothing(
    store: Store, bucket: Bucket, client: Client, quick: bool
) -> None:
    """It may keep a part only, and yet answers Direct Get for its origin."""
    names = [f"k{index:02}" for index in range(20)]
    for name in names:
        await bucket.put(name, b"x")
    mirror = f"{bucket.name}-mirror"
    origin = {"name": f"OBJ_{bucket.name}"}
    part: dict[str, object] = {"mirror": origin, "mirror_direct": True, "allow_direct": True, "max_msgs": 3}
    await api(client, f"STREAM.CREATE.{mirror}", name=mirror, **part)
    while await last_sequence(client, mirror) < 2 * len(names):
        await asyncio.sleep(0.02)
    for _ in range(8 if quick else 2):
        assert sorted(await problems(bucket, quick=quick)) == names
    await api(client, f"STREAM.DELETE.{mirror}")
