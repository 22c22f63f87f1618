"""Puts that go on: what is believed of what an earlier run has left, and what is sent again."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, ObjectMeta, Store
from natsobj.adr20.names import chunk_subject
from natsobj.errors import InvalidArgument, ObjectExists, SourceChanged, TransferUnderWay
from natsobj.files import Source
from natsobj.units import format_size
from tests.behind import api
from tests.program import Program
from tests.verdict import verdict

DATA = random.Random(7).randbytes(5_000_000)
CHUNK = 128 * 1024
ENOUGH = 20
"""Chunks that are read before the end comes."""


class Ends:
    """A source that ends with an error behind some chunks, and counts how many were acknowledged."""

    def __init__(self, source: Source, chunks: int) -> None:
        self._source = source
        self._left = chunks
        self.name, self.size = source.name, source.size
        self.stored = 0
        self.restarts = 0

    async def read(self, size: int, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ConnectionAbortedError
        return await self._source.read(size)

    def acknowledged(self, size: int) -> None:
        self.stored += size

    def restart(self) -> None:
        self.restarts += 1
        self._source.restart()

    def check(self) -> None:
        self._source.check()


class Begun:
    """An upload that was ended in the middle."""

    def __init__(self, bucket: Bucket, url: str, folder: Path) -> None:
        self.bucket = bucket
        self.url = url
        self.file = folder / "file"
        self.state = folder / "state"
        self.file.write_bytes(DATA)

    async def begin(self, meta: ObjectMeta | None = None) -> Begun:
        with pytest.raises(ConnectionAbortedError) as error:
            await self.put(meta, chunks=ENOUGH)
        assert "continue with the same command" in error.value.__notes__[0]
        return self

    async def put(
        self, meta: ObjectMeta | None = None, chunks: int = 10**9, *, if_absent: bool = False
    ) -> int:
        """Put the file, and return how often it was begun anew."""
        sources: list[Ends] = []

        def wrap(source: Source) -> Source:
            sources.append(Ends(source, chunks))
            return sources[-1]

        await self.bucket.put("k", self.file, meta, resume=self.state, wrap=wrap, if_absent=if_absent)
        return sources[0].restarts

    @property
    def note(self) -> Path:
        """What is written down of it."""
        (path,) = self.state.iterdir()
        return path

    def change(self, **fields: object) -> None:
        """Change what is written down."""
        self.note.write_text(json.dumps(json.loads(self.note.read_text()) | fields))

    @property
    def nuid(self) -> str:
        return str(json.loads(self.note.read_text())["nuid"])

    async def holds(self, data: bytes = DATA) -> None:
        """The object is whole and nothing else is there."""
        found = await verdict(self.url, self.bucket.name)
        assert (set(found.objects), found.orphans) == ({"k"}, {})
        assert await self.bucket.read("k") == data
        assert list(self.state.iterdir()) == []


@pytest.fixture
async def begun(bucket: Bucket, store: Store, tmp_path: Path) -> Begun:
    """Half of the file is stored."""
    return await Begun(bucket, store.settings.servers[0], tmp_path).begin()


async def test_what_is_stored_is_gone_on_with(begun: Begun) -> None:
    """The same chunks are the object's in the end; what is written down is private, and gone then."""
    assert begun.state.stat().st_mode & 0o777 == 0o700
    assert begun.note.stat().st_mode & 0o777 == 0o600
    nuid = begun.nuid
    assert await begun.put() == 0
    assert (await begun.bucket.info("k")).nuid == nuid
    await begun.holds()


def other_content(begun: Begun) -> None:
    """Write to it, and turn its clock back."""
    times = begun.file.stat()
    begun.file.write_bytes(b"X" + DATA[1:])
    os.utime(begun.file, ns=(times.st_atime_ns, times.st_mtime_ns))


def replaced(begun: Begun) -> None:
    """Have another file of the same content in its place."""
    begun.file.rename(begun.file.with_name("other"))
    begun.file.write_bytes(DATA)


def same_times(begun: Begun) -> None:
    """As if the file system had noticed nothing of another content."""
    other_content(begun)
    status = begun.file.stat()
    begun.change(mtime=status.st_mtime_ns, ctime=status.st_ctime_ns)


