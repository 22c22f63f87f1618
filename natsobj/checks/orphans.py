"""Remove chunks that no object refers to, and tombstones.

It takes chunks away for good, so this is what it goes by:

- The chunks are counted first and the records are read afterwards: what was committed before is seen.
- A nuid is as old as its newest chunk, by the clock of the server, which has dated the chunks as well.
- Before the first removal every record is read from the leader. A replica that lags, or a mirror that
  answers for the stream and keeps only a part of it, cannot make an object look like nobody's.
- A record that cannot be read protects every nuid that occurs in it.
- The removal itself is a publish on the condition that nothing was written to the stream since the last
  look, and the leader checks and removes in one step. An upload that is committed, or goes on, between the
  look and the removal makes the removal fail. Where something is written all the time the condition is that
  no record was; a stream with replicas cannot promise that, and there the chunks stay for another run.
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
"""How often the removal of one nuid is tried while others write to the bucket."""

TRIES_FOR_SILENCE = 10
"""Tries, the first ones, that ask for a moment in which nothing at all is written."""

_LONGEST_PAUSE = 0.05  # seconds, at random: two of us must not get in each other's way for ever


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
    """Remove what nobody refers to, and give it; orphans that are too young are given as well, and stay.

    Records that are broken are logged as warnings. With an `older_than` of 0 the chunks of uploads that are
    under way are taken, too.

    Args:
        older_than: nothing younger is removed.
        tombstones: the records of deleted objects as well.
        unreadable: records that cannot be read as well; what they may name goes in the next run.
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
    """Remove a tombstone or what cannot be read, unless something else is there by now."""
    current = await census.record(dead.subject)
    if current is None or current.sequence != dead.sequence or not _literal(dead.subject):
        return None
    if not dry_run:
        await census.remove_record(dead.subject, up_to=dead.sequence)
    return Tombstone(dead.name, dead.age, removed=not dry_run, unreadable=dead.unreadable)


def _literal(subject: str) -> bool:
    """Say whether a subject means only itself: as a filter, one with wildcards would take others along."""
    return {"*", ">"}.isdisjoint(subject.split("."))


class _Sweep:
    """The chunks that no record has been seen to name so far."""

    def __init__(self, census: Census, chunks: Counts) -> None:
        self._census = census
        self._chunks = chunks
        self._unclaimed = Unstruck(chunks)
        self._seen = census.last_sequence
        """Up to this sequence the leader has shown all records, once `look_closely` is done."""
        self._last = census.last_sequence
        """The stream's last message when the latest look began."""

    # Looking

    async def look_through(
        self, dead: Spool[_Dead], older_than: timedelta, *, tombstones: bool, unreadable: bool
    ) -> None:
        """Read the records as fast as can be, say which are broken, and note those to remove."""
        async with aclosing(self._census.records()) as records:
            async for record in records:
                await self._check(record)
                self._visit(record)
                wanted = (tombstones and record.deleted) or (unreadable and record.error is not None)
                if wanted and (age := self._census.age(record.time)) >= older_than:
                    unread = record.error is not None
                    dead.add(_Dead(record.subject, record.sequence, record.name, age, unread))

    async def find_candidates(self, found: Sorted[_Candidate], older_than: timedelta) -> bool:
        """Note what may be orphans with their ages, and say whether any is old enough."""
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
        """Let the leader show every record. Of those on one subject the last counts, if it can be read."""
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
        """Look at the records that have come since the last look."""
        self._last = await self._census.stream_sequence()
        self._seen = await self._census.visit(self._seen + 1, None, self._visit)

    def _visit(self, record: Record) -> None:
        """Strike what a record names; one that cannot be read may name whatever occurs in it."""
        if record.error is not None:
            for nuid in record.may_name(self._unclaimed):
                self._unclaimed.strike(nuid)
        elif record.live is not None and record.live.nuid is not None:
            self._unclaimed.strike(record.live.nuid)

    async def _check(self, record: Record) -> None:
        """Say what is wrong with an object, as far as it can be seen from here."""
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
        """Remove an orphan unless it is too young; None when it is none."""
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
        """Remove the chunks of a nuid, up to the one at `sequence`, on condition that nobody wants them.

        Returns:
            None when they are gone already, have been committed, or more of them have come; False when the
            bucket was too busy to tell.
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
        """Return the headers that let a removal fail when something has happened since the latest look."""
        if attempt < TRIES_FOR_SILENCE or self._census.replicated:
            return {"Nats-Expected-Last-Sequence": str(self._last)}
        last = await self._census.last_record_sequence()
        return self._census.no_record_since(last) if last <= self._seen else None

    async def _remove_remains(self, nuid: str, newest: Stored) -> bool | None:
        """Finish a removal whose answer was lost: nothing but its empty message is there."""
        if newest.data or await self._census.count(nuid) != 1:
            return None
        await self._census.remove_chunks(nuid, up_to=newest.sequence)
        return True

    async def _remove_in_full_bucket(self, nuid: str, sequence: int) -> bool | None:
        """Remove without a condition where there is no room for the smallest message.

        Nor is there for a record, which is larger: no upload can be committed until this has made room.
        """
        if not self._is_unclaimed(nuid):
            return None
        await self._census.remove_chunks(nuid, up_to=sequence)
        return True
