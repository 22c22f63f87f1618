"""Remove chunks that no object refers to, and tombstones.

Removing chunks cannot be undone. These are the rules that keep it safe:

- Chunks are counted first and records are read afterwards. So the record of any upload that was complete
  when its chunks were counted is seen.
- A nuid is as old as its newest chunk. Both times are the server's: now, and when the chunk was stored.
- Before the first removal every record is read from the leader. A replica that lags, or a mirror that
  answers for the stream and has only a part of it, cannot hide an object.
- A record that cannot be read protects every nuid that occurs in it.
- The removal is a conditional publish: the leader removes the chunks only if nothing was written to the
  stream since the last look, in one step. So an upload that is committed or goes on in between makes the
  removal fail. In a bucket that is written to all the time the condition is weaker: no record was written. A
  stream with replicas cannot guarantee that one, so there the chunks stay for another run.
- A tombstone is removed up to its own sequence: whatever was stored under the key meanwhile stays.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from natsobj.bucket import Bucket
from natsobj.checks.census import Census, in_order, share_out
from natsobj.errors import ChunksMissing
from natsobj.files.spool import Sorted, Spool
from natsobj.jetstream.codes import BUSY, FULL, WRONG_SEQUENCE
from natsobj.jetstream.direct import Stored
from natsobj.models import Orphan, Tombstone
from natsobj.stream import Record
from natsobj.stream.marks import Counts, Unstruck

__all__ = ["remove_orphans"]

log = logging.getLogger(__name__)

TRIES = 40
"""Attempts to remove one nuid while others write to the bucket."""

TRIES_FOR_SILENCE = 10
"""The first attempts, whose condition is that nothing at all was written."""

_LONGEST_PAUSE = 0.05  # seconds, at random, so that two runs at once do not block each other for ever


class _Candidate(NamedTuple):
    orphan: Orphan
    sequence: int
    """Of the newest chunk."""


class _Dead(NamedTuple):
    """A tombstone, or a record that cannot be read."""

    subject: str
    sequence: int
    name: str
    age: timedelta
    unreadable: bool


async def remove_orphans(
    bucket: Bucket,
    *,
    older_than: timedelta,
    tombstones: bool = False,
    unreadable: bool = False,
    dry_run: bool = False,
) -> AsyncGenerator[Orphan | Tombstone, None]:
    """Remove what no object refers to, and yield it. Orphans that are too young are yielded too, but stay.

    Broken objects are logged as warnings. An `older_than` of 0 also removes the chunks of uploads that are
    still running.

    Args:
        older_than: remove nothing that is younger.
        tombstones: remove the records of deleted objects, too.
        unreadable: remove records that cannot be read, too. Chunks that they may name go in the next run.
        dry_run: remove nothing.

    Raises:
        RefusedError: the bucket is sealed or a mirror.
    """
    census = await Census.begin(bucket.stream)
    census.check_writable()
    sweep = _Sweep(census, await census.counts())
    with Spool(attrgetter("subject")) as dead, Sorted(_nuid, attrgetter("sequence")) as candidates:
        await sweep.look_through(dead, older_than, tombstones=tombstones, unreadable=unreadable)
        if await sweep.find_candidates(candidates, older_than):
            await sweep.look_closely()
        for candidate in candidates:
            if (orphan := await sweep.remove_orphan(candidate, dry_run=dry_run)) is not None:
                yield orphan
        remove = partial(_remove_dead, census, dry_run=dry_run)
        async with aclosing(in_order(dead, remove)) as tombstones_removed:
            async for tombstone in tombstones_removed:
                if tombstone is not None:
                    yield tombstone


def _nuid(candidate: _Candidate) -> str:
    return candidate.orphan.nuid


async def _remove_dead(census: Census, dead: _Dead, *, dry_run: bool) -> Tombstone | None:
    """Remove a tombstone or an unreadable record, unless it has been replaced."""
    current = await census.record(dead.subject)
    if current is None or current.sequence != dead.sequence or not _literal(dead.subject):
        return None
    if not dry_run:
        await census.remove_record(dead.subject, up_to=dead.sequence)
    return Tombstone(dead.name, dead.age, removed=not dry_run, unreadable=dead.unreadable)


def _literal(subject: str) -> bool:
    """Return whether a subject has no wildcards: as a filter, it would match others as well."""
    return {"*", ">"}.isdisjoint(subject.split("."))


class _Sweep:
    """One run: the chunks of the bucket, less those that a record names."""

    def __init__(self, census: Census, chunks: Counts) -> None:
        self._census = census
        self._chunks = chunks
        self._unclaimed = Unstruck(chunks)
        self._seen = census.last_sequence
        """Once `look_closely` is done, all records up to this sequence were read from the leader."""
        self._last = census.last_sequence
        """The stream's last sequence when the latest look began."""

    # Looking

    async def look_through(
        self, dead: Spool[_Dead], older_than: timedelta, *, tombstones: bool, unreadable: bool
    ) -> None:
        """Read the records the fast way, log which objects are broken, and note the records to remove."""
        async with aclosing(self._census.records()) as records:
            async for record in records:
                await self._check(record)
                self._visit(record)
                wanted = (tombstones and record.deleted) or (unreadable and record.error is not None)
                if wanted and (age := self._census.age(record.time)) >= older_than:
                    unread = record.error is not None
                    dead.add(_Dead(record.subject, record.sequence, record.name, age, unread))

    async def find_candidates(self, found: Sorted[_Candidate], older_than: timedelta) -> bool:
        """Note possible orphans with their ages; return whether any is old enough."""
        old = False

        async def look(nuid: str) -> None:
            nonlocal old
            if not _literal(nuid):
                log.warning("chunks under a subject with wildcards stay: %s/%s", self._census.bucket, nuid)
            elif (newest := await self._census.newest_chunk(nuid)) is not None and not newest.marker:
                age = self._census.age(newest.time)
                orphan = Orphan(nuid, self._chunks.get(nuid, 0), age, young=age < older_than)
                found.add(_Candidate(orphan, newest.sequence))
                old = old or not orphan.young

        if len(self._unclaimed):
            async with aclosing(self._census.chunk_pages()) as pages:
                async for page in pages:
                    await share_out(deque(nuid for nuid, _ in page if nuid in self._unclaimed), look)
        return old

    async def look_closely(self) -> None:
        """Read every record from the leader.

        Of several on one subject the last counts, or all of them if it is unreadable.
        """
        newest: dict[str, Record | None] = dict.fromkeys(await self._census.repeated())

        def visit(record: Record) -> None:
            if record.subject not in newest:
                self._visit(record)
            elif (known := newest[record.subject]) is None or record.sequence > known.sequence:
                newest[record.subject] = record.without_data()

        await self._census.visit_all(visit)
        unreadable = {each.subject for each in newest.values() if each is not None and each.error is not None}
        for record in filter(None, newest.values()):
            if record.error is None:
                self._visit(record)
        if unreadable:  # what was there before may be what counts
            await self._census.visit_all(
                lambda each: self._visit(each) if each.subject in unreadable else None
            )
        await self._look()

    async def _look(self) -> None:
        """Read the records that were written since the last look."""
        self._last = await self._census.stream_sequence()
        self._seen = await self._census.visit(self._seen + 1, None, self._visit)

    def _visit(self, record: Record) -> None:
        """Strike the nuid that a record names; an unreadable one may name every nuid that occurs in it."""
        if record.error is not None:
            for nuid in record.may_name(self._unclaimed):
                self._unclaimed.strike(nuid)
        elif record.live is not None and record.live.nuid is not None:
            self._unclaimed.strike(record.live.nuid)

    async def _check(self, record: Record) -> None:
        """Log what is wrong with an object, as far as its record and the chunk counts tell."""
        info, bucket = record.live, self._census.bucket
        if record.error is not None:
            log.warning("%s", record.error)
        if info is None or info.nuid is None:
            return
        if info.nuid in self._chunks and info.nuid not in self._unclaimed:
            log.warning("broken: %s/%s: another object has the same chunks", bucket, info.name)
        if self._chunks.get(info.nuid, 0) != info.chunks:
            stored = await self._census.count_of(info)
            current = await self._census.record(record.subject)
            if stored != info.chunks and current is not None and current.sequence == record.sequence:
                missing = ChunksMissing(bucket, info.name, expected=info.chunks, stored=stored)
                log.warning("%s", missing)

    # Removing

    async def remove_orphan(self, candidate: _Candidate, *, dry_run: bool) -> Orphan | None:
        """Remove an orphan unless it is too young; None if it is not an orphan after all."""
        orphan = candidate.orphan
        if not self._is_unclaimed(orphan.nuid):
            return None
        if orphan.young or dry_run:
            return orphan
        removed = await self._remove(orphan.nuid, candidate.sequence)
        return None if removed is None else replace(orphan, removed=removed)

    def _is_unclaimed(self, nuid: str) -> bool:
        return nuid in self._unclaimed

    async def _remove(self, nuid: str, sequence: int) -> bool | None:
        """Remove the chunks of a nuid, up to the one at `sequence`, provided that no record names them.

        Returns:
            None if they are gone already, were committed, or more of them have arrived; False if the bucket
            was too busy to tell.
        """
        for attempt in range(TRIES):
            newest = await self._census.newest_chunk(nuid)
            if newest is None or not self._is_unclaimed(nuid):
                return None
            if newest.sequence != sequence:
                return await self._remove_remains(nuid, newest)
            condition = await self._condition(attempt)
            ack = await self._census.replace_chunks(nuid, condition) if condition is not None else None
            if ack is not None and ack.code == 0 and self._census.is_our_stream(ack):
                self._last = ack.sequence
                await self._census.remove_chunks(nuid, up_to=ack.sequence)
                return True
            await self._look()
            if ack is not None and ack.code in FULL:
                return await self._remove_in_full_bucket(nuid, sequence)
            if ack is not None and ack.code and ack.code not in WRONG_SEQUENCE | BUSY:
                raise self._census.refused(ack)
            await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))
        log.warning(
            "%s is written to all the time, chunks stay for another run: %s", self._census.bucket, nuid
        )
        return False

    async def _condition(self, attempt: int) -> Mapping[str, str] | None:
        """Return the headers that make a removal fail if something was written since the latest look."""
        if attempt < TRIES_FOR_SILENCE or self._census.replicated:
            return {"Nats-Expected-Last-Sequence": str(self._last)}
        last = await self._census.last_record_sequence()
        return self._census.no_record_since(last) if last <= self._seen else None

    async def _remove_remains(self, nuid: str, newest: Stored) -> bool | None:
        """Finish a removal whose answer was lost, if its empty message is all that is stored."""
        if newest.data or await self._census.count(nuid) != 1:
            return None
        await self._census.remove_chunks(nuid, up_to=newest.sequence)
        return True

    async def _remove_in_full_bucket(self, nuid: str, sequence: int) -> bool | None:
        """Remove without a condition, because the bucket has no room even for an empty message.

        A record is larger, so no upload can be committed before this has made room.
        """
        if not self._is_unclaimed(nuid):
            return None
        await self._census.remove_chunks(nuid, up_to=sequence)
        return True