@pytest.mark.parametrize(
    "change",
    [
        other_content,
        replaced,
        same_times,
        lambda begun: begun.file.write_bytes(DATA[:-1]),
        lambda begun: begun.change(sha256="0" * 64),
        lambda begun: begun.change(chunks=5),
        lambda begun: begun.change(chunks=30),
        lambda begun: begun.change(sequence=1),
        lambda begun: begun.change(chunk_size=1000),
        lambda begun: begun.change(nuid="A" * 22),
        lambda begun: begun.change(chunks=30, marks=[[5, 5, "0" * 64]]),
    ],
)
async def test_any_difference_begins_anew(begun: Begun, change: Callable[[Begun], object]) -> None:
    """What was stored is removed, and the object is what the file is."""
    nuid = begun.nuid
    change(begun)
    await begun.put()
    assert (await begun.bucket.info("k")).nuid != nuid
    if await begun.bucket.stream.count(chunk_subject(begun.bucket.name, nuid)):  # where another was named
        await begun.bucket.stream.purge(chunk_subject(begun.bucket.name, nuid))
    await begun.holds(begun.file.read_bytes())


@pytest.mark.parametrize("what", ["kept", "changed", "chunk size", "content"])
async def test_a_put_says_whether_it_resumes(cli: Program, begun: Begun, what: str) -> None:
    """Where, or that it starts over and why; not with `-q`."""
    stored = json.loads(begun.note.read_text())["chunks"] * CHUNK
    said = {
        "kept": f"resuming at {format_size(stored)} of 4.8 MiB",
        "changed": "starting over: the file was changed since",
        "chunk size": "starting over: the chunk size or the TTL is another one",
        "content": "starting over: what was stored is not the beginning of the file",
    }
    if what == "changed":
        begun.file.write_bytes(DATA)
    elif what == "content":
        begun.change(sha256="0" * 64)
    uploads = cli.home / ".local/state/natsobj/uploads"
    uploads.parent.mkdir(parents=True)
    begun.state.rename(uploads)
    options = ["--chunk-size", "256K"] if what == "chunk size" else []
    result = cli("put", begun.bucket.name, "k", begun.file, "--resume", *options).expect(0)
    assert result.stderr.splitlines()[:-1] == [f"natsobj: {said[what]}"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 1}', '{"version": 2}', "x" * 100, '{"nuid":', "marks"]
)
async def test_a_state_that_makes_no_sense_is_none(begun: Begun, text: str) -> None:
    """As if nothing had been written down; gc takes what is stored."""
    if text == "marks":
        begun.change(marks=[[1, 2], "abc", None])
    else:
        begun.note.write_text(text)
    await begun.put()
    assert await begun.bucket.read("k") == DATA


async def test_a_state_that_is_a_link_is_not_followed(begun: Begun, tmp_path: Path) -> None:
    """Nor is what it leads to written or removed."""
    note = begun.note
    elsewhere = note.rename(tmp_path / "elsewhere")
    text = elsewhere.read_bytes()
    note.symlink_to(elsewhere)
    assert await begun.put() == 0
    assert elsewhere.read_bytes() == text
    assert list(begun.state.iterdir()) == []


@pytest.mark.parametrize("what", ["all", "one", "emptied", "more", "twice"])
async def test_chunks_that_others_have_touched_are_not_gone_on_with(
    begun: Begun, client: Client, what: str
) -> None:
    """gc took them, an administrator one of them, gc was ended in its middle, somebody has added one."""
    subject, stream = chunk_subject(begun.bucket.name, begun.nuid), f"OBJ_{begun.bucket.name}"
    stored = [message async for message in begun.bucket.stream.direct(subject)]
    if what == "all":
        await begun.bucket.stream.purge(subject)
    elif what == "one":
        await api(client, f"STREAM.MSG.DELETE.{stream}", seq=stored[3].sequence)
    elif what == "emptied":
        await client.request(subject, b"", headers={"Nats-Rollup": "sub"}, timeout=5)
    elif what == "more":
        await client.request(subject, b"X" * CHUNK, timeout=5)
    else:
        await client.request(subject, stored[-1].data, timeout=5)
    await begun.put()
    await begun.holds()


async def test_what_came_behind_the_last_mark_is_compared(begun: Begun) -> None:
    """A run that was killed has stored more than it could write down: that counts if it is the file's."""
    nuid, stored = begun.nuid, json.loads(begun.note.read_text())
    subject = chunk_subject(begun.bucket.name, nuid)
    sequences = [message.sequence async for message in begun.bucket.stream.direct(subject)]
    begun.change(chunks=3, sequence=sequences[2], sha256=hashlib.sha256(DATA[: 3 * CHUNK]).hexdigest())
    assert stored["chunks"] > 3
    assert await begun.put() == 0
    assert (await begun.bucket.info("k")).nuid == nuid
    await begun.holds()


