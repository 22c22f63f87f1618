"""A byte range of an object: which chunks it lies in, and what to leave out of them.

Where all chunks but the last have one size, the range's first one is known by its number. Its place in the
stream is guessed, and a consumer that is made there says how many chunks follow, which tells its number: no
byte is moved for that. Where no consumer is to be had, chunks themselves show the way.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from natsobj.errors import PermissionDenied, SizeMismatch
from natsobj.files import Sink
from natsobj.jetstream import NoConsumer
from natsobj.models import ObjectInfo
from natsobj.objects.download import Run
from natsobj.stream import BucketStream

__all__ = ["Cut", "find_run"]


class _Chunk(NamedTuple):
    """One stored chunk: its number, its stream sequence, its bytes."""

    number: int
    sequence: int
    size: int


class Cut:
    """A sink that passes on a byte range of what it is given."""

    def __init__(self, sink: Sink, skip: int, length: int) -> None:
        self._sink = sink
        self._skip = skip
        self._left = length

    @property
    def missing(self) -> int:
        """Bytes of the range that have not come."""
        return self._left

    def write(self, view: memoryview, /) -> None:
        """Take a chunk, and pass on what is wanted of it."""
        wanted = view[self._skip : self._skip + self._left]
        self._skip = max(0, self._skip - len(view))
        self._left -= len(wanted)
        if wanted:
            self._sink.write(wanted)

    async def drain(self) -> None:
        """Wait until more may be written."""
        await self._sink.drain()

    def restart(self) -> None:
        """Forget what was written; a new range begins then."""
        self._sink.restart()


async def find_run(
    stream: BucketStream, info: ObjectInfo, *, subject: str, offset: int, length: int
) -> tuple[Run, int]:
    """Find the chunks of a byte range that is not empty, and how many bytes to skip in the first.

    If chunks have other sizes than the metadata says, if some are missing, or if it is unknown how many
    follow one, all chunks from the start are read: the download then finds out what is wrong.

    Raises:
        SizeMismatch: the chunks are of many sizes.
    """
    size = info.chunk_size or 0
    if size <= 0 or info.chunks != -(-info.size // size):
        return Run(0, info.chunks, 0), offset
    wanted = _Wanted(stream, info, subject, offset // size, (offset + length - 1) // size, size)
    try:
        return await _find_unread(wanted), offset - wanted.first * size
    except _NotEven:
        return Run(0, info.chunks, 0), offset
    except (NoConsumer, PermissionDenied):
        return await _find_by_chunks(wanted, offset)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Chunks by their numbers, of an object whose chunks should be of one size."""

    stream: BucketStream
    info: ObjectInfo
    subject: str
    first: int
    last: int
    size: int

    @property
    def rest(self) -> int:
        """Bytes of the last chunk, provided that all others are full."""
        return self.info.size - (self.info.chunks - 1) * self.size


class _NotEven(Exception):
    """The chunks are not of the size that the metadata names."""


# By consumers


async def _find_unread(wanted: _Wanted) -> Run:
    """Find chunks by asking consumers for their headers only.

    Raises:
        NoConsumer: the server makes none for us.
        PermissionDenied: likewise.
        _NotEven: the last chunk is not what is left behind full ones, or some are gone.
    """
    stream, info, subject, first = wanted.stream, wanted.info, wanted.subject, wanted.first
    guess = max(1, info.revision - info.chunks + first) if first else 0  # the record follows the last chunk
    stored, tail, number = await asyncio.gather(
        stream.count(subject), _last_size(stream, subject), _number(wanted, guess) if first else _zero()
    )
    if stored < info.chunks or tail != wanted.rest:
        raise _NotEven  # else no chunk before it can be short
    low, high = (1, 0), (max(guess, info.revision), info.chunks)
    probes = 0
    while number != first:
        low, high = ((guess, number), high) if number < first else (low, (guess, number))
        if high[0] - low[0] <= 1:
            raise _NotEven
        share = (first - low[1]) / max(1, high[1] - low[1]) if probes % 2 == 0 else 0.5
        guess = min(high[0] - 1, max(low[0] + 1, low[0] + int((high[0] - low[0]) * share)))
        number, probes = await _number(wanted, guess), probes + 1
    return Run(first, wanted.last + 1, max(0, guess - 1))


async def _zero() -> int:
    return 0


async def _number(wanted: _Wanted, sequence: int) -> int:
    """Return the number of the first chunk at or after a stream sequence."""
    stream = wanted.stream
    return wanted.info.chunks - await stream.js.pending(stream.name, wanted.subject, begin=sequence)


async def _last_size(stream: BucketStream, subject: str) -> int | None:
    """Return the bytes of the last chunk; None if that is unknown."""
    js = stream.js
    sizes: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    def take(_subject: str, _reply: str, headers: Mapping[str, str], _payload: memoryview) -> None:
        size = headers.get("Nats-Msg-Size", "")
        if not sizes.done():
            sizes.set_result(int(size) if size.isdigit() else None)

    async with (
        js.consumer(stream.name, subject, begin="last", headers_only=True) as consumer,
        js.connection.subscribe(take) as inbox,
    ):
        await js.connection.publish(consumer.next_subject, b'{"batch":1,"no_wait":true}', reply=inbox)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(stream.timeout):
                return await sizes
    return None


# By chunks


async def _find_by_chunks(wanted: _Wanted, offset: int) -> tuple[Run, int]:
    """Find chunks by fetching a few others as waypoints."""
    stream, info, subject = wanted.stream, wanted.info, wanted.subject
    first, last, size, whole = wanted.first, wanted.last, wanted.size, Run(0, info.chunks, 0)
    newest = await stream.last(subject)
    if newest is None or len(newest.data) != wanted.rest:
        return whole, offset  # with a full rest before it, no other chunk can be short
    if first == 0:
        return Run(0, last + 1, 0), offset
    high = _Chunk(info.chunks - 1, newest.sequence, len(newest.data))
    low = await _probe(stream, info, subject, 1)
    if low is None or low.size != size or low.number != 0:
        return whole, offset
    found = await _search(stream, info, subject, low=low, high=high, number=first)
    if found is None:
        return whole, offset
    if found.size != min(size, info.size - first * size):
        raise SizeMismatch(info.bucket, info.name, expected=size, stored=found.size)
    return Run(first, last + 1, found.sequence - 1), offset - first * size


async def _search(
    stream: BucketStream, info: ObjectInfo, subject: str, *, low: _Chunk, high: _Chunk, number: int
) -> _Chunk | None:
    """Search for a chunk by its number: first where it is if nothing else was stored in between."""
    if number == high.number:
        return high
    guess, halve = low.sequence + number - low.number, False
    while high.number - low.number > 1:
        found = await _probe(stream, info, subject, min(guess, high.sequence - 1))
        if found is None or found.number == number:
            return found
        low, high = (found, high) if found.number < number else (low, found)
        share = (number - low.number) / (high.number - low.number)
        guess = low.sequence + max(1, int((high.sequence - low.sequence) * (0.5 if halve else share)))
        halve = not halve
    return None


async def _probe(stream: BucketStream, info: ObjectInfo, subject: str, sequence: int) -> _Chunk | None:
    """Return the chunk at or after a stream sequence; None if its number cannot be told."""
    messages = stream.direct(subject, sequence=sequence, most=1)
    async with contextlib.aclosing(messages):
        async for message in messages:
            if message.pending is None:
                return None
            return _Chunk(info.chunks - 1 - message.pending, message.sequence, len(message.data))
    return None
