"""Every record of a bucket, once: the one implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from natsobj.adr20 import names
from natsobj.jetstream import Stored
from natsobj.stream.marks import Marks
from natsobj.stream.record import Record, read_record
from natsobj.stream.stream import BucketStream

__all__ = ["every_record"]

LONG = 50_000
"""Records from which on a consumer reads them, which costs a server a tenth of Direct Get at a million."""


async def every_record(stream: BucketStream) -> AsyncGenerator[Record, None]:
    """Iterate over the records, one a subject, unreadable ones and tombstones included.

    The order is that of their last change, oldest first; those come last that only the leader knew, for any
    replica answers the rest. What changes meanwhile is given once, as it was or as it is. Where a subject
    holds several, for some clients write without rollup, the last one counts.
    """
    everything = names.metadata_filter("*")
    info, number = await asyncio.gather(
        stream.info(), stream.patiently(lambda: stream.js.matching(stream.name, everything))
    )
    last, pattern = info["state"]["last_seq"], names.metadata_filter(await stream.root())
    async with aclosing(_each_once(stream, pattern, number, last)) as messages:
        async for message in messages:
            record = read_record(stream.bucket, message)
            if not record.is_nothing:
                yield record


async def _each_once(
    stream: BucketStream, pattern: str, number: int | None, last: int
) -> AsyncGenerator[Stored, None]:
    """Give one message of each subject, and see by how many the leader knows whether those are all.

    Args:
        number: of messages; None if Direct Get does not tell.
        last: the sequence behind which everything has changed meanwhile, and perhaps was given already.
    """
    given, repeated, many = Marks(), None, number is not None and number >= LONG
    source = stream.many(pattern) if many else stream.direct(pattern)
    counting = asyncio.ensure_future(stream.subjects(pattern, many=many))
    try:
        async with aclosing(source) as messages:
            async for message in messages:
                if repeated is None:
                    repeated = {} if number == await counting else await stream.counts(pattern, least=2)
                if message.sequence > last:
                    if message.subject in given:
                        continue
                elif repeated.get(message.subject, 0) > 1:
                    repeated[message.subject] -= 1
                    continue
                given.add(message.subject)
                yield message
        if len(given) < await counting:
            async with aclosing(stream.subject_pages(pattern)) as pages:
                async for page in pages:
                    for subject, _ in page:
                        if subject not in given and (found := await stream.last(subject)) is not None:
                            yield found
    finally:
        counting.cancel()
