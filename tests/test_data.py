"""What can be stored: bytes, paths, files and iterables, sync and async."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import random
import tempfile
import threading
from array import array
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from nats.aio.client import Client

from natsobj import (
    Bucket,
    ObjectNotFound,
    RequestTimeout,
    SourceChanged,
)
from tests.behind import messages
from tests.sinks import Buffer
from tests.streams import MIB, in_thread, open_pipe, within, write_to_end

DATA = random.Random(8).randbytes(3 * MIB + 17)


def pieces(size: int = 100_000) -> list[bytes]:
    """The data, cut."""
    return [DATA[start : start + size] for start in range(0, len(DATA), size)]


async def later(items: Iterable[Any]) -> AsyncIterator[Any]:
    """Give items as an asynchronous generator does."""
    for item in items:
        await asyncio.sleep(0)
        yield item


class Once:
    """An iterator by hand, without `close`."""

    def __init__(self, items: Iterable[bytes]) -> None:
        self._items = iter(items)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._items)


class Wire:
    """A file that is read with `await`."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    async def read(self, size: int = -1) -> bytes:
        """Give a little less than what was asked for."""
        await asyncio.sleep(0)
        return self._file.read(max(1, size - 3))

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("lines are not asked for")


def scattered() -> memoryview:
    """Every second byte of something longer."""
    twice = bytearray(2 * len(DATA))
    twice[::2] = DATA
    return memoryview(twice)[::2]


SOURCES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: DATA,
    "bytearray": lambda: bytearray(DATA),
    "memoryview": lambda: memoryview(DATA),
    "a memoryview with gaps": scattered,
    "a file in memory": lambda: io.BytesIO(DATA),
    "a decompressing file": lambda: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(DATA, 1))),
    "a list": pieces,
    "a tuple of one": lambda: (DATA,),
    "single bytes": lambda: [b"", *(DATA[i : i + 1] for i in range(1000)), b"", DATA[1000:]],
    "a generator": lambda: (piece for piece in pieces()),
    "an iterator by hand": lambda: Once(pieces()),
    "bytearrays": lambda: map(bytearray, pieces()),
    "memoryviews": lambda: map(memoryview, pieces()),
    "an asynchronous generator": lambda: later(pieces()),
    "a great item, asynchronously": lambda: later([b"", DATA]),
    "an asynchronous file": lambda: Wire(DATA),
}


@pytest.mark.parametrize("kind", SOURCES)
async def test_whatever_has_bytes_is_stored(bucket: Bucket, kind: str) -> None:
    """Byte for byte, in chunks of one size."""
    info = await within(bucket.put("k", SOURCES[kind]()))
    assert (info.size, info.chunks) == (len(DATA), 25)
    assert await bucket.read("k") == DATA


async def test_a_path_is_stored(bucket: Bucket, tmp_path: Path) -> None:
    """Also one that is named like standard input, and a FIFO; nothing stays open."""
    (tmp_path / "file").write_bytes(DATA)
    info = await bucket.put("k", tmp_path / "file")
    assert await bucket.read(info) == DATA
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        Path("-").write_bytes(b"a file")
        await bucket.put("dash", Path("-"))
    assert await bucket.read("dash") == b"a file"
    os.mkfifo(tmp_path / "fifo")
    writing = in_thread((tmp_path / "fifo").write_bytes, DATA)
    await within(bucket.put("fifo", tmp_path / "fifo"))
    await writing
    assert await bucket.read("fifo") == DATA


@pytest.mark.parametrize("name", ["missing", "."])
async def test_a_path_that_cannot_be_read_stores_nothing(bucket: Bucket, tmp_path: Path, name: str) -> None:
    """The system's own error names it."""
    with pytest.raises((FileNotFoundError, IsADirectoryError)) as caught:
        await bucket.put("k", tmp_path / name)
    assert caught.value.filename == str(tmp_path / name)
    with pytest.raises(ObjectNotFound):
        await bucket.info("k")


