"""Every record of a bucket, once: the one implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from natsobj.adr20 import names
from natsobj.stream.marks import Marks
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
    given = Marks()
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
