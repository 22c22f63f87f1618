"""Where fetched bytes go when it is no file: FIFOs, devices, standard output."""

from __future__ import annotations

import errno
import io
import os
import random
import stat
import subprocess
from pathlib import Path

import pytest

from natsobj.files.targets import open_target
from tests.streams import ENVIRONMENT, MIB, TIMEOUT, descriptors, fetch, in_thread, names, run, script, within

NEW = b"new content"


# FIFOs and devices


@pytest.mark.parametrize("replace", [True, False])
async def test_a_fifo_is_written_directly(tmp_path: Path, *, replace: bool) -> None:
    """It is no file that could be replaced, and it is closed in the end: its reader sees that."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    data = random.Random(2).randbytes(3 * MIB)
    before = descriptors()
    reading = in_thread(fifo.read_bytes)
    await within(fetch(fifo, data[:MIB], data[MIB:], replace=replace))
    assert await within(reading) == data
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names(tmp_path) == {"fifo"}
    assert descriptors() == before


async def test_a_fifo_cannot_take_anything_back(tmp_path: Path) -> None:
    """A restart is refused, so that nobody reads a mixture."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = in_thread(fifo.read_bytes)
    async with open_target(fifo, replace=False) as sink:
        sink.write(memoryview(NEW))
        with pytest.raises(io.UnsupportedOperation):
            sink.restart()
    assert await within(reading) == NEW


async def test_a_device_is_written_directly() -> None:
    """`/dev/null` takes everything and stays what it is."""
    await within(fetch(Path("/dev/null"), bytes(MIB)))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


async def test_a_full_device_is_named() -> None:
    """The error of the thread that writes comes out of the end at the latest."""
    with pytest.raises(OSError, match="No space left") as caught:
        await within(fetch(Path("/dev/full"), NEW))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")


# Standard output

WRITE_STDOUT = """
import asyncio, sys
from natsobj.files.targets import open_stdout

async def main():
    async with open_stdout() as sink:
        for number in range(64):
            sink.write(memoryview(bytes([number]) * 65_537))
            await sink.drain()
        try:
            sink.restart()
        except OSError:
            pass
        else:
            sys.exit("it took back what was sent")

try:
    asyncio.run(main())
except OSError as e:
    sys.exit(f"{type(e).__name__} {e.filename}: {e.strerror}")
"""

WRITTEN = b"".join(bytes([number]) * 65_537 for number in range(64))


def test_stdout_into_a_pipe_is_complete_at_the_end() -> None:
    """All is written before the context ends."""
    done = run(script(WRITE_STDOUT))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == WRITTEN


def test_stdout_into_a_file_is_written_where_it_stands(tmp_path: Path) -> None:
    """`{ echo before; natsobj get b k; echo after; } > file`."""
    with (tmp_path / "file").open("wb") as file:
        file.write(b"before")
        file.flush()
        done = run(script(WRITE_STDOUT), stdout=file)
        file.write(b"after")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "file").read_bytes() == b"before" + WRITTEN + b"after"


def test_stdout_without_a_reader_is_a_broken_pipe() -> None:
    """`natsobj get b k | head -c 1`: the command line makes a silent exit of it."""
    with subprocess.Popen(
        script(WRITE_STDOUT), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b"BrokenPipeError standard output: Broken pipe\n"
        assert process.wait(TIMEOUT) == 1


@pytest.mark.parametrize(
    ("redirection", "message"),
    [
        (">/dev/full", b"OSError standard output: No space left on device\n"),
        (">&-", b"OSError standard output: Bad file descriptor\n"),
    ],
)
def test_stdout_that_cannot_be_written_is_named(redirection: str, message: bytes) -> None:
    """Full, or closed before the program began."""
    done = run(["sh", "-c", f'exec "$@" {redirection}', "sh", *script(WRITE_STDOUT)])
    assert (done.returncode, done.stderr) == (1, message)


@pytest.mark.unmeasured
def test_a_stdout_file_that_cannot_grow_is_named(tmp_path: Path) -> None:
    """A redirection into a file on a full disk."""
    command = ["sh", "-c", 'ulimit -f 100 && exec "$@"', "sh", *script(WRITE_STDOUT)]
    with (tmp_path / "file").open("wb") as file:
        done = run(command, stdout=file)
    assert (done.returncode, done.stderr) == (1, b"OSError standard output: File too large\n")
