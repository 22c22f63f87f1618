"""Verify what is stored.

async for verdict in verify(await survey(bucket)):
    print(verdict.name, verdict.problem or "ok")
"""

from __future__ import annotations

import asyncio
import io
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from natsobj.bucket import Bucket
from natsobj.checks.census import Census
from natsobj.errors import (
    ChunksMissing,
    DigestMismatch,
    InvalidMetadata,
    NatsobjError,
    ObjectChanged,
    ObjectNotFound,
    SizeMismatch,
)
from natsobj.files import Sink
from natsobj.folders.pace import Pace
from natsobj.models import ObjectInfo, Problem, Verdict
from natsobj.stream import Record
from natsobj.stream.lookup import find
from natsobj.stream.marks import Counts, Marks

__all__ = ["Survey", "nowhere", "survey", "verify"]

AHEAD = 1024
"""Objects that are being verified, or wait until those before them are: verdicts come in order."""

CHANGED = "it was replaced or deleted meanwhile"

Finding = tuple[Problem | None, str]
"""A problem, or None, and a description."""


class _Nowhere:
    def write(self, view: memoryview, /) -> None: ...

    async def drain(self) -> None: ...

    def restart(self) -> None:
        raise io.UnsupportedOperation("an object that has changed is another one")


def nowhere(_: ObjectInfo) -> Sink:
    """Make a sink that discards what is written to it."""
    return _Nowhere()


