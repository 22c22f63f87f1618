"""Every record of a bucket, once: the one implementation."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import AsyncGenerator
from contextlib import aclosing

from natsobj.adr20 import names
from natsobj.stream.record import Record, read_record
from natsobj.stream.stream import BucketStream

__all__ = ["every_record"]


async def every_record(stream: BucketStream) -> AsyncGenerator[Record, None]:
    """Iterate over the records, one a subject, unreadable ones and tombstones included.

    The order is that of their last change, oldest first; those come last that only the leader knew, for any
    replica answers the rest. What changes meanwhile is given once, as it was or as it is. Where a subject
    holds several, for some clients write without rollup, the last one counts.
    """
    everything = names.metadata_filter("*")
    info, number = await asyncio.gather(
        stream.info(count=everything),
        stream.patiently(lambda: stream.js.matching(stream.name, everything)),
    )
    subjects, last = info.get("total", 0), info["state"]["last_seq"]
    pattern = names.metadata_filter(await stream.root())
    repeated = {} if number == subjects else await stream.counts(pattern, least=2)
    given = _Given()
    async with aclosing(stream.direct(pattern)) as messages:
        async for message in messages:
            if message.sequence > last:  # it has changed meanwhile: perhaps it was given already
                if message.subject in given:
                    continue
            elif repeated.get(message.subject, 0) > 1:
                repeated[message.subject] -= 1
                continue
            given.add(message.subject)
            record = read_record(stream.bucket, message)
            if not record.is_nothing:
                yield record
    if len(given) < subjects:
        for subject in await stream.counts(pattern):
            if subject not in given and not (record := await stream.read(subject)).is_nothing:
                yield record


class _Given:
    """Subjects by their hashes: eight bytes each, where a set would take ten times that."""

    def __init__(self) -> None:
        self._marks = array("q")
        self._sorted = 0
        """How many of the marks, the first ones, are in order."""
        self._late: set[int] = set()

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, subject: str) -> None:
        self._marks.append(hash(subject))
        if self._sorted:
            self._late.add(hash(subject))

    def __contains__(self, subject: str) -> bool:
        if not self._sorted:
            self._marks = array("q", sorted(self._marks))
            self._sorted = len(self._marks)
        mark = hash(subject)
        at = bisect_left(self._marks, mark, 0, self._sorted)
        return mark in self._late or (at < self._sorted and self._marks[at] == mark)
