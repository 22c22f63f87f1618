"""A survey of a bucket's stream: the number of chunks of each nuid, and every record.

Whatever a decision rests on is read from the leader. Direct Get is fast and finds things, but a replica that
lags may answer it, or a mirror that has only a part of the stream (`mirror_direct`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from natsobj.adr20 import names, streams
from natsobj.errors import NatsobjError
from natsobj.jetstream import Ack, Stored
from natsobj.jetstream.codes import api_error
from natsobj.models import ObjectInfo
from natsobj.stream import BucketStream, Record
from natsobj.stream.listing import every_record
from natsobj.stream.marks import Counts
from natsobj.stream.record import read_record
from natsobj.stream.stream import check_writable

__all__ = ["Census", "in_order", "share_out"]

T = TypeVar("T")
R = TypeVar("R")

WORKERS = 32
"""Requests at once, where each item takes a request of its own."""

_MOST_EMPTY = 16
"""The most empty chunks after an object's last one that are looked at."""

SPANS = 256
"""Parts into which a stream is cut for the workers; many, because records are spread unevenly."""


class Census:
    """One survey of a bucket's stream, which began at `time` and `last_sequence`.

    Args:
        state: the stream's configuration and state at the beginning.
        root: the bucket's name in its subjects, as it was known then (`BucketStream.root`).
    """

    def __init__(self, stream: BucketStream, state: Mapping[str, Any], root: str) -> None:
        self.bucket = stream.bucket
        self.stream = stream
        self._state = state
        self._records = names.metadata_filter(root)
        self.time = streams.parse_time(state["ts"]) or datetime.now(UTC)
        """By the clock of the server, which also dated the messages."""
        self.last_sequence: int = state["state"]["last_seq"]
        self.replicated = state["config"].get("num_replicas", 1) > 1
        self._marked = bool(state["config"].get("subject_delete_marker_ttl"))

    @classmethod
    async def begin(cls, stream: BucketStream) -> Census:
        """Begin the survey of a bucket."""
        state = await stream.info()
        return cls(stream, state, await stream.root())

    def check_writable(self) -> None:
        """Refuse a bucket that takes no changes; raises what `BucketStream.check_writable` raises."""
        check_writable(self.bucket, self._state, records_only=True)

    def age(self, time: datetime) -> timedelta:
        """Return how old a message was when the survey began; 0 for a newer one."""
        return max(self.time - time, timedelta())

    # Chunks

    async def counts(self) -> Counts:
        """Return how many chunks each nuid has; it may miss those that came or went meanwhile."""
        counts = Counts()
        async with aclosing(self.chunk_pages()) as pages:
            async for page in pages:
                for nuid, number in page:
                    counts.add(nuid, number)
                await asyncio.sleep(0)
        return counts

    async def chunk_pages(self) -> AsyncGenerator[Iterator[tuple[str, int]], None]:
        """Iterate over the same in pages, one request for each 100,000 nuids."""
        pattern = names.chunks_filter(await self.stream.root())
        async with aclosing(self.stream.subject_pages(pattern)) as pages:
            async for page in pages:
                yield ((subject[len(pattern) - 1 :], number) for subject, number in page)

    async def count(self, nuid: str) -> int:
        """Return how many chunks of a nuid are stored; the server's note that one expired does not count."""
        number = await self.stream.count(await self.stream.chunk_subject(nuid))
        if number == 1 and self._marked and ((last := await self.newest_chunk(nuid)) is None or last.marker):
            return 0
        return number

    async def count_of(self, info: ObjectInfo) -> int:
        """Return how many chunks of an object are stored, without the empty ones that nats.net adds."""
        if info.nuid is None:
            return 0
        number = await self.count(info.nuid)
        extra = number - info.chunks
        if 0 < extra <= _MOST_EMPTY and await self._ends_empty(info.nuid, extra):
            return info.chunks
        return number

    async def _ends_empty(self, nuid: str, number: int) -> bool:
        """Return whether the last `number` chunks of a nuid are empty."""
        subject, newest = await self.stream.chunk_subject(nuid), await self.newest_chunk(nuid)
        span = number
        while newest is not None and not newest.data:
            first = sequence = max(1, newest.sequence - span + 1)
            empty: list[bool] = []
            while (message := await self.stream.next(subject, sequence)) is not None:
                empty.append(not message.data)
                sequence = message.sequence + 1
            if len(empty) >= number or first == 1:
                return len(empty) >= number and all(empty[-number:])
            span *= 4
        return False

    def counts_exactly(self, number: int) -> bool:
        """Return whether a number of messages is certainly the number of chunks."""
        return number != 1 or not self._marked

    async def newest_chunk(self, nuid: str) -> Stored | None:
        """Return the chunk of a nuid that was stored last."""
        return await self.stream.last(await self.stream.chunk_subject(nuid))

    async def replace_chunks(self, nuid: str, condition: Mapping[str, str]) -> Ack:
        """Replace all chunks of a nuid by one empty message, if the condition holds.

        The leader checks the condition and removes the chunks in one step: nothing can come in between.
        """
        headers, stream = {"Nats-Rollup": "sub", **condition}, self.stream
        subject = await stream.chunk_subject(nuid)
        return await stream.patiently(lambda: stream.js.publish(subject, b"", headers))

    def no_record_since(self, sequence: int) -> Mapping[str, str]:
        """Return the condition that no record was written after a sequence."""
        return {
            "Nats-Expected-Last-Subject-Sequence": str(sequence),
            "Nats-Expected-Last-Subject-Sequence-Subject": self._records,
        }

    def refused(self, ack: Ack) -> NatsobjError:
        """Return the error of a publish that was refused."""
        return api_error(ack.code, ack.message, 0, self.stream.name)

    def is_our_stream(self, ack: Ack) -> bool:
        """Return whether this stream stored it, not one of the same name in another domain."""
        return (ack.stream, ack.domain) == (self.stream.name, self._state.get("domain", ""))

    async def remove_chunks(self, nuid: str, *, up_to: int | None = None) -> None:
        """Remove the chunks of a nuid, or those up to a sequence, unconditionally."""
        subject = await self.stream.chunk_subject(nuid)
        await self.stream.purge(subject, before=None if up_to is None else up_to + 1)

    # Records

    def records(self) -> AsyncGenerator[Record, None]:
        """Iterate over every record once, the fast way (`every_record`)."""
        return every_record(self.stream)

    async def repeated(self) -> set[str]:
        """Return the subjects with more than one record, which were written without rollup."""
        return set(await self.stream.counts(self._records, least=2))

    async def record(self, subject: str) -> Record | None:
        """Return the record under a subject, from the leader; None when it is gone or has expired."""
        record = await self.stream.read(subject)
        return None if record.is_nothing else record

    async def last_record_sequence(self) -> int:
        """Return the sequence of the last metadata message, 0 if there is none."""
        last = await self.stream.last(self._records)
        return 0 if last is None else last.sequence

    async def stream_sequence(self) -> int:
        """Return the sequence of the last message of any kind."""
        return int((await self.stream.info())["state"]["last_seq"])

    async def visit_all(self, visit: Callable[[Record], None]) -> None:
        """Pass every record up to `last_sequence` to `visit`, outdated ones too, as the leader has them.

        They come in any order. None that stays stored is left out.
        """
        last = self.last_sequence
        step = max(1, -(-last // SPANS))
        spans = deque((start, min(start + step - 1, last)) for start in range(1, last + 1, step))

        async def walk(span: tuple[int, int]) -> None:
            await self.visit(*span, visit)

        await share_out(spans, walk)

    async def visit(self, first: int, last: int | None, visit: Callable[[Record], None]) -> int:
        """Pass the records between two sequences to `visit`, from the leader; return the last sequence."""
        while (message := await self.stream.next(self._records, first)) is not None and (
            last is None or message.sequence <= last
        ):
            record = read_record(self.bucket, message)
            if not record.is_nothing:
                visit(record)
            first = message.sequence + 1
        return first - 1

    async def remove_record(self, subject: str, *, up_to: int) -> None:
        """Remove the records of a subject up to a sequence; newer ones stay."""
        await self.stream.purge(subject, before=up_to + 1)


async def share_out(work: deque[T], do: Callable[[T], Awaitable[None]]) -> None:
    """Do all of the work, some of it at once; the first error ends it."""

    async def worker() -> None:
        while work:
            await do(work.popleft())

    workers = [asyncio.create_task(worker()) for _ in range(min(WORKERS, len(work)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def in_order(work: Iterable[T], do: Callable[[T], Awaitable[R]]) -> AsyncGenerator[R, None]:
    """Do all of it, some at once, and give what comes of it in the order of the work; an error ends it."""
    running: deque[asyncio.Future[R]] = deque()
    try:
        for each in work:
            if len(running) >= WORKERS:
                yield await running[0]
                running.popleft()
            running.append(asyncio.ensure_future(do(each)))
        while running:
            yield await running[0]
            running.popleft()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
