"""What the tests of sources and targets share: pipes, small programs, and a get into a file."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from natsobj.files import Source
from natsobj.files.targets import open_target

T = TypeVar("T")

TIMEOUT = 60.0
"""Seconds after which a test gives up; far more than any case needs on a busy machine."""

MIB = 1024 * 1024


class Pipe(NamedTuple):
    """The two ends of a pipe, unbuffered."""

    reader: io.FileIO
    writer: io.FileIO


@contextmanager
def open_pipe() -> Iterator[Pipe]:
    """Make a pipe; its ends are closed after the block, the writer first: a reader's thread sees the end."""
    reader, writer = os.pipe()
    with io.FileIO(reader, "rb") as readable, io.FileIO(writer, "wb") as writable:
        yield Pipe(readable, writable)


def write_to_end(writer: io.FileIO, data: bytes, size: int = MIB) -> None:
    """Write everything in parts of `size` and close."""
    with writer:
        for start in range(0, len(data), size):
            view = memoryview(data)[start : start + size]
            while view:
                view = view[writer.write(view) :]


def in_thread(function: Any, *args: object) -> asyncio.Task[Any]:
    """Run what blocks beside the event loop."""
    return asyncio.create_task(asyncio.to_thread(function, *args))


async def within(awaitable: Coroutine[Any, Any, T] | asyncio.Task[T]) -> T:
    """Wait for something, but not for ever."""
    return await asyncio.wait_for(awaitable, TIMEOUT)


async def read_to_end(source: Source, size: int = 128 * 1024) -> list[bytes]:
    """Everything that a source has, in the parts that it gave; all but the last must be of `size`."""
    parts = []
    async with asyncio.timeout(TIMEOUT):
        while part := await source.read(size):
            parts.append(part)
        assert await source.read(size) == b"", "there is nothing behind the end"
    assert all(len(part) == size for part in parts[:-1])
    return parts


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/dev/fd"))  # a Path would list the same


def script(code: str) -> list[str]:
    """The command line of a small program that uses the library; warnings are errors in it."""
    return [sys.executable, "-W", "error", "-c", code]


ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}


def run(
    command: list[str],
    *,
    feed: bytes | None = None,
    stdin: IO[bytes] | int | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Run a small program to its end; its stdin is empty and its output captured unless said otherwise."""
    if feed is None and stdin is None:
        stdin = subprocess.DEVNULL
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        command, input=feed, stdin=stdin, env=ENVIRONMENT, timeout=TIMEOUT, check=False, **streams
    )
    return done


async def fetch(
    path: Path,
    *parts: bytes,
    replace: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Write a file as a get does; `meanwhile` happens when all is written and the file is not closed yet."""
    async with open_target(path, replace=replace) as sink:
        for part in parts:
            sink.write(memoryview(part))
            await sink.drain()
        meanwhile()


def names(folder: Path) -> set[str]:
    """Everything in a folder, hidden files too."""
    return {path.name for path in folder.iterdir()}
