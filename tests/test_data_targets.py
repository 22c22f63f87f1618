"""Where an object can be fetched to: paths, files, whatever can be written, and memory."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import random
import tempfile
from pathlib import Path
from typing import Any, cast

import pytest
from nats.aio.client import Client

from natsobj import (
    Bucket,
    DigestMismatch,
    FileExists,
    InvalidArgument,
    InvalidKey,
    ObjectNotFound,
    ObjectTooLarge,
)
from tests.sinks import Buffer
from tests.streams import MIB, in_thread, names, open_pipe, within

DATA = random.Random(9).randbytes(3 * MIB + 17)


class Own(Exception):
    """An error of a program that uses the library."""


async def test_a_path_appears_whole(bucket: Bucket, tmp_path: Path) -> None:
    """Missing folders are made; one that is there stays, unless it is to be replaced."""
    await bucket.put("k", DATA)
    path = tmp_path / "a" / "b" / "file"
    await bucket.get("k", path)
    assert path.read_bytes() == DATA
    path.write_bytes(b"old")
    with pytest.raises(FileExists):
        await bucket.get("k", path)
    assert path.read_bytes() == b"old"
    await bucket.get("k", path, offset=1, length=2, replace=True)
    assert path.read_bytes() == DATA[1:3]
    assert names(path.parent) == {"file"}


async def test_a_path_is_untouched_when_anything_fails(
    bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """A missing object makes no folder, a broken one no file."""
    with pytest.raises(ObjectNotFound):
        await bucket.get("missing", tmp_path / "a" / "file")
    info = await bucket.put("k", DATA)
    await client.request(f"$O.{bucket.name}.C.{info.nuid}", b"rubbish", timeout=5)
    for path in (tmp_path / "a" / "file", tmp_path / "old"):
        (tmp_path / "old").write_bytes(b"old")
        with pytest.raises(Exception, match="broken"):
            await bucket.get("k", path, replace=True)
    assert names(tmp_path) == {"old"}
    assert (tmp_path / "old").read_bytes() == b"old"


async def test_open_files_are_written_from_where_they_stand(bucket: Bucket, tmp_path: Path) -> None:
    """In memory, regular, temporary, appending; what was written is there when `get` returns."""
    await bucket.put("k", DATA)
    for mode, buffering in (("wb", -1), ("wb", 0), ("ab", -1), ("r+b", -1)):
        path = tmp_path / "file"
        path.write_bytes(b"before")
        with path.open(mode, buffering=buffering) as file:
            file.write(b"BEFORE")
            await bucket.get("k", file)
            assert path.read_bytes() == (b"before" if mode == "ab" else b"") + b"BEFORE" + DATA
    memory = io.BytesIO()
    await bucket.get("k", memory)
    assert memory.getvalue() == DATA
    with tempfile.SpooledTemporaryFile(max_size=MIB) as spooled:
        await bucket.get("k", spooled)
        spooled.seek(0)
        assert spooled.read() == DATA


async def test_what_may_wait_is_written_in_a_thread(bucket: Bucket) -> None:
    """A pipe whose reader comes later, a compressor, an object that has nothing but `write`."""
    await bucket.put("k", DATA)
    with open_pipe() as pipe:
        getting = asyncio.create_task(bucket.get("k", cast(Any, pipe.writer)))
        await bucket.put("beside", b"x")

        def read() -> bytes:
            data = b""
            while len(data) < len(DATA):
                data += os.read(pipe.reader.fileno(), MIB)
            return data

        assert await within(in_thread(read)) == DATA
        await within(getting)
    compressed = io.BytesIO()
    with gzip.GzipFile(fileobj=compressed, mode="wb", compresslevel=1) as packer:
        await bucket.get("k", packer)
    assert gzip.decompress(compressed.getvalue()) == DATA

    class Keeping:
        def __init__(self) -> None:
            self.items: list[bytes] = []

        def write(self, data: bytes) -> None:
            self.items.append(data)

    keeping = Keeping()
    await bucket.get("k", keeping)
    assert b"".join(keeping.items) == DATA


async def test_the_error_of_a_file_comes_out_of_get(bucket: Bucket) -> None:
    """Of a full device, of one's own, and of a file that somebody closed."""
    await bucket.put("k", DATA)

    class Failing:
        def write(self, _data: bytes) -> int:
            raise Own("mine")

    with pytest.raises(Own, match="mine"):
        await within(bucket.get("k", cast(Any, Failing())))
    with io.FileIO("/dev/full", "wb") as full, pytest.raises(OSError, match="No space left"):
        await within(bucket.get("k", full))
    closed = gzip.GzipFile(fileobj=io.BytesIO(), mode="wb")
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        await within(bucket.get("k", closed))


@pytest.mark.parametrize(
    "into",
    [None, "file", b"file", 5, io.BytesIO, Buffer, Path, asyncio.StreamReader, []],
    ids=lambda into: type(into).__name__,
)
async def test_what_cannot_be_written_is_a_type_error(bucket: Bucket, into: Any) -> None:
    """Before anything is asked of the server."""
    with pytest.raises(TypeError, match="^into must be a Path, a binary file or a Sink, not "):
        await bucket.get("no such key", into)


async def test_files_opened_the_other_way_are_refused(bucket: Bucket, tmp_path: Path) -> None:
    """One that can only be written has nothing to store, one that can only be read takes nothing."""
    (tmp_path / "file").write_bytes(b"")
    with (tmp_path / "file").open("ab") as file, pytest.raises(InvalidArgument, match="not open for reading"):
        await bucket.put("k", file)
    with (tmp_path / "file").open("rb") as file, pytest.raises(InvalidArgument, match="not open for writing"):
        await bucket.get("k", file)


async def test_read_gives_bytes_up_to_a_limit(bucket: Bucket) -> None:
    """More is refused before anything is fetched; a part counts as its own size."""
    info = await bucket.put("k", DATA)
    assert await bucket.read("k", limit=len(DATA)) == DATA
    assert await bucket.read(info, offset=5, length=10, limit=10) == DATA[5:15]
    assert await bucket.read(info, offset=len(DATA) - 3, limit=3) == DATA[-3:]
    assert await bucket.read(info, offset=len(DATA) + 1, limit=0) == b""
    with pytest.raises(ObjectTooLarge) as caught:
        await bucket.read("k", limit=len(DATA) - 1)
    assert (caught.value.size, caught.value.limit) == (len(DATA), len(DATA) - 1)
    with pytest.raises(ObjectTooLarge):
        await bucket.read("k", length=11, limit=10)
    with pytest.raises(ObjectNotFound):
        await bucket.read("missing", limit=0)
    for key in ("", "x" * 3000, "\ud800"):
        with pytest.raises(InvalidKey):
            await bucket.read(key)


async def test_read_verifies(bucket: Bucket, client: Client) -> None:
    """No wrong byte comes back."""
    await bucket.put("k", b"right")
    info = await bucket.info("k")
    await client.jetstream().purge_stream(f"OBJ_{bucket.name}", subject=f"$O.{bucket.name}.C.{info.nuid}")
    await client.request(f"$O.{bucket.name}.C.{info.nuid}", b"wrong", timeout=5)
    with pytest.raises(DigestMismatch):
        await bucket.read("k")
