"""Sweeping up: what nobody refers to goes, and nothing else does, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, Orphan, Store, Tombstone
from natsobj.adr20.names import chunk_subject, metadata_filter, metadata_subject
from natsobj.checks import orphans, verify
from natsobj.errors import BucketReadOnly, BucketSealed, ObjectNotFound
from natsobj.settings import Settings
from tests.behind import (
    BIG,
    api,
    fetch,
    lag_behind,
    last_sequence,
    record_of,
    write_record,
)
from tests.between import Answer, Between, Sent
from tests.sinks import Dripping

NOW = timedelta()
DAY = timedelta(days=1)


async def sweep(
    bucket: Bucket, *, older_than: timedelta = NOW, tombstones: bool = False, dry_run: bool = False
) -> list[Orphan | Tombstone]:
    """Everything that a sweep gives."""
    found = orphans.remove_orphans(bucket, older_than=older_than, tombstones=tombstones, dry_run=dry_run)
    return [each async for each in found]


async def removed(bucket: Bucket, *, older_than: timedelta = NOW) -> set[str]:
    """The nuids whose chunks a sweep removes."""
    found = await sweep(bucket, older_than=older_than)
    return {each.nuid for each in found if isinstance(each, Orphan) and each.removed}


async def chunks(client: Client, bucket: Bucket) -> dict[str, int]:
    """How many chunks are stored for each nuid, asked by hand."""
    begin = f"$O.{bucket.name}.C."
    state = (await api(client, f"STREAM.INFO.OBJ_{bucket.name}", subjects_filter=f"{begin}>"))["state"]
    assert isinstance(state, dict)
    return {subject.removeprefix(begin): number for subject, number in state.get("subjects", {}).items()}


async def upload(client: Client, bucket: Bucket, nuid: str, number: int = 3) -> None:
    """Store chunks that no record names."""
    for index in range(number):
        await client.request(chunk_subject(bucket.name, nuid), b"%d" % index, timeout=5)


async def commit(client: Client, bucket: Bucket, key: str, nuid: str, number: int = 3) -> None:
    """Store the record that makes those chunks an object."""
    await write_record(client, bucket, key, {"nuid": nuid, "size": number, "chunks": number})


# What goes and what stays


async def test_orphans_go_and_objects_stay(bucket: Bucket, client: Client) -> None:
    """The chunks of an upload that never ended; not those of any object, whoever stored it."""
    await bucket.put("large", BIG)
    await bucket.put("empty", b"")
    await bucket.put("replaced", b"old")
    await bucket.put("replaced", b"new")
    await upload(client, bucket, "LATIN")
    subject = f"$O.{bucket.name}.M.S_ZwZmU="  # as nats.js has it: Latin-1
    record = {"name": "Köpfe", "nuid": "LATIN", "size": 3, "chunks": 3}
    await client.request(subject, json.dumps(record).encode(), timeout=5)
    whole = await chunks(client, bucket)
    await upload(client, bucket, "ORPHAN", 5)
    (orphan,) = await sweep(bucket)
    assert isinstance(orphan, Orphan)
    assert (orphan.nuid, orphan.chunks, orphan.removed, orphan.young) == ("ORPHAN", 5, True, False)
    assert NOW <= orphan.age < DAY
    assert await chunks(client, bucket) == whole
    assert await fetch(bucket, "large") == BIG
    assert await fetch(bucket, "Köpfe") == b"012"
    assert await sweep(bucket) == []


async def test_many_orphans_go_in_one_run(bucket: Bucket, client: Client) -> None:
    """The oldest first; objects between them stay."""
    names = [f"N{index:02}" for index in range(50)]
    for index, name in enumerate(names):
        await upload(client, bucket, name, 1 + index % 3)
        await bucket.put(f"k{index}", b"x")
    found = await sweep(bucket)
    assert [each.nuid for each in found if isinstance(each, Orphan)] == names
    assert len(await chunks(client, bucket)) == 50
    assert all(each.ok for each in [each async for each in verify.verify(await verify.survey(bucket))])


async def test_what_is_younger_stays_and_is_told(bucket: Bucket, client: Client) -> None:
    """The newest chunk counts: the upload may be under way."""
    await upload(client, bucket, "YOUNG")
    (orphan,) = await sweep(bucket, older_than=DAY)
    assert isinstance(orphan, Orphan)
    assert (orphan.nuid, orphan.young, orphan.removed) == ("YOUNG", True, False)
    assert await chunks(client, bucket) == {"YOUNG": 3}


async def test_the_age_is_that_of_the_newest_chunk(bucket: Bucket, client: Client) -> None:
    """However old the others are."""
    await upload(client, bucket, "GOES ON".replace(" ", "_"))
    await upload(client, bucket, "STOPPED")
    limit = timedelta(seconds=0.3)
    while (await sweep(bucket, older_than=limit, dry_run=True))[0].age < limit:
        await asyncio.sleep(0.02)
    await upload(client, bucket, "GOES_ON", 1)
    assert await removed(bucket, older_than=limit) == {"STOPPED"}
    assert await chunks(client, bucket) == {"GOES_ON": 4}


async def test_a_dry_run_removes_nothing(bucket: Bucket, client: Client) -> None:
    """And gives what would be."""
    await upload(client, bucket, "ORPHAN")
    await bucket.put("gone", b"")
    await bucket.delete("gone")
    sequence = await last_sequence(client, f"OBJ_{bucket.name}")
    orphan, tombstone = await sweep(bucket, tombstones=True, dry_run=True)
    assert not orphan.removed
    assert not tombstone.removed
    assert await chunks(client, bucket) == {"ORPHAN": 3}
    assert await last_sequence(client, f"OBJ_{bucket.name}") == sequence
    assert len(await sweep(bucket, tombstones=True)) == 2


async def test_an_upload_under_way_is_not_touched(bucket: Bucket) -> None:
    """Its chunks have no record yet; it ends as if nothing had happened."""
    part = BIG[: 128 * 1024]
    source = Dripping(part, part)
    putting = asyncio.create_task(bucket.put("k", source))
    await source.drained.wait()
    found: list[Orphan | Tombstone] = []
    async with asyncio.timeout(20):
        while not found:
            found = await sweep(bucket, older_than=DAY)
    assert [each.removed for each in found] == [False]
    source.end.set()
    await putting
    assert await fetch(bucket, "k") == part + part


async def test_an_expired_chunk_is_nobodys_business(store: Store, client: Client, bucket_name: str) -> None:
    """The server's note in its place goes away by itself."""
    bucket = await store.create_bucket(BucketConfig(bucket_name))
    config = (await api(client, f"STREAM.INFO.OBJ_{bucket_name}"))["config"]
    assert isinstance(config, dict)
    limits = {"allow_msg_ttl": True, "subject_delete_marker_ttl": 3_000_000_000}
    await api(client, f"STREAM.UPDATE.OBJ_{bucket_name}", **config | limits)
    subject = chunk_subject(bucket_name, "N")
    await client.request(subject, b"abc", timeout=5, headers={"Nats-TTL": "3s"})
    headers: dict[str, str] = {}
    while "Nats-Marker-Reason" not in headers:
        await asyncio.sleep(0.05)
        headers = (await client.jetstream().get_last_msg(f"OBJ_{bucket_name}", subject)).headers or {}
    assert await sweep(bucket) == []
    await store.delete_bucket(bucket_name)


