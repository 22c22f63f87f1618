"""Everything that a bucket's stream keeps: the chunks of each upload, and every record, odd ones included.

What decides is read from the leader alone. Direct Get is fast and good for finding things, but a replica that
lags may answer, or a mirror that keeps only a part of the stream (`mirror_direct`).
"""

from __future__ import annotations

import asyncio
import json
from array import array
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from natsobj.adr20 import names, streams
from natsobj.errors import NatsobjError
from natsobj.jetstream import JetStream
from natsobj.jetstream.codes import Ack, api_error
from natsobj.jetstream.direct import Stored
from natsobj.models import ObjectInfo
from natsobj.objects.commit import Record, check_writable, read_record

__all__ = ["Census", "Entry", "share_out"]

T = TypeVar("T")

WORKERS = 32
"""Requests under way at once where each thing is asked for by itself."""

SPANS = 256
"""Parts of a stream that workers share: records do not lie evenly in it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored metadata message."""

    subject: str
    time: datetime
    record: Record

    @property
    def sequence(self) -> int:
        """Its place in the stream."""
        return self.record.sequence

    @property
    def live(self) -> ObjectInfo | None:
        """The object, None for a tombstone and for what cannot be read."""
        return self.record.live

    @property
    def deleted(self) -> bool:
        """A tombstone."""
        return self.record.info is not None and self.record.info.deleted

    @property
    def name(self) -> str:
        """The object's name; of a record that cannot be read, what its subject says."""
        return self.record.info.name if self.record.info is not None else names.key_of_subject(self.subject)

    def may_name(self, nuid: str) -> bool:
        """Say whether a record that cannot be read could have anything to do with these chunks."""
        if nuid.encode(errors="surrogatepass") in self.record.data:
            return True
        try:
            fields = json.loads(self.record.data)
        except (ValueError, RecursionError):
            return False
        return isinstance(fields, dict) and fields.get("nuid") == nuid


