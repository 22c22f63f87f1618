"""Where faults happen: a server that may be killed, a bucket, files, and the program between them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, Store
from natsobj.errors import BucketNotFound, ObjectNotFound
from natsobj.settings import Settings
from tests.faults.running import END_WITHIN, Running
from tests.program import Argument, Program, Result
from tests.servers import NatsServer
from tests.standstill import standing_still
from tests.verdict import Verdict, plain_client, quiet, stream_info, verdict

Source = Literal["file", "pipe"]

KEY = "the/key"
TARGET = "target.bin"
CHUNK = 128 * 1024

RECOVERED_WITHIN = 20.0
"""Seconds from the return of the server to the end of the program: 10 for the recovery, and what is to do."""


class Site:
    """One bucket on one server, and the runs of the program that use it."""

    def __init__(self, server: NatsServer, bucket: str, cli: Program, folder: Path) -> None:
        self.server = server
        self.bucket = bucket
        self.cli = cli
        self.url: str | None = None
        """What the program takes for its server, None for the server itself."""
        self.folder = folder
        self.target = folder / "out" / TARGET
        self.target.parent.mkdir()
        self._source = folder / "source.bin"
        self._started: list[Running] = []
        self._kept = 0
        """The stream's last sequence before the run that is looked at."""

    # Runs of the program

    def put(self, data: bytes | None, source: Source = "file", *options: Argument) -> Running:
        """Start a put of these bytes; None: the test writes to its standard input."""
        if data is not None and source == "file":
            self._source.write_bytes(data)
            return self.start("put", self.bucket, KEY, self._source, *options)
        return self.start("put", self.bucket, KEY, *options, feed=data)

    def get(self, into: Source = "file", *options: Argument, read_output: bool = True) -> Running:
        """Start a get into the target or a pipe."""
        target: list[Argument] = [self.target, "-f"] if into == "file" else []
        return self.start("get", self.bucket, KEY, *target, *options, read_output=read_output)

    def start(
        self,
        *args: Argument,
        feed: bytes | None = b"",
        read_output: bool = True,
        stdout: int = subprocess.PIPE,
        before: Callable[[], None] | None = None,
    ) -> Running:
        """Start the program; it is gone after the test at the latest."""
        process = subprocess.Popen(
            self.cli.command(*args),
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=self.cli.environment({"NATS_URL": self.url or self.server.url}),
            cwd=self.cli.home,
            preexec_fn=before,  # noqa: PLW1509  # limits of the process; the child runs no other Python
        )
        running = Running(process, feed=feed, read_output=read_output)
        self._started.append(running)
        return running

    async def run(self, *args: Argument) -> Result:
        """Run the program to its end."""
        return await self.start(*args).end()

    def close(self) -> None:
        """End what still runs."""
        for running in self._started:
            running.close()

    # How far a run has come

    async def put_reached(self, running: Running, size: int) -> bool:
        """Wait until a put has stored so many bytes under a nuid of its own; False when it ends before."""
        async with plain_client(self.server.url) as client:
            js = client.jetstream(timeout=END_WITHIN)

            async def reached() -> bool:
                state = (await stream_info(js, self.bucket)).state
                return state.last_seq - self._kept >= max(1, size // CHUNK)

            return await running.until(reached)

    async def get_reached(self, running: Running, size: int) -> bool:
        """Wait until a get has written so many bytes, to its temporary file or its pipe."""

        async def reached() -> bool:
            return max(len(running.received), *self._temporary_sizes()) >= size

        return await running.until(reached)

    def _temporary_sizes(self) -> list[int]:
        sizes = [-1, -1]
        for path in self.target.parent.glob(f".{TARGET}.*"):
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:  # just renamed, or cleaned up
                continue
        return sizes

    # Faults

    @asynccontextmanager
    async def server_killed(self) -> AsyncIterator[None]:
        """Kill the server, as a power cut would, and bring it back in the end."""
        await asyncio.to_thread(self.server.kill)
        try:
            yield
        finally:
            await asyncio.to_thread(self.server.start)

    @asynccontextmanager
    async def server_stopped(self) -> AsyncIterator[None]:
        """Let the server stand still: its connections stay, and nobody answers."""
        with standing_still(self.server.pid):
            yield

    # What must be true afterwards

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Bucket]:
        """The bucket by the library, past whatever stands between the program and the server."""
        async with Store(Settings(servers=(self.server.url,))) as store:
            yield store.bucket(self.bucket)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A plain connection, past the same."""
        async with plain_client(self.server.url) as client:
            yield client

    async def keep(self, data: bytes | None) -> None:
        """Have this under the key, or nothing; what the program stores from now on is counted."""
        async with self.opened() as bucket:
            if data is not None:
                await bucket.put(KEY, data)
            else:
                with suppress(ObjectNotFound):
                    await bucket.delete(KEY)
        async with self.client() as client:
            self._kept = (await stream_info(client.jetstream(timeout=5), self.bucket)).state.last_seq

    async def verdict(self) -> Verdict:
        """Read the whole bucket back."""
        return await verdict(self.server.url, self.bucket)

    async def holds(self, wanted: bytes | None) -> None:
        """The bucket has exactly this object, whole, and nothing else: no orphans, no consumers."""
        found = await self.verdict()
        assert found.objects == objects(wanted), found
        assert (found.orphans, found.consumers, found.unreadable) == ({}, 0, ())

    async def holds_after_gc(self, *possible: bytes | None) -> None:
        """The bucket has one of these, whole; what is left of the others is gone after gc."""
        await quiet(self.server.url, self.bucket)
        found = await self.verdict()
        assert found.objects in [objects(wanted) for wanted in possible]
        if found.orphans:
            (await self.run("gc", self.bucket, "--older-than", "0s", "--server", self.server.url)).expect(0)
            after = await self.verdict()
            assert (after.objects, after.orphans) == (found.objects, {})

    def fetched(self, result: Result, into: Source, wanted: bytes, before: bytes | None = None) -> None:
        """A get's bytes are right under exit code 0; else the file is as it was, a pipe got a beginning."""
        if into == "pipe":
            assert result.stdout == wanted if result.code == 0 else wanted.startswith(result.stdout)
            return
        expected = wanted if result.code == 0 else before
        found = self.target.read_bytes() if self.target.exists() else None
        assert found == expected
        assert set(os.listdir(self.target.parent)) <= {TARGET}