async def test_a_bucket_that_was_made_anew_gets_all(begun: Begun, store: Store, bucket_name: str) -> None:
    """It has the same name, and none of the chunks."""
    await store.delete_bucket(bucket_name)
    begun.bucket = await store.create_bucket(BucketConfig(bucket_name))
    await begun.put()
    assert await begun.bucket.read("k") == DATA


async def test_other_options_count(begun: Begun) -> None:
    """What is said about the object may be another thing; another size of chunks is another upload."""
    nuid = begun.nuid
    await begun.put(ObjectMeta(chunk_size=64 * 1024), chunks=10**9)
    assert (await begun.bucket.info("k")).nuid != nuid
    await begun.holds()
    await begun.bucket.delete("k")
    await begun.begin()
    nuid = begun.nuid
    assert await begun.put(ObjectMeta("described")) == 0
    info = await begun.bucket.info("k")
    assert (info.nuid, info.description) == (nuid, "described")


async def test_a_time_to_live_is_gone_on_with(store: Store, bucket_name: str, tmp_path: Path) -> None:
    """Chunks that outlive their record by far; without it they are another upload."""
    bucket = await store.create_bucket(BucketConfig(bucket_name, object_ttl=True))
    try:
        begun = await Begun(bucket, store.settings.servers[0], tmp_path).begin(
            ObjectMeta(ttl=timedelta(days=1))
        )
        nuid = begun.nuid
        assert await begun.put(ObjectMeta(ttl=timedelta(days=1))) == 0
        assert (await bucket.info("k")).nuid == nuid
        await begun.begin(ObjectMeta(ttl=timedelta(days=1)))
        await begun.put()
        await begun.holds()
    finally:
        await store.delete_bucket(bucket_name)


async def test_a_condition_that_fails_leaves_nothing(begun: Begun) -> None:
    """Another one was quicker: nobody will go on with this."""
    await begun.bucket.put("k", b"another's")
    with pytest.raises(ObjectExists):
        await begun.put(if_absent=True)
    assert await begun.bucket.read("k") == b"another's"
    await begun.put()
    await begun.holds()


async def test_a_file_that_changes_meanwhile_leaves_nothing(begun: Begun) -> None:
    """What was stored is of a file that is no more."""

    class Changes(Ends):
        async def read(self, size: int, /) -> bytes:
            begun.file.write_bytes(DATA)
            return await super().read(size)

    with pytest.raises(SourceChanged):
        await begun.bucket.put(
            "k", begun.file, resume=begun.state, wrap=lambda source: Changes(source, 10**9)
        )
    assert list(begun.state.iterdir()) == []
    assert (await verdict(begun.url, begun.bucket.name)).orphans == {}


async def test_two_at_once_are_refused(begun: Begun) -> None:
    """Whoever stores the same file under the same key is told."""

    class Intrudes(Ends):
        async def read(self, size: int, /) -> bytes:
            with pytest.raises(TransferUnderWay):
                await begun.put()
            return await super().read(size)

    await begun.bucket.put("k", begun.file, resume=begun.state, wrap=lambda source: Intrudes(source, 10**9))
    await begun.holds()


async def test_only_a_file_is_gone_on_with(bucket: Bucket, tmp_path: Path) -> None:
    """What can be read once only, or has no name, has nothing to go on with."""
    os.mkfifo(tmp_path / "fifo")
    for data in (b"bytes", tmp_path / "fifo", [b"a"]):
        with pytest.raises(InvalidArgument):
            await bucket.put("k", data, resume=tmp_path / "state")


async def test_a_state_that_nobody_comes_back_for_is_forgotten(begun: Begun, tmp_path: Path) -> None:
    """Three months later another upload takes it away; one of yesterday stays."""
    old, young = begun.note.rename(begun.state / "old.json"), begun.state / "young.json"
    young.write_bytes(old.read_bytes())
    os.utime(old, (0, 0))
    await begun.put()
    assert list(begun.state.iterdir()) == [young]


async def test_what_a_server_has_forgotten_is_sent_again(begun: Begun, client: Client) -> None:
    """One that was switched off has lost the newest of what it acknowledged: an earlier mark still holds."""
    nuid = begun.nuid
    stored = [message async for message in begun.bucket.stream.direct(chunk_subject(begun.bucket.name, nuid))]
    for message in stored[-2:]:
        await api(client, f"STREAM.MSG.DELETE.OBJ_{begun.bucket.name}", seq=message.sequence)
    begun.change(marks=[[3, stored[2].sequence, hashlib.sha256(DATA[: 3 * CHUNK]).hexdigest()]])
    assert await begun.put() == 0
    assert (await begun.bucket.info("k")).nuid == nuid
    await begun.holds()