class Census:
    """One look at a bucket's stream, begun at `time` and `last_sequence`.

    Args:
        stream: the answer to STREAM.INFO with which it begins.
        root: the bucket's name in its subjects.
    """

    def __init__(self, js: JetStream, bucket: str, stream: Mapping[str, Any], root: str) -> None:
        self.bucket = bucket
        self._js = js
        self._stream = names.stream_name(bucket)
        self._info = stream
        self._root = root
        self._records = names.metadata_filter(root)
        self.time = streams.parse_time(stream["ts"]) or datetime.now(UTC)
        """The server's clock, which also gave all messages their times."""
        self.last_sequence: int = stream["state"]["last_seq"]
        self.replicated = stream["config"].get("num_replicas", 1) > 1
        self._marked = bool(stream["config"].get("subject_delete_marker_ttl"))

    def check_writable(self) -> None:
        """Refuse a bucket that takes no changes.

        Raises:
            BucketReadOnly: it is a mirror.
            BucketSealed: it was sealed.
        """
        check_writable(self.bucket, self._info)

    def age(self, time: datetime) -> timedelta:
        """Return how old a message was when the look began; what came since is not old at all."""
        return max(self.time - time, timedelta())

    # Chunks

    async def chunks(self) -> dict[str, int]:
        """Return how many messages are stored for each nuid, by one request for 100,000 of them."""
        pattern = names.chunks_filter(self._root)
        counts = (await self._ask(lambda: self._js.subject_counts(self._stream, pattern))).counts
        return {subject[len(pattern) - 1 :]: number for subject, number in counts.items()}

    async def count(self, nuid: str) -> int:
        """Return how many chunks of a nuid are stored; a note that the last one expired is none."""
        subject = self._chunk_subject(nuid)
        number = await self._ask(lambda: self._js.count(self._stream, subject))
        if number == 1 and self._marked and ((last := await self.newest_chunk(nuid)) is None or last.marker):
            return 0
        return number

    def counts_exactly(self, number: int) -> bool:
        """Say whether as many messages are as many chunks for sure."""
        return number != 1 or not self._marked

    async def newest_chunk(self, nuid: str) -> Stored | None:
        """Return the chunk of a nuid that was stored last."""
        subject = self._chunk_subject(nuid)
        return await self._ask(lambda: self._js.last_message(self._stream, subject))

    async def replace_chunks(self, nuid: str, condition: Mapping[str, str]) -> Ack:
        """Put one empty message in the place of all chunks of a nuid, at once, if the condition holds.

        The condition and the removal are one step of the leader's: nothing can come between them.
        """
        headers = {"Nats-Rollup": "sub", **condition}
        return await self._ask(lambda: self._js.publish(self._chunk_subject(nuid), b"", headers))

    def no_record_since(self, sequence: int) -> Mapping[str, str]:
        """Return the condition that no metadata was written behind a sequence."""
        return {
            "Nats-Expected-Last-Subject-Sequence": str(sequence),
            "Nats-Expected-Last-Subject-Sequence-Subject": self._records,
        }

    def refused(self, ack: Ack) -> NatsobjError:
        """Return the error of a publish that was refused."""
        return api_error(ack.code, ack.message, 0, self._stream)

    def is_our_stream(self, ack: Ack) -> bool:
        """Say whether it was this stream that stored it: of joined domains each may have one of that name."""
        return (ack.stream, ack.domain) == (self._stream, self._info.get("domain", ""))

    async def remove_chunks(self, nuid: str, *, up_to: int | None = None) -> None:
        """Remove the chunks of a nuid, or those up to a sequence: no condition, for those who have looked."""
        subject, before = self._chunk_subject(nuid), None if up_to is None else up_to + 1
        await self._ask(lambda: self._js.purge(self._stream, subject, before=before))

    def _chunk_subject(self, nuid: str) -> str:
        return names.chunk_subject(self._root, nuid)

    # Records

    async def records(self) -> AsyncGenerator[Entry, None]:
        """Iterate over the records, one for each subject, odd ones and tombstones included.

        The order is that of their last change, oldest first; those come last that only the leader knew. What
        changes meanwhile is given once, as it was or as it is.
        """
        info = await self._ask(lambda: self._js.stream_info(self._stream, count=self._records))
        subjects, last = info.get("total", 0), info["state"]["last_seq"]
        number = await self._ask(lambda: self._js.matching(self._stream, self._records))
        several = dict.fromkeys(await self.repeated() if number != subjects else (), False)
        given = array("q")  # hashes: eight bytes an object, a set would take ten times that
        known: set[int] | None = None
        async with aclosing(self._js.direct_messages(self._stream, self._records)) as messages:
            async for message in messages:
                mark, entry = hash(message.subject), self._entry(message)
                if (was_given := several.get(message.subject)) is not None:
                    if was_given:
                        continue
                    several[message.subject] = True
                    entry = await self.record(message.subject)  # only the last one counts
                elif message.sequence > last:
                    known = set(given) if known is None else known
                    if mark in known:  # it has changed since it was given
                        continue
                    known.add(mark)
                given.append(mark)
                if entry is not None:
                    yield entry
        if len(given) < subjects:
            async for entry in self._others(set(given)):
                yield entry

    async def _others(self, given: set[int]) -> AsyncGenerator[Entry, None]:
        """Iterate over the records that whoever answered did not know, from the leader."""
        counts = await self._ask(lambda: self._js.subject_counts(self._stream, self._records))
        for subject in counts.counts:
            if hash(subject) not in given and (entry := await self.record(subject)) is not None:
                yield entry

    async def repeated(self) -> set[str]:
        """Return the subjects that hold more than one record, for they were written without rollup."""
        counts = await self._ask(lambda: self._js.subject_counts(self._stream, self._records))
        return {subject for subject, number in counts.counts.items() if number > 1}

    async def record(self, subject: str) -> Entry | None:
        """Return the record under a subject, from the leader; None when it is gone or has expired."""
        return self._entry(await self._ask(lambda: self._js.last_message(self._stream, subject)))

    async def find(self, key: str) -> Entry | None:
        """Return the object of a key, or its record that cannot be read; None for a tombstone."""
        places = (names.metadata_subject(self._root, key), names.latin1_metadata_subject(self._root, key))
        for subject in places:
            entry = None if subject is None else await self.record(subject)
            if entry is not None and (entry.live or entry.record.error):
                return entry
        return None

    async def last_record_sequence(self) -> int:
        """Return the sequence of the last metadata message, 0 where there is none."""
        last = await self._ask(lambda: self._js.last_message(self._stream, self._records))
        return 0 if last is None else last.sequence

    async def stream_sequence(self) -> int:
        """Return the sequence of the last message of any kind."""
        info = await self._ask(lambda: self._js.stream_info(self._stream))
        return int(info["state"]["last_seq"])

    async def visit_all(self, visit: Callable[[Entry], None]) -> None:
        """Show every metadata message up to `last_sequence`, outdated ones too, from the leader.

        They come in any order. One that is stored all the while is never left out.
        """
        last = self.last_sequence
        step = max(1, -(-last // SPANS))
        spans = deque((start, min(start + step - 1, last)) for start in range(1, last + 1, step))

        async def walk(span: tuple[int, int]) -> None:
            await self.visit(*span, visit)

        await share_out(spans, walk)

    async def visit(self, first: int, last: int | None, visit: Callable[[Entry], None]) -> int:
        """Show every metadata message between two sequences, from the leader, and return where it ended."""
        while (message := await self._next_record(first)) is not None and (
            last is None or message.sequence <= last
        ):
            if (entry := self._entry(message)) is not None:
                visit(entry)
            first = message.sequence + 1
        return first - 1

    async def _next_record(self, sequence: int) -> Stored | None:
        return await self._ask(lambda: self._js.next_message(self._stream, self._records, sequence))

    async def remove_record(self, subject: str, *, up_to: int) -> None:
        """Remove what a subject holds up to a sequence; what is newer stays."""
        await self._ask(lambda: self._js.purge(self._stream, subject, before=up_to + 1))

    def _entry(self, message: Stored | None) -> Entry | None:
        record = read_record(self.bucket, message)
        if message is None or (record.info is None and record.error is None):
            return None
        return Entry(message.subject, message.time, record)

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask again for as long as the trouble may pass: a restart, a new leader."""
        return await self._js.link.patiently(question)


async def share_out(work: deque[T], do: Callable[[T], Awaitable[None]]) -> None:
    """Do all of it, some at once; the first error ends it."""

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
