"""Uploads that survive: whatever happens in the middle, one whole object and nothing else is left."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, Store
from natsobj.errors import BucketFull, BucketNotFound, ChunksLost, ChunksMissing, ServerUnavailable
from natsobj.models import ObjectMeta
from natsobj.settings import Settings
from tests.behind import BIG, api, fetch, messages
from tests.between import Between, Sent
from tests.chance import MIB
from tests.conftest import Serve
from tests.servers import PLAIN

Event = Callable[[], Awaitable[None]]

CHUNK = 128 * 1024


class Eventful:
    """A source in whose middle things happen; it can be read once only, or again."""

    def __init__(self, data: bytes, events: dict[int, Event], *, seekable: bool) -> None:
        self.name = "eventful"
        self.size: int | None = len(data) if seekable else None
        self._data = data
        self._events = events
        self._seekable = seekable
        self._at = 0

    async def read(self, size: int, /) -> bytes:
        """Give the next chunk; before some of them something happens, once."""
        if event := self._events.pop(self._at // CHUNK, None):
            await event()
        self._at += size
        return self._data[self._at - size : self._at]

    def restart(self) -> None:
        """Begin again, or not."""
        if not self._seekable:
            raise io.UnsupportedOperation
        self._at = 0

    def check(self) -> None:
        """Nothing changes here."""


@pytest.fixture(params=[True, False], ids=["file", "stream"])
def seekable(request: pytest.FixtureRequest) -> bool:
    """Files can be read again, streams cannot."""
    return bool(request.param)


async def nuids(client: Client, bucket: Bucket) -> dict[str, int]:
    """The subjects of all chunks in the bucket, and how many each has."""
    state = (await api(client, f"STREAM.INFO.OBJ_{bucket.name}", subjects_filter=f"$O.{bucket.name}.C.>"))[
        "state"
    ]
    assert isinstance(state, dict)
    return dict(state.get("subjects") or {})


async def own_subject(client: Client, bucket: Bucket, stored: int = 1) -> str:
    """Wait until the upload has stored so many chunks, and return their subject."""
    while max((now := await nuids(client, bucket)).values(), default=0) < stored:
        await asyncio.sleep(0.01)
    return max(now, key=now.__getitem__)


@pytest.fixture
async def store(between: Between) -> AsyncIterator[Store]:
    """A store whose connection can be cut."""
    async with Store(Settings(servers=(between.url,))) as connected:
        yield connected


async def test_a_cut_is_survived(between: Between, bucket: Bucket, client: Client, *, seekable: bool) -> None:
    """After each of several cuts the upload goes on where it was."""
    await bucket.put("k", b"old")
    events: dict[int, Event] = dict.fromkeys((0, 3, 17, 18, 39, 40), between.cut)
    info = await bucket.put("k", Eventful(BIG, events, seekable=seekable))
    assert not events
    assert info.nuid is not None
    assert await fetch(bucket, "k") == BIG
    assert list((await nuids(client, bucket)).values()) == [40]


async def test_a_cut_does_not_start_the_upload_over(
    between: Between, bucket: Bucket, client: Client, *, seekable: bool
) -> None:
    """What was stored before the cut stays: the nuid is the same before and behind it."""
    seen: list[dict[str, int]] = []

    async def look_and_cut() -> None:
        while not (before := await nuids(client, bucket)):
            await asyncio.sleep(0.01)
        seen.append(before)
        await between.cut()

    info = await bucket.put("k", Eventful(BIG, {20: look_and_cut}, seekable=seekable))
    assert [list(before) for before in seen] == [[f"$O.{bucket.name}.C.{info.nuid}"]]
    assert await fetch(bucket, "k") == BIG


async def test_strange_chunks_are_not_part_of_the_object(
    between: Between, bucket: Bucket, client: Client, *, seekable: bool
) -> None:
    """When something else stands between the chunks the upload starts over under a fresh nuid."""

    async def disturb(number: int) -> None:
        await client.jetstream().publish(await own_subject(client, bucket, number), b"not ours")
        await between.cut()

    events: dict[int, Event] = {number: partial(disturb, number) for number in (10, 30)}
    await bucket.put("k", Eventful(BIG, events, seekable=seekable))
    assert not events
    assert await fetch(bucket, "k") == BIG
    assert list((await nuids(client, bucket)).values()) == [40]


async def test_strange_chunks_are_not_read_back(
    between: Between, bucket: Bucket, client: Client, *, seekable: bool
) -> None:
    """Behind a strange chunk ours were acknowledged: a file is sent again, a stream fails and is gone."""

    async def disturb() -> None:
        await client.jetstream().publish(await own_subject(client, bucket, 10), b"not ours")

    async def cut_later() -> None:
        await own_subject(client, bucket, 21)
        await between.cut()

    putting = bucket.put("k", Eventful(BIG, {10: disturb, 20: cut_later}, seekable=seekable))
    if seekable:
        await putting
        assert await fetch(bucket, "k") == BIG
        assert list((await nuids(client, bucket)).values()) == [40]
    else:
        with pytest.raises(ChunksLost):
            await putting
        assert await messages(client, bucket) == 0


async def test_chunks_that_vanish_are_noticed(
    between: Between, bucket: Bucket, client: Client, *, seekable: bool
) -> None:
    """When stored chunks are gone after a cut, a file is sent again; a stream fails and leaves nothing."""

    async def lose() -> None:
        subject = await own_subject(client, bucket)
        await api(client, f"STREAM.PURGE.OBJ_{bucket.name}", filter=subject)
        await between.cut()

    putting = bucket.put("k", Eventful(BIG, {20: lose}, seekable=seekable))
    if seekable:
        await putting
        assert await fetch(bucket, "k") == BIG
    else:
        with pytest.raises(ChunksLost):
            await putting
        assert await messages(client, bucket) == 0


async def test_chunks_that_expire_before_the_commit_are_noticed(
    bucket: Bucket, client: Client, *, seekable: bool
) -> None:
    """An upload that pauses while age or a gc removes its chunks is never committed without them."""

    async def pause() -> None:
        subject = await own_subject(client, bucket)
        await asyncio.sleep(1)  # only an upload that takes its time can lose chunks
        await api(client, f"STREAM.PURGE.OBJ_{bucket.name}", filter=subject)

    putting = bucket.put("k", Eventful(BIG, {20: pause}, seekable=seekable))
    if seekable:
        await putting
        assert await fetch(bucket, "k") == BIG
    else:
        with pytest.raises(ChunksLost):
            await putting
        assert await messages(client, bucket) == 0


@pytest.fixture
async def dropping(store: Store, client: Client, bucket_name: str) -> AsyncIterator[Bucket]:
    """A bucket for 4 MiB that drops its oldest messages when it is full, as no client makes one."""
    subjects = [f"$O.{bucket_name}.{kind}.>" for kind in "CM"]
    config = {"name": f"OBJ_{bucket_name}", "subjects": subjects, "discard": "old", "max_bytes": 4 * MIB}
    await api(client, f"STREAM.CREATE.OBJ_{bucket_name}", **config, allow_rollup_hdrs=True, allow_direct=True)
    yield store.bucket(bucket_name)
    await store.delete_bucket(bucket_name)


async def test_a_bucket_that_drops_the_first_chunks_is_full(dropping: Bucket, client: Client) -> None:
    """What does not fit is not stored, not even where the server takes it."""
    with pytest.raises(BucketFull, match="drops its oldest messages"):
        await dropping.put("k", bytes(5 * MIB))
    assert await messages(client, dropping) == 0


async def test_what_just_fits_displaces_nothing(dropping: Bucket) -> None:
    """At every size an object is whole, or refused: its record is the last that must find room."""
    ends: set[type] = set()
    await dropping.put("there", b"x")
    for size in range(4_186_000, 4_190_000, 400):
        try:
            await dropping.put("k", bytes(size))
        except BucketFull as e:
            ends.add(type(e))
        else:
            assert len(await fetch(dropping, "k")) == size
            ends.add(Bucket)
            await dropping.delete("k")
        assert await fetch(dropping, "there") == b"x"
    assert ends == {Bucket, BucketFull}


async def test_a_record_that_displaces_a_chunk_is_noticed(
    dropping: Bucket, client: Client, between: Between
) -> None:
    """Another client takes the room at the last moment: the record is stored, and called broken."""

    async def fill(sent: Sent) -> None:
        if sent.subject.startswith(f"$O.{dropping.name}.M."):
            await client.request(f"$O.{dropping.name}.C.another", bytes(500_000), timeout=5)

    between.before = fill
    async with Store(Settings(servers=(between.url,))) as store:
        with pytest.raises(ChunksMissing):
            await store.bucket(dropping.name).put("k", bytes(4_100_000))


async def test_a_server_that_does_not_come_back_is_given_up(serve: Serve) -> None:
    """Six timeouts without progress are the end, and the error says that nobody answers."""
    server = serve(PLAIN)
    settings = Settings(servers=(server.url,))
    settings = Settings(servers=(server.url,), timeout=settings.timeout / 25)
    async with Store(settings) as store:
        bucket = await store.create_bucket(BucketConfig("b"))

        async def kill() -> None:
            server.kill()

        with pytest.raises(ServerUnavailable):
            await bucket.put("k", Eventful(BIG, {20: kill}, seekable=True))


async def test_a_bucket_that_vanishes_is_named(bucket: Bucket, store: Store, *, seekable: bool) -> None:
    """A bucket that is deleted in the middle of an upload is no such bucket."""

    async def vanish() -> None:
        await store.delete_bucket(bucket.name)

    with pytest.raises(BucketNotFound):
        await bucket.put("k", Eventful(BIG, {20: vanish}, seekable=seekable))


async def test_very_small_chunks_survive_as_well(between: Between, bucket: Bucket, client: Client) -> None:
    """Hundreds of unacknowledged chunks are compared one by one."""
    data = BIG[:500_000]
    source = Eventful(data, {1: between.cut}, seekable=True)
    await bucket.put("k", source, ObjectMeta(chunk_size=100))
    assert await fetch(bucket, "k") == data
    assert list((await nuids(client, bucket)).values()) == [5000]
