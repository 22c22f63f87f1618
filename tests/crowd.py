"""Many programs at one key at once: started one after the other, let loose together."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from natsobj import Bucket
from tests.program import TIMEOUT, Argument, Program, Result
from tests.standstill import standing_still
from tests.verdict import verdict

PACE = 0.002
"""Seconds between two looks at what a program does."""


def sha256(data: bytes) -> str:
    """The digest as hex."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Arena:
    """Where they meet: a bucket, the command that reaches it, and a server that can say what it holds."""

    bucket: Bucket
    cli: Program
    url: str

    async def holds(self) -> Mapping[str, str | None]:
        """The digest of each object as it is read back; the test fails when anything is left over."""
        found = await verdict(self.url, self.bucket.name)
        assert (found.orphans, found.consumers, found.unreadable) == ({}, 0, ())
        return found.objects


class Crowd:
    """Programs that run at the same time; whatever still runs in the end is killed."""

    def __init__(self, cli: Program, stack: ExitStack) -> None:
        self._cli = cli
        self._stack = stack
        self._pool = stack.enter_context(ThreadPoolExecutor(32))

    def start(self, *args: Argument, env: Mapping[str, str | None] | None = None) -> subprocess.Popen[bytes]:
        """Start one, to be fed, read and stopped by hand."""
        return self._stack.enter_context(self._cli.running(*args, env=env))

    def run(self, *args: Argument, after: float = 0, data: bytes = b"") -> Future[Result]:
        """Run one from beginning to end, some seconds from now."""

        def wait_and_run() -> Result:
            time.sleep(after)
            return self._cli(*args, input=data)

        return self._pool.submit(wait_and_run)

    def finish(self, process: subprocess.Popen[bytes], data: bytes = b"") -> Future[Result]:
        """Give one the end of its input, and take what it says."""

        def communicate() -> Result:
            stdout, stderr = process.communicate(data, TIMEOUT)
            return Result(process.returncode, stdout, stderr.decode())

        return self._pool.submit(communicate)

    def put_at_once(self, bucket: str, key: str, contents: list[bytes], *options: str) -> list[Result]:
        """Store all contents under one key: all but the last byte of each are up when the first one ends."""
        writers = [self.start("put", "-q", bucket, key, "-", *options) for _ in contents]
        for fed in [self._pool.submit(feed, *pair) for pair in zip(writers, contents, strict=True)]:
            fed.result(TIMEOUT)
        ends = [self.finish(writer, data[-1:]) for writer, data in zip(writers, contents, strict=True)]
        return [end.result(TIMEOUT) for end in ends]


@contextmanager
def crowd(cli: Program) -> Iterator[Crowd]:
    """Open a crowd."""
    with ExitStack() as stack:
        yield Crowd(cli, stack)


def feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Give a program all of its input but the last byte; it may end before."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(data[:-1])
        process.stdin.flush()


def read_part(process: subprocess.Popen[bytes], size: int) -> bytes:
    """Take that much of what a program writes, or all where that is less; nothing more leaves the pipe."""
    assert process.stdout is not None
    read = bytearray()
    while len(read) < size and (part := os.read(process.stdout.fileno(), size - len(read))):
        read += part
    return bytes(read)


@contextmanager
def stopped_in_the_middle(process: subprocess.Popen[bytes], folder: Path, size: int) -> Iterator[None]:
    """Stop a `get` when the files in a folder have reached a size, or it has ended; let it go on after."""
    while process.poll() is None and sum(_sizes(folder)) < size:
        time.sleep(PACE)
    with standing_still(process.pid):
        yield


def _sizes(folder: Path) -> Iterator[int]:
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # it was temporary
            yield path.stat().st_size