async def test_a_path_that_changes_meanwhile_is_not_stored(bucket: Bucket, tmp_path: Path) -> None:
    """As on the command line."""
    path = tmp_path / "log"
    path.write_bytes(DATA)
    with path.open("ab", buffering=0) as log:

        class Growing(type(path)):  # type: ignore[misc]  # a path that is written to as soon as it is opened
            def __fspath__(self) -> str:
                asyncio.get_running_loop().call_later(0, log.write, b"x")
                return str(path)

        with pytest.raises(SourceChanged):
            await bucket.put("k", Growing(path))


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: tempfile.NamedTemporaryFile(dir=folder),  # noqa: SIM115  # closed below
        lambda folder: tempfile.SpooledTemporaryFile(max_size=10, dir=folder),  # noqa: SIM115
        lambda folder: (folder / "f").open("w+b", buffering=0),
        lambda folder: (folder / "f").open("w+b"),
    ],
)
async def test_an_open_file_is_stored_from_where_it_stands(
    bucket: Bucket, tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    """Whatever opened it."""
    with make(tmp_path) as file:
        file.write(b"before" + DATA)
        file.seek(6)
        await bucket.put("k", file)
        assert await bucket.read("k") == DATA


TEXTS: tuple[Callable[[Path], Any], ...] = (
    lambda path: path.open("r+", encoding="utf-8"),
    lambda _: io.StringIO("text"),
    lambda path: tempfile.NamedTemporaryFile("w+", dir=path.parent, encoding="utf-8"),  # noqa: SIM115
)


@pytest.mark.parametrize("text", TEXTS)
async def test_a_text_file_is_a_type_error(
    bucket: Bucket, tmp_path: Path, text: Callable[[Path], Any]
) -> None:
    """In both directions: its bytes are not what it shows."""
    (tmp_path / "file").write_text("text")
    await bucket.put("k", b"old")
    with text(tmp_path / "file") as file:
        with pytest.raises(TypeError, match="data must be a binary file, not "):
            await bucket.put("k", file)
        with pytest.raises(TypeError, match="into must be a binary file, not "):
            await bucket.get("k", file)
    assert await bucket.read("k") == b"old"


@pytest.mark.parametrize(
    "data",
    [None, "text", "/etc/passwd", 5, 5.0, True, object(), {b"k": b"v"}, bytes, io.BytesIO, Path, len],
    ids=lambda data: type(data).__name__,
)
async def test_what_has_no_bytes_is_a_type_error(bucket: Bucket, data: Any) -> None:
    """A string is neither a path nor its bytes."""
    await bucket.put("k", b"old")
    with pytest.raises(TypeError, match="^data must be bytes, a Path, a binary file, an iterable of bytes"):
        await bucket.put("k", data)
    assert await bucket.read("k") == b"old"


@pytest.mark.parametrize("wrong", ["text", 5, None, [b"x"]], ids=repr)
@pytest.mark.parametrize("make", [iter, later, list], ids=["sync", "async", "list"])
async def test_an_iterable_of_something_else_stores_nothing(
    bucket: Bucket, client: Client, make: Callable[[list[Any]], Any], wrong: object
) -> None:
    """Wherever the wrong item comes: the old object stands, and no chunks are left."""
    await bucket.put("k", b"old")
    before = await messages(client, bucket)
    for items in ([wrong], [*pieces(), wrong]):
        with pytest.raises(TypeError, match="^each item of data must be bytes, not "):
            await within(bucket.put("k", make(items)))
    assert await bucket.read("k") == b"old"
    assert await messages(client, bucket) == before


@pytest.mark.parametrize("data", [array("i", [1, 2]), range(5), "text".split()], ids=repr)
async def test_other_sequences_are_iterables_of_something_else(bucket: Bucket, data: Any) -> None:
    """Numbers are no bytes."""
    with pytest.raises(TypeError, match="each item of data must be bytes, not "):
        await bucket.put("k", data)


async def test_a_file_that_gives_text_stores_nothing(bucket: Bucket) -> None:
    """One that does not say so beforehand."""

    class Lying:
        def read(self, _size: int) -> str:
            return "text"

    with pytest.raises(TypeError, match="gives must be bytes, not str"):
        await within(bucket.put("k", cast(Any, Lying())))
    with pytest.raises(ObjectNotFound):
        await bucket.info("k")


class Own(Exception):
    """An error of a program that uses the library."""


class Beyond(BaseException):
    """One that is no `Exception`."""


FAILURES = [
    Own("mine"),
    OSError(28, "No space left on device"),
    ValueError("mine"),
    RequestTimeout("of another store", 1.0),
    KeyError("k"),
    Beyond("mine"),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [iter, later], ids=["sync", "async"])
async def test_an_iterable_that_raises_stores_nothing(
    bucket: Bucket, client: Client, make: Callable[[Iterable[Any]], Any], error: BaseException
) -> None:
    """Its very error comes out, the old object is as it was, and no chunks are left."""

    def failing() -> Iterator[bytes]:
        yield from pieces()
        raise error

    await bucket.put("k", b"old")
    before = await messages(client, bucket)
    with pytest.raises(type(error)) as caught:
        await within(bucket.put("k", make(failing())))
    assert caught.value is error
    assert await bucket.read("k") == b"old"
    assert await messages(client, bucket) == before


async def test_generators_are_closed_when_the_put_is_refused(bucket: Bucket) -> None:
    """What they hold is given back, in the thread that runs them, and asynchronously."""
    closed = threading.Event()
    finished = asyncio.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield bytes(MIB)
        finally:
            closed.set()

    async def endless_later() -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(0)
                yield bytes(MIB)
        finally:
            finished.set()

    for data, end in ((endless(), in_thread(closed.wait, 30)), (endless_later(), finished.wait())):
        putting = asyncio.create_task(bucket.put("k", data))
        await asyncio.sleep(0.2)
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        await within(cast(Any, end))
    assert closed.is_set()


async def test_a_slow_file_or_iterable_does_not_stop_the_loop(bucket: Bucket) -> None:
    """What goes on beside it goes on: the very loop says when the data may come."""
    release = threading.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            release.wait(30)
            return super().read(size)

    def slow() -> Iterator[bytes]:
        release.wait(30)
        yield DATA

    for data in (Slow(DATA), slow()):
        release.clear()
        putting = asyncio.create_task(bucket.put("k", data))
        await bucket.put("beside", b"x")
        release.set()
        await within(putting)
        assert await bucket.read("k") == DATA


async def test_what_comes_from_one_bucket_goes_into_another_key(bucket: Bucket) -> None:
    """A reader is an iterable of bytes as any other."""
    await bucket.put("k", DATA)
    async with bucket.open("k") as reader:
        await within(bucket.put("copy", reader))
    assert await bucket.read("copy") == DATA
    buffer = Buffer()
    await bucket.get("copy", buffer)
    assert buffer.data == DATA


async def test_a_pipe_is_stored(bucket: Bucket) -> None:
    """To its end, from the file that somebody opened."""
    with open_pipe() as pipe:
        writing = in_thread(write_to_end, pipe.writer, DATA)
        await within(bucket.put("k", cast(Any, pipe.reader)))
        await writing
    assert await bucket.read("k") == DATA
