"""Where a key's record lies: the one place that decides which record is whose."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress

from natsobj.adr20 import names
from natsobj.errors import NatsobjError, ObjectNotFound
from natsobj.stream.listing import every_record
from natsobj.stream.record import Found, Record
from natsobj.stream.stream import BucketStream

__all__ = ["find"]

SEARCHED = 10_000
"""The most names that a search reads."""

SEARCH_TIME = 1.0
"""The most seconds that a search takes."""


async def find(stream: BucketStream, key: str, *, thorough: bool = False, search: bool = False) -> Found:
    """Find the record of a key wherever a client may have put it (`names.key_subjects`).

    A record counts only if its own name is the key. One that is found under a foreign subject is replaced and
    deleted there; one that cannot be read there is nobody's.

    Args:
        thorough: look everywhere even if the key's own subject has it, for a change that must leave no other
            record of the key.
        search: if it is nowhere there, look through the first names of the bucket as well.

    Raises:
        InvalidKey: there can be no such key.
        ObjectNotFound: after a search; its `names` are those that were read.
    """
    names.check_key(key)
    root = stream.likely_root
    own, *foreign = names.key_subjects(root, key)
    if thorough:
        record, elsewhere = await asyncio.gather(stream.read(own), _read_all(stream, foreign))
    else:
        record = await stream.read(own)
        if record.holds(key):
            stream.root_is(root)
            return Found(record)
        if (known := await stream.root()) != root:
            own, *foreign = names.key_subjects(known, key)
            record = await stream.read(own)
        elsewhere = await _read_all(stream, foreign)
    found = _choose(key, record, elsewhere)
    if search and not found.record.holds(key) and found.record.error is None:
        return Found(await _search(stream, key))
    return found


def _choose(key: str, own: Record, foreign: Sequence[Record]) -> Found:
    """Decide which of the records under a key's subjects are the key's, and which of them counts.

    Its own subject's, if that has it; else the newest. An unreadable one under its own subject stands for the
    key only where no other does.
    """
    mine = sorted((each for each in foreign if each.holds(key)), key=lambda each: each.sequence, reverse=True)
    nobodys = tuple(each for each in (own, *foreign) if each.error is not None and each.name == key)
    if not mine or own.holds(key):
        return Found(own, tuple(mine), nobodys)
    return Found(mine[0], tuple(mine[1:]), nobodys)


async def _read_all(stream: BucketStream, subjects: Sequence[str]) -> list[Record]:
    """Read the records under several subjects: one request for all, then the leader for those that exist."""
    if not subjects:
        return []
    there = await stream.patiently(lambda: stream.js.last_messages(stream.name, subjects))
    wanted = subjects if there is None else [message.subject for message in there]
    return await asyncio.gather(*(stream.read(subject) for subject in wanted))


async def _search(stream: BucketStream, key: str) -> Record:
    """Search the bucket for a record of that name under a subject that no client of today uses."""
    read: list[str] = []
    with suppress(NatsobjError, TimeoutError):  # then it counts as not found
        async with asyncio.timeout(SEARCH_TIME), aclosing(every_record(stream)) as records:
            async for record in records:
                if record.name == key and not record.deleted:
                    return await stream.read(record.subject)
                if not record.deleted:
                    read.append(record.name)
                if len(read) >= SEARCHED:
                    break
    raise ObjectNotFound(stream.bucket, key, names=tuple(read))