def objects(wanted: bytes | None) -> dict[str, str | None]:
    """The objects of a bucket that has this under the key, or nothing."""
    return {} if wanted is None else {KEY: hashlib.sha256(wanted).hexdigest()}


@asynccontextmanager
async def open_site(server: NatsServer, config: BucketConfig, folder: Path) -> AsyncIterator[Site]:
    """Make a bucket and a site around it; both are gone in the end."""
    async with Store(Settings(servers=(server.url,))) as store:
        await store.create_bucket(config)
    home = folder / "home"
    home.mkdir()
    site = Site(server, config.name, Program(home, server.url), folder)
    try:
        yield site
    finally:
        site.close()
        async with Store(Settings(servers=(server.url,))) as store:
            with suppress(BucketNotFound):
                await store.delete_bucket(config.name)


class Pace:
    """How long an undisturbed run takes: from this the moments of faults are drawn."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, float]] = {}

    async def of(self, name: str, begin: Callable[[], Running]) -> tuple[float, float]:
        """Return the seconds until it handles signals, and until its end, of such a run; measured once."""
        if name not in self._known:
            start = time.monotonic()
            running = begin()
            await running.ready_for_signals()
            ready = time.monotonic() - start
            (await running.end()).expect(0)
            self._known[name] = ready, time.monotonic() - start
        return self._known[name]