# Verifying


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to verify."""

    bucket: Bucket
    objects: int
    """Live objects, links included, and records that cannot be read."""
    size: int
    """Bytes of all of them, as their records have it."""
    census: Census
    chunks: Counts
    """How many are stored, by nuid."""
    shared: Mapping[str, tuple[str, ...]]
    """Nuids that several records name, and the subjects of those."""
    only: Record | None = None
    """The one object that was asked for."""

    async def records(self) -> AsyncGenerator[Record, None]:
        """Iterate over what is to be verified."""
        if self.only is not None:
            yield self.only
            return
        async with aclosing(self.census.records()) as records:
            async for record in records:
                if record.live is not None or record.error is not None:
                    yield record


async def survey(bucket: Bucket, key: str | None = None) -> Survey:
    """Look through a bucket, or at one object of it, without reading any content.

    Raises:
        ObjectNotFound: there is none under the key.
    """
    census = await Census.begin(bucket.stream)
    only = None
    if key is not None:
        only = (await find(bucket.stream, key, search=True)).record
        if only.error is None:
            only.existing(bucket.name, key)
    chunks = await census.counts()
    objects, size, marks = 0, 0, Marks()
    async with aclosing(census.records()) as records:
        async for record in records:
            if (info := record.live) is not None and info.nuid is not None:
                marks.add(info.nuid)
            if only is None and (info is not None or record.error is not None):
                objects, size = objects + 1, size + (info.size if info is not None else 0)
    twice = marks.repeated()
    shared = await _shared(census, twice) if twice else {}
    if only is not None:
        objects, size = 1, only.live.size if only.live is not None else 0
    return Survey(bucket, objects, size, census, chunks, shared, only)


async def _shared(census: Census, marks: set[int]) -> dict[str, tuple[str, ...]]:
    """Look once more for the records that name the same nuid."""
    subjects: dict[str, tuple[str, ...]] = {}
    async with aclosing(census.records()) as records:
        async for record in records:
            if (info := record.live) is not None and info.nuid is not None and hash(info.nuid) in marks:
                subjects[info.nuid] = (*subjects.get(info.nuid, ()), record.subject)
    return {nuid: found for nuid, found in subjects.items() if len(found) > 1}


async def verify(
    surveyed: Survey, *, quick: bool = False, into: Callable[[ObjectInfo], Sink] = nowhere
) -> AsyncGenerator[Verdict, None]:
    """Iterate over the verdicts on all objects, in the bucket's order; several are read at once (`Pace`).

    What looks broken is read from the leader again before it is called broken. An object that was replaced or
    deleted since the survey is `changed`. A link has no chunks, and its target is not checked.

    Args:
        quick: read no content; compare the number of chunks, and find sizes that they cannot have.
        into: makes a sink for the bytes of an object; by default they are discarded.
    """
    checker = _Checker(surveyed, None if quick else into)
    running: deque[asyncio.Task[Verdict | None]] = deque()
    try:
        async with aclosing(surveyed.records()) as records:
            async for record in records:
                while running and (running[0].done() or len(running) >= AHEAD):
                    if (verdict := await running[0]) is not None:
                        yield verdict
                    running.popleft()
                if not running and (verdict := checker.at_once(record)) is not None:
                    yield verdict
                else:
                    running.append(await checker.begin(record.without_data()))
        while running:
            if (verdict := await running[0]) is not None:
                yield verdict
            running.popleft()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class _Checker:
    """Finds the verdict on each object, on as many at once as the pace allows."""

    def __init__(self, surveyed: Survey, into: Callable[[ObjectInfo], Sink] | None) -> None:
        self._bucket = surveyed.bucket
        self._pace = Pace(line=surveyed.bucket.stream.js.connector)
        self._census = surveyed.census
        self._chunks = surveyed.chunks
        self._shared = surveyed.shared
        self._into = into

    def at_once(self, record: Record) -> Verdict | None:
        """Return the verdict on an object if that takes no request, else None."""
        info = record.live
        if info is None or (self._into is not None and info.link is None) or info.nuid in self._shared:
            return None
        return self._verdict(record) if self._plausible(info) and _contradiction(info)[0] is None else None

    async def begin(self, record: Record) -> asyncio.Task[Verdict | None]:
        """Begin to verify an object once the pace allows it.

        The caller waits with the records that follow, which may be large: none of them is kept meanwhile.
        """
        info = record.live
        size, held = (info.size, info.record_size) if info is not None else (0, 0)
        return asyncio.create_task(self._check(record, await self._pace.begin(size, held)))

    async def _check(self, record: Record, weight: int) -> Verdict | None:
        """Return the verdict on one object; None if it was deleted before the survey."""
        begun = time.monotonic()
        try:
            while True:
                problem, detail = await self._examine(record)
                if problem is None:
                    return self._verdict(record)
                current = await self._census.record(record.subject)
                if current is not None and current.sequence == record.sequence:
                    return self._verdict(record, problem, detail)
                if current is None or current.sequence > self._census.last_sequence:
                    return self._verdict(record, "changed", CHANGED)
                if current.deleted:
                    return None
                record = current
        finally:
            self._pace.end(weight, time.monotonic() - begun)

    async def _examine(self, record: Record) -> Finding:
        info = record.live
        if info is None:
            return "unreadable", _detail(record.error, record.name)
        stored = await self._count(info)
        if stored != info.chunks:
            return "missing_chunks", f"{stored:,} of {info.chunks:,} chunks are stored"
        if info.link is None:
            if self._into is None:
                problem, detail = _contradiction(info)
            else:
                problem, detail = await self._read(info, self._into(info))
            if problem is not None:
                return problem, detail
        if info.nuid is not None and await self._sharers(info.nuid) > 1:
            return "shared_nuid", "another object has the same chunks: deleting one breaks the other"
        return None, ""

    def _verdict(self, record: Record, problem: Problem | None = None, detail: str | None = None) -> Verdict:
        size = record.live.size if record.live is not None else 0
        return Verdict(self._bucket.name, record.name, size, problem, detail)

    async def _read(self, info: ObjectInfo, sink: Sink) -> Finding:
        try:
            await self._bucket.get(info, sink)
        except ChunksMissing as error:
            return "missing_chunks", _detail(error, info.name)
        except SizeMismatch as error:
            return "wrong_size", _detail(error, info.name)
        except DigestMismatch as error:
            return "wrong_digest", _detail(error, info.name)
        except InvalidMetadata as error:
            return "unreadable", _detail(error, info.name)
        except (ObjectChanged, ObjectNotFound):
            return "changed", CHANGED
        return None, ""

    def _plausible(self, info: ObjectInfo) -> bool:
        stored = self._chunks.get(info.nuid or "", 0)
        return stored == info.chunks and self._census.counts_exactly(stored)

    async def _count(self, info: ObjectInfo) -> int:
        if self._plausible(info):
            return info.chunks
        return await self._census.count_of(info)

    async def _sharers(self, nuid: str) -> int:
        """Count the records that still name a nuid which several have named."""
        found = 0
        for subject in self._shared.get(nuid, ()):
            record = await self._census.record(subject)
            found += record is not None and record.live is not None and record.live.nuid == nuid
        return found


def _contradiction(info: ObjectInfo) -> Finding:
    """Find a contradiction in the record itself."""
    if info.size and not (info.nuid and info.chunks):
        return "unreadable", "it names no chunks"
    if info.chunk_size is not None and info.size > info.chunks * info.chunk_size:
        return "wrong_size", f"{info.size:,} bytes do not fit into chunks of {info.chunk_size:,} bytes"
    return None, ""


def _detail(error: NatsobjError | None, name: str) -> str:
    """Say what is wrong; which object it is, the verdict says."""
    return str(error).partition(f"/{name}: ")[2] or str(error)
