"""Where stored bytes come from: files that notice a change, standard input, and whatever can be read."""

from __future__ import annotations

import asyncio
import http.client
import io
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from natsobj.errors import SourceChanged
from natsobj.files import Source
from natsobj.files.given import as_source
from natsobj.files.pipes import QUEUE_SIZE
from natsobj.files.sources import FileSource, open_source
from tests.streams import (
    MIB,
    descriptors,
    in_thread,
    open_pipe,
    read_to_end,
    run,
    script,
    within,
    write_to_end,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 1,000 bytes."""
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(1000))
    return path


# Files


async def test_a_file_is_read_in_exact_parts(file: Path) -> None:
    """Every read gives what was asked for but the last, and then nothing."""
    with open_source(str(file)) as source:
        assert (source.name, source.size) == (str(file), 1000)
        parts = await read_to_end(source, 300)
        source.check()
    assert [len(part) for part in parts] == [300, 300, 300, 100]
    assert b"".join(parts) == file.read_bytes()


async def test_an_empty_file_has_no_parts(file: Path) -> None:
    """Its size is known to be 0."""
    file.write_bytes(b"")
    with open_source(str(file)) as source:
        assert source.size == 0
        assert await read_to_end(source) == []


async def test_a_file_that_gives_little_at_a_time_is_read_in_exact_parts() -> None:
    """A raw file may give less than it has; a source does not."""

    class Stingy(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(7, size if size is not None and size >= 0 else 7))

    assert [len(part) for part in await read_to_end(as_source(Stingy(bytes(1000))), 300)] == [
        300,
        300,
        300,
        100,
    ]


async def test_a_big_read_is_one_read(file: Path) -> None:
    """A chunk may be as large as a server allows."""
    data = random.Random(2).randbytes(64 * MIB)
    file.write_bytes(data)
    with open_source(str(file)) as source:
        assert await source.read(128 * MIB) == data


async def test_a_file_can_be_read_again(file: Path) -> None:
    """Restarting goes back to the first byte, from anywhere."""
    with open_source(str(file)) as source:
        await source.read(300)
        source.restart()
        assert b"".join(await read_to_end(source)) == file.read_bytes()
        source.restart()
        assert b"".join(await read_to_end(source)) == file.read_bytes()


async def test_an_open_file_is_read_from_where_it_stands(file: Path) -> None:
    """And goes back to there, not to its beginning."""
    with file.open("rb") as opened:
        opened.seek(400)
        source = as_source(opened)
        assert (source.size, source.name) == (600, str(file))
        assert await source.read(1000) == file.read_bytes()[400:]
        source.restart()
        assert await source.read(1000) == file.read_bytes()[400:]


async def test_a_file_that_stands_behind_its_end_is_empty(file: Path) -> None:
    """Its size is 0 and not less."""
    with file.open("rb") as opened:
        opened.seek(5000)
        source = as_source(opened)
        assert source.size == 0
        assert await source.read(10) == b""


def append(path: Path) -> None:
    """Make a file longer."""
    with path.open("ab") as opened:
        opened.write(b"x")


def truncate(path: Path) -> None:
    """Make a file shorter."""
    os.truncate(path, 10)


def rewrite(path: Path) -> None:
    """Write other bytes of the same number, a nanosecond later."""
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


@pytest.mark.parametrize("change", [append, truncate, rewrite])
async def test_a_file_that_changes_while_it_is_read_is_noticed(
    file: Path, change: Callable[[Path], None]
) -> None:
    """Longer, shorter, or the same length at another time; reading again starts from what is there now."""
    with open_source(str(file)) as source:
        await source.read(300)
        source.check()
        change(file)
        with pytest.raises(SourceChanged, match=f"changed while it was read: {file}"):
            source.check()
        source.restart()
        source.check()
        assert source.size == file.stat().st_size
        assert b"".join(await read_to_end(source)) == file.read_bytes()


async def test_a_modification_time_that_changes_alone_is_named(file: Path) -> None:
    """Some file systems change it by themselves: whoever sees that needs to know what it was."""
    with open_source(str(file)) as source:
        await source.read(1000)
        before = file.stat()
        for time in (before.st_mtime_ns + 1, before.st_mtime_ns - 10**9):
            os.utime(file, ns=(before.st_atime_ns, time))
            with pytest.raises(SourceChanged, match="its modification time, not its size"):
                source.check()
        append(file)
        with pytest.raises(SourceChanged) as caught:
            source.check()
        assert "modification time" not in str(caught.value)


async def test_a_file_that_ends_before_its_size_is_noticed(file: Path) -> None:
    """Though the system says that it is as it was: half a file must not be stored as if whole."""

    class Half(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size) if self.tell() < 500 else b""

    with Half(file) as opened:
        source = FileSource(opened, "half")
        assert len(await source.read(500)) == 500
        with pytest.raises(SourceChanged, match="changed while it was read: half"):
            await source.read(500)


async def test_a_file_that_is_only_looked_at_has_not_changed(file: Path) -> None:
    """Other readers, other permissions and another file under its name are no change of what is read."""
    with open_source(str(file)) as source:
        file.chmod(0o600)
        content = file.read_bytes()
        file.rename(file.with_name("old"))
        file.write_bytes(b"new")
        assert await source.read(2000) == content
        source.check()


async def test_a_file_without_a_size_is_read_to_its_end() -> None:
    """Files of /proc do not know how long they are."""
    with open_source("/proc/self/limits") as source:
        assert source.size in (None, 0)
        assert (await source.read(100_000)).startswith(b"Limit")
        source.check()


async def test_the_null_device_is_empty() -> None:
    """`put BUCKET KEY /dev/null` stores an empty object."""
    with open_source("/dev/null") as source:
        assert await read_to_end(source) == []


@pytest.mark.parametrize(
    ("name", "error"),
    [("", IsADirectoryError), ("missing", FileNotFoundError), ("file/below", NotADirectoryError)],
)
@pytest.mark.usefixtures("file")
def test_what_is_no_file_is_an_error_that_names_it(tmp_path: Path, name: str, error: type[OSError]) -> None:
    """A folder, a file that is missing, or one below a file."""
    path = str(tmp_path / name)
    with pytest.raises(error) as caught, open_source(path):
        pass
    assert str(caught.value.filename) == path


def test_a_file_that_may_not_be_read_is_an_error_that_names_it(file: Path) -> None:
    """Also when it is root who runs the tests, as whom everything may be read."""
    file.chmod(0)
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        with pytest.raises(PermissionError) as caught, open_source(str(file)):
            pass
    finally:
        os.seteuid(user)
    assert str(caught.value.filename) == str(file)


async def test_an_error_while_a_file_is_read_names_it() -> None:
    """The system says only what went wrong."""
    with open_source("/proc/self/mem") as source:
        with pytest.raises(OSError, match="error") as caught:
            await source.read(1)
        assert caught.value.filename == "/proc/self/mem"


async def test_a_fifo_is_read_to_its_end(tmp_path: Path) -> None:
    """Opening it waits for a writer, and that does not stop the event loop."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    data = random.Random(3).randbytes(3 * MIB)
    with open_source(str(fifo)) as source:
        assert (source.name, source.size) == (str(fifo), None)
        reading = asyncio.create_task(read_to_end(source))
        await in_thread(fifo.write_bytes, data)
        assert b"".join(await within(reading)) == data
        source.check()


async def test_a_fifo_that_is_given_up_is_closed(tmp_path: Path) -> None:
    """Its writer notices, and no descriptor stays open."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    before = descriptors()
    with open_source(str(fifo)) as source:
        writing = in_thread(fifo.write_bytes, bytes(QUEUE_SIZE + 8 * MIB))
        assert await within(source.read(1)) == b"\0"
    with pytest.raises(BrokenPipeError):
        await within(writing)
    assert descriptors() == before


# What the library may be given


@pytest.mark.parametrize("data", [b"hello", bytearray(b"hello"), memoryview(b"hello"), io.BytesIO(b"hello")])
async def test_bytes_in_memory_are_a_source(data: bytes) -> None:
    """They have a size, can be read again and never change."""
    source = as_source(data)
    assert isinstance(source, Source)
    assert source.size == 5
    assert await read_to_end(source, 3) == [b"hel", b"lo"]
    source.restart()
    source.check()
    assert await read_to_end(source, 5) == [b"hello"]


def test_a_source_is_taken_as_it_is() -> None:
    """Whoever brings a source of their own gets it used."""
    source = as_source(b"hello")
    assert as_source(source) is source


async def test_a_file_that_cannot_seek_is_read_with_what_it_has_buffered() -> None:
    """Whoever reads a first line from a pipe and stores the rest misses nothing."""
    with open_pipe() as pipe, os.fdopen(os.dup(pipe.reader.fileno()), "rb") as opened:
        write_to_end(pipe.writer, b"first\nsecond\nthird\n")
        assert opened.readline() == b"first\n"
        source = as_source(opened)
        assert source.size is None
        assert await read_to_end(source, 7) == [b"second\n", b"third\n"]
        source.check()
        with pytest.raises(io.UnsupportedOperation):
            source.restart()


async def test_a_decoding_file_is_read_decoded() -> None:
    """What its descriptor gives is not what it means: a TLS or chunked HTTP answer, a decompressor."""

    class Decoding(io.RawIOBase):
        def __init__(self, file: io.FileIO) -> None:
            self._file = file

        def readable(self) -> bool:
            return True

        def fileno(self) -> int:
            return self._file.fileno()

        def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]  # all that is needed here
            data = self._file.read(len(buffer)).upper()
            buffer[: len(data)] = data
            return len(data)

    with open_pipe() as pipe:
        write_to_end(pipe.writer, b"hello")
        source = as_source(cast(BinaryIO, Decoding(pipe.reader)))
        assert await read_to_end(source) == [b"HELLO"]


async def test_a_file_that_fails_is_never_taken_for_one_that_ended() -> None:
    """Any error of a foreign file's own `read` comes out of ours, behind the bytes that it gave before."""

    class Failing(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def read(self, size: int | None = -1, /) -> bytes:
            if data := super().read(size):
                return data
            raise http.client.IncompleteRead(b"", 5)

    source = as_source(Failing(b"hello"))
    assert await within(source.read(5)) == b"hello"
    for _ in range(2):
        with pytest.raises(http.client.IncompleteRead):
            await within(source.read(5))


async def test_a_non_blocking_file_with_nothing_to_give_is_an_error() -> None:
    """It is not taken for one that ended."""
    with open_pipe() as pipe:
        os.set_blocking(pipe.reader.fileno(), False)
        with pytest.raises(BlockingIOError):
            await within(as_source(cast(BinaryIO, pipe.reader)).read(1))


# Standard input

READ_STDIN = """
import asyncio, sys
from natsobj.files.sources import open_source

async def main():
    with open_source({file!r}) as source:
        size = source.size
        first = await source.read(4)
        try:
            source.restart()
        except OSError as e:
            first += b"|"
        rest = b""
        while part := await source.read(100_000):
            rest += part
        source.check()
    sys.stdout.buffer.write(b"%a %a " % (source.name, size) + first + rest)

asyncio.run(main())
"""


@pytest.mark.parametrize("named", [None, "-"])
def test_stdin_from_a_file_is_read_from_where_it_stands(file: Path, named: str | None) -> None:
    """A shell may have read some of it before: that is not stored, and a restart goes back to there."""
    with file.open("rb") as opened:
        os.lseek(opened.fileno(), 400, os.SEEK_SET)
        done = run(script(READ_STDIN.format(file=named)), stdin=opened)
    content = file.read_bytes()
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"'standard input' 600 " + content[400:404] + content[400:]


@pytest.mark.parametrize("named", [None, "-"])
def test_stdin_from_a_pipe_is_read_once(named: str | None) -> None:
    """It has no size and no way back."""
    data = random.Random(4).randbytes(3 * MIB)
    done = run(script(READ_STDIN.format(file=named)), feed=data)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"'standard input' None " + data[:4] + b"|" + data[4:]


def test_stdin_from_the_null_device_is_empty() -> None:
    """The usual stdin of a service stores an empty object."""
    done = run(script(READ_STDIN.format(file=None)), stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"'standard input' None |", b"")


def test_a_closed_stdin_is_an_error_that_names_it() -> None:
    """`<&-`: its number may belong to another file by now, so nothing is read from there."""
    code = """
from natsobj.files.sources import open_source
try:
    with open_source(None):
        pass
except OSError as e:
    print(e.filename, e.strerror)
"""
    done = run(["sh", "-c", 'exec "$@" <&-', "sh", *script(code)])
    assert (done.stdout, done.stderr) == (b"standard input Bad file descriptor\n", b"")