# Tombstones


async def test_tombstones_go_when_they_are_asked_for(bucket: Bucket, client: Client) -> None:
    """Those that are old enough, and nothing else; names of all kinds."""
    for key in ("a", "Köpfe/漢字", "kept"):
        await bucket.put(key, b"x")
    for key in ("a", "Köpfe/漢字"):
        await bucket.delete(key)
    assert await sweep(bucket) == []
    assert await sweep(bucket, tombstones=True, older_than=DAY) == []
    found = await sweep(bucket, tombstones=True)
    assert [(each.name, each.removed) for each in found if isinstance(each, Tombstone)] == [
        ("a", True),
        ("Köpfe/漢字", True),
    ]
    assert [info.name async for info in bucket.list(deleted=True)] == ["kept"]
    assert await sweep(bucket, tombstones=True) == []


async def test_the_chunks_that_a_tombstone_names_are_orphans(bucket: Bucket, client: Client) -> None:
    """A delete whose second half was lost; the tombstone itself stays unless it is asked for."""
    await bucket.put("k", BIG)
    record = await record_of(client, bucket, "k")
    await write_record(client, bucket, "k", {**record, "deleted": True, "size": 0, "chunks": 0})
    assert await removed(bucket) == {record["nuid"]}
    assert await chunks(client, bucket) == {}
    assert [info.name async for info in bucket.list(deleted=True)] == ["k"]


