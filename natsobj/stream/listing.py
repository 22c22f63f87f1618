"""Every record of a bucket, each once. All listings use this."""

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

LONG = 10_000
"""From this many records on a consumer reads them.

It costs the server a third of Direct Get at twice as many, and a tenth at a million.
"""

_SLOW_TO_COUNT = 50_000
"""From this many on the leader may need seconds to count their subjects."""


async def every_record(stream: BucketStream) -> AsyncGenerator[Record, None]:
    """Iterate over the records, one for each subject, including tombstones and unreadable ones.

    They come in the order of their last change, oldest first. Any replica may answer, so records that only
    the leader knows come at the end. A record that changes meanwhile is yielded once, as it was or as it is.
    If a subject has several records (some clients write without rollup), the last one counts.
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
    """Yield one message of each subject, and ask the leader for the number of subjects to see if all came.

    Args:
        number: of messages, as Direct Get said; None if unknown.
        last: messages after this sequence are new, and their subjects may have been yielded already.
    """
    given, repeated = Marks(), None
    source = stream.many(pattern) if number and number >= LONG else stream.direct(pattern)
    slowly = number is not None and number >= _SLOW_TO_COUNT
    counting = asyncio.ensure_future(stream.subjects(pattern, many=slowly))
    try:
        async with aclosing(source) as messages:
            async for message in messages:
                if repeated is None:
                    repeated = {} if number == await counting else await stream.counts(pattern, least=2)
                if message.sequence > last:
                    if message.subject in given:
                        continue
                elif repeated and repeated.get(message.subject, 0) > 1:
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