async def test_an_object_in_the_place_of_a_tombstone_stays(
    bucket: Bucket, between: Between, behind: Bucket
) -> None:
    """Stored at the last moment: only the tombstone's own message could have been removed."""
    for key in ("before", "between"):
        await bucket.put(key, b"old")
        await bucket.delete(key)
    await bucket.put("before", b"new")

    async def put_before_a_purge(sent: Sent) -> None:
        if ".STREAM.PURGE." in sent.subject:
            await bucket.put("between", b"new")

    between.before = put_before_a_purge
    assert [each.name for each in await sweep(behind, tombstones=True) if isinstance(each, Tombstone)] == [
        "between"
    ]
    assert await fetch(bucket, "before") == b"new"
    assert await fetch(bucket, "between") == b"new"


# Records that are not as they should be


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"k","nuid":"NUID","size":',
        b'{"name":"k","nuid":"NUID","size":"3","chunks":3}',
        b'{"nuid":"NUID"}',
        b'{"name":"k","nuid":"\\u004eUID","size":"3"}',
        b"NUID",
        b'\xff{"nuid":"NUID"}',
    ],
)
async def test_a_record_that_cannot_be_read_protects_what_it_names(
    bucket: Bucket, client: Client, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody may mend it; that it cannot be read is told, and other orphans go."""
    await upload(client, bucket, "NUID")
    await upload(client, bucket, "OTHER")
    await client.request(metadata_subject(bucket.name, "k"), body, timeout=5)
    assert await removed(bucket) == {"OTHER"}
    assert await chunks(client, bucket) == {"NUID": 3}
    assert f"unreadable metadata: {bucket.name}/k" in caplog.text


async def test_a_nuid_of_two_tokens_is_protected_too(bucket: Bucket, client: Client) -> None:
    """Nobody here could fetch it, but its record says whose it is."""
    await upload(client, bucket, "a.b")
    await upload(client, bucket, "a.c")
    await commit(client, bucket, "k", "a.b")
    assert await removed(bucket) == {"a.c"}
    assert await chunks(client, bucket) == {"a.b": 3}


async def test_a_shared_nuid_stays_as_long_as_one_record_names_it(
    bucket: Bucket, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Sharing is told; deleting one of the two leaves the other's chunks to be found."""
    await upload(client, bucket, "N")
    await commit(client, bucket, "a", "N")
    await commit(client, bucket, "b", "N")
    assert await removed(bucket) == set()
    assert f"broken: {bucket.name}/b: another object has the same chunks" in caplog.text
    await write_record(client, bucket, "a", {"nuid": "N", "deleted": True})
    assert await removed(bucket) == set()
    await write_record(client, bucket, "b", {"nuid": "N", "deleted": True})
    assert await removed(bucket) == {"N"}


async def test_objects_that_lack_chunks_are_told(
    bucket: Bucket, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """And whole ones are not."""
    await bucket.put("whole", BIG)
    await upload(client, bucket, "N")
    await commit(client, bucket, "short", "N", 7)
    assert await sweep(bucket) == []
    assert caplog.messages == [f"broken: {bucket.name}/short: 3 of 7 chunks are stored"]


async def test_of_records_without_rollup_the_last_counts(bucket: Bucket, client: Client) -> None:
    """What the one before names is nobody's any more, and neither is what a deleted one names."""
    for nuid in ("OLD", "NEW", "GONE"):
        await upload(client, bucket, nuid)
    for key, nuid, deleted in (
        ("k", "OLD", False),
        ("k", "NEW", False),
        ("d", "GONE", False),
        ("d", "GONE", True),
    ):
        record = {"name": key, "nuid": nuid, "size": 3, "chunks": 3, "deleted": deleted}
        await client.request(metadata_subject(bucket.name, key), json.dumps(record).encode(), timeout=5)
    assert await removed(bucket) == {"OLD", "GONE"}
    assert await fetch(bucket, "k") == b"012"


async def test_if_the_last_of_several_records_cannot_be_read_all_of_them_count(
    bucket: Bucket, client: Client
) -> None:
    """Whoever mends it may want the one before."""
    for nuid in ("OLD", "OTHER"):
        await upload(client, bucket, nuid)
    record = {"name": "k", "nuid": "OLD", "size": 3, "chunks": 3}
    for body in (json.dumps(record).encode(), b"{"):
        await client.request(metadata_subject(bucket.name, "k"), body, timeout=5)
    assert await removed(bucket) == {"OTHER"}


@pytest.mark.parametrize("odd", ["*", ">", "a.*", "a.>"])
async def test_a_subject_that_would_be_a_wildcard_is_left_alone(
    bucket: Bucket, client: Client, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The server stores such messages; as a filter their subject would take everybody's chunks along."""
    await bucket.put("k", BIG)
    await upload(client, bucket, "a.b")
    await commit(client, bucket, "two tokens", "a.b")
    await upload(client, bucket, odd, 1)
    tombstone = {"name": "odd", "nuid": "N", "deleted": True}
    await client.request(f"$O.{bucket.name}.M.{odd}", json.dumps(tombstone).encode(), timeout=5)
    before = await chunks(client, bucket)
    assert await sweep(bucket, tombstones=True) == []
    assert "wildcards" in caplog.text
    assert await chunks(client, bucket) == before
    assert await fetch(bucket, "k") == BIG


async def test_a_mirror_that_answers_for_the_stream_hides_no_object(bucket: Bucket, client: Client) -> None:
    """Direct Get may be answered by a mirror that has but the last few records: no object is lost by that."""
    for index in range(20):
        await bucket.put(f"k{index:02}", b"x")
    mirror = f"{bucket.name}-mirror"
    part: dict[str, object] = {"mirror_direct": True, "allow_direct": True, "max_msgs": 3}
    await api(client, f"STREAM.CREATE.{mirror}", name=mirror, mirror={"name": f"OBJ_{bucket.name}"}, **part)
    while await last_sequence(client, mirror) < 40:
        await asyncio.sleep(0.02)
    for index in range(10):
        await upload(client, bucket, f"ORPHAN{index}")
        assert await removed(bucket) == {f"ORPHAN{index}"}
    assert len(await chunks(client, bucket)) == 20
    await api(client, f"STREAM.DELETE.{mirror}")


async def test_a_replica_that_lags_hides_no_object(
    bucket: Bucket, client: Client, between: Between, behind: Bucket
) -> None:
    """It still has the records that were there before: the leader says what is there now."""
    for key in ("replaced", "deleted"):
        await bucket.put(key, b"old")
    await lag_behind(between, behind)
    await bucket.put("replaced", b"new")
    await bucket.put("added", b"new")
    await bucket.delete("deleted")
    await upload(client, bucket, "ORPHAN")
    assert await removed(behind) == {"ORPHAN"}
    assert between.stale
    assert await fetch(bucket, "replaced") == b"new"
    assert await fetch(bucket, "added") == b"new"


# What happens meanwhile


class LastMoment:
    """What happens between the last look at an orphan and its removal.

    Args:
        happen: the first time, or each time.
        busy: no moment is silent: something else is written before each removal that asks for silence.
    """

    def __init__(
        self,
        client: Client,
        bucket: Bucket,
        happen: Callable[[], Awaitable[object]],
        *,
        always: bool = False,
        busy: bool = False,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._happen = happen
        self._always = always
        self._busy = busy
        self._happened = False

    async def __call__(self, sent: Sent) -> None:
        """Hold the removal up until it has happened."""
        if b"Nats-Rollup" not in sent.headers:
            return
        if self._busy and b"Nats-Expected-Last-Sequence" in sent.headers:
            await upload(self._client, self._bucket, "BUSY", 1)
        elif not self._happened or self._always:
            self._happened = True
            await self._happen()


BUSY = pytest.mark.parametrize("busy", [False, True])
"""In a bucket with silent moments, and in one where something is written all the time."""


@BUSY
async def test_an_upload_that_is_committed_at_the_last_moment_is_whole(
    bucket: Bucket, client: Client, between: Between, behind: Bucket, busy: bool
) -> None:
    """The record comes between the look and the removal: the removal fails, and the object is seen."""
    await upload(client, bucket, "N")
    await upload(client, bucket, "OTHER")
    between.before = LastMoment(client, bucket, lambda: commit(client, bucket, "k", "N"), busy=busy)
    assert await removed(behind) == {"OTHER"}
    assert await fetch(bucket, "k") == b"012"


@BUSY
async def test_every_look_may_be_the_last_one_before_a_commit(
    bucket: Bucket, client: Client, between: Between, behind: Bucket, busy: bool
) -> None:
    """Several uploads, each committed just before it would have been removed."""
    names = [f"N{index}" for index in range(4)]
    for name in names:
        await upload(client, bucket, name)
    waiting = list(names)

    async def commit_next() -> None:
        if waiting:
            await commit(client, bucket, waiting[0], waiting.pop(0))

    between.before = LastMoment(client, bucket, commit_next, always=True, busy=busy)
    assert await removed(behind) == set()
    for name in names:
        assert await fetch(bucket, name) == b"012"


async def test_a_commit_between_two_questions_is_seen(
    bucket: Bucket, client: Client, between: Between, behind: Bucket
) -> None:
    """Behind the look and before the condition is made: the condition must not rest on an unseen record."""
    await upload(client, bucket, "N")
    last_record = json.dumps({"last_by_subj": metadata_filter(bucket.name)}).encode()
    waiting = ["k"]

    async def commit_before_the_question(sent: Sent) -> None:
        if b"Nats-Expected-Last-Sequence" in sent.headers:  # no moment is silent
            await upload(client, bucket, "BUSY", 1)
        if sent.payload == last_record and waiting:
            await commit(client, bucket, waiting.pop(), "N")

    between.before = commit_before_the_question
    assert await removed(behind) == set()
    assert not waiting
    assert await fetch(bucket, "k") == b"012"


async def test_an_upload_that_goes_on_at_the_last_moment_is_not_touched(
    bucket: Bucket, client: Client, between: Between, behind: Bucket
) -> None:
    """A chunk comes between the look and the removal: it is young again."""
    await upload(client, bucket, "N")
    between.before = LastMoment(client, bucket, lambda: upload(client, bucket, "N", 1))
    assert await sweep(behind) == []
    assert await chunks(client, bucket) == {"N": 4}


@pytest.mark.parametrize("key", ["k", "Köpfe"])
async def test_a_rename_at_the_last_moment_loses_nothing(
    bucket: Bucket, client: Client, between: Between, behind: Bucket, key: str
) -> None:
    """At every moment one name at least leads to the chunks, and one is enough."""
    await upload(client, bucket, "N")
    await upload(client, bucket, "OTHER")
    await commit(client, bucket, "old", "N")

    async def rename() -> None:
        await commit(client, bucket, key, "N")
        old = metadata_subject(bucket.name, "old")
        await api(client, f"STREAM.PURGE.OBJ_{bucket.name}", filter=old)

    between.before = LastMoment(client, bucket, rename)
    assert await removed(behind) == {"OTHER"}
    assert await fetch(bucket, key) == b"012"


async def test_orphans_go_while_others_write_all_the_time(bucket: Bucket, client: Client) -> None:
    """An upload at full speed leaves no silent moment; its own chunks are as old as the newest of them."""
    await upload(client, bucket, "ORPHAN")
    limit = timedelta(seconds=0.3)
    while (await sweep(bucket, older_than=limit, dry_run=True))[0].age < limit:
        await asyncio.sleep(0.02)
    sent = asyncio.Event()

    async def write() -> None:
        subject = chunk_subject(bucket.name, "BUSY")
        while True:
            await asyncio.gather(*(client.request(subject, b"x" * 1000, timeout=5) for _ in range(20)))
            sent.set()

    writing = asyncio.create_task(write())
    await sent.wait()
    assert await removed(bucket, older_than=limit) == {"ORPHAN"}
    writing.cancel()
    with suppress(asyncio.CancelledError):
        await writing
    assert set(await chunks(client, bucket)) == {"BUSY"}


async def test_a_bucket_that_is_never_silent_keeps_its_orphans_where_nothing_less_will_do(
    bucket: Bucket, client: Client, between: Between, behind: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    """With replicas only silence proves enough: they stay for another run, and that is said."""

    def with_replicas(_: Sent, answer: Answer) -> Answer:
        payload = answer.payload.replace(b'"num_replicas":1', b'"num_replicas":3')
        return Answer(answer.headers, payload)

    between.change = with_replicas
    await upload(client, bucket, "ORPHAN")
    between.before = LastMoment(client, bucket, lambda: upload(client, bucket, "BUSY", 1), always=True)
    found = await sweep(behind)
    assert [(each.nuid, each.removed) for each in found if isinstance(each, Orphan)] == [("ORPHAN", False)]
    assert "ORPHAN" in caplog.text
    assert (await chunks(client, bucket))["ORPHAN"] == 3


async def test_a_removal_whose_answer_is_lost_is_finished(
    bucket: Bucket, client: Client, between: Between
) -> None:
    """The empty message that it has put there goes as well."""
    await upload(client, bucket, "N")
    lost = 0

    def lose_one(sent: Sent, answer: Answer) -> Answer | None:
        nonlocal lost
        if lost or b"Nats-Rollup" not in sent.headers or b'"error"' in answer.payload:
            return answer
        lost += 1
        return None

    between.change = lose_one
    async with Store(Settings(servers=(between.url,), timeout=timedelta(seconds=1))) as behind:
        assert await removed(behind.bucket(bucket.name)) == {"N"}
    assert lost == 1
    assert await chunks(client, bucket) == {}


async def test_two_sweeps_at_once_do_not_disturb_each_other(bucket: Bucket, client: Client) -> None:
    """Everything goes, and nothing twice."""
    for index in range(20):
        await upload(client, bucket, f"N{index}")
        await bucket.put(f"k{index}", b"x")
    await asyncio.gather(*(removed(bucket) for _ in range(3)))
    assert len(await chunks(client, bucket)) == 20
    assert not [nuid for nuid in await chunks(client, bucket) if nuid.startswith("N") and len(nuid) < 4]


async def test_puts_and_deletes_beside_sweeps_lose_nothing(bucket: Bucket, client: Client) -> None:
    """Objects that come, go and are replaced all the while: in the end each is whole and nothing is left."""
    done = asyncio.Event()

    async def sweep_on() -> None:
        while not done.is_set():
            await sweep(bucket, older_than=timedelta(seconds=10), tombstones=True)
            await sweep(bucket, older_than=timedelta(seconds=1))

    async def work(number: int) -> None:
        for index in range(12):
            key = f"k{(number + index) % 5}"
            if index % 4 == 3:
                with suppress(ObjectNotFound):
                    await bucket.delete(key)
            else:
                await bucket.put(key, BIG[: 200_000 * (index + 1)])

    sweeping = asyncio.create_task(sweep_on())
    await asyncio.gather(*(work(number) for number in range(4)))
    done.set()
    await sweeping
    assert all([each.ok async for each in verify.verify(await verify.survey(bucket))])
    assert await sweep(bucket) == []


# What is refused


async def test_a_sealed_bucket_is_refused(store: Store, client: Client, bucket_name: str) -> None:
    """Before anything is looked at, in a dry run too."""
    bucket = await store.create_bucket(BucketConfig(bucket_name))
    await upload(client, bucket, "N")
    config = (await api(client, f"STREAM.INFO.OBJ_{bucket_name}"))["config"]
    assert isinstance(config, dict)
    await api(client, f"STREAM.UPDATE.OBJ_{bucket_name}", **config | {"sealed": True})
    for dry_run in (False, True):
        with pytest.raises(BucketSealed):
            await sweep(bucket, dry_run=dry_run)
    assert await chunks(client, bucket) == {"N": 3}
    await store.delete_bucket(bucket_name)


async def test_a_mirror_is_refused(store: Store, bucket: Bucket, client: Client) -> None:
    """What it keeps is another bucket's."""
    name = f"{bucket.name}-mirror"
    await api(client, f"STREAM.CREATE.OBJ_{name}", name=f"OBJ_{name}", mirror={"name": f"OBJ_{bucket.name}"})
    with pytest.raises(BucketReadOnly):
        await sweep(store.bucket(name))
    await store.delete_bucket(name)


async def test_a_bucket_that_is_full_to_the_brim_can_be_swept(
    store: Store, client: Client, bucket_name: str
) -> None:
    """There is no room for the smallest message, and sweeping is what makes some."""
    bucket = await store.create_bucket(BucketConfig(bucket_name, max_bytes=100_000))
    await bucket.put("k", b"x" * 1000)
    subject, size = chunk_subject(bucket_name, "ORPHAN"), 4096
    while size:
        answer = json.loads((await client.request(subject, b"x" * (size - 1), timeout=5)).data)
        size = size // 2 if "error" in answer else size
    assert await removed(bucket) == {"ORPHAN"}
    assert len(await chunks(client, bucket)) == 1
    assert await fetch(bucket, "k") == b"x" * 1000
    await store.delete_bucket(bucket_name)
