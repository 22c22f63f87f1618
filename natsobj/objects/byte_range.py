"""A byte range of an object: which chunks it lies in, and what to leave out of them."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from natsobj.errors import ChunksMissing, SizeMismatch
from natsobj.files import Sink
from natsobj.models import ObjectInfo
from natsobj.objects.download import Run
from natsobj.stream import BucketStream

__all__ = ["Cut", "find_run"]


class _Chunk(NamedTuple):
    """One stored chunk: its number, its place in the stream, its bytes."""

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

    No chunk before the range is fetched but a few that show the way. Where the chunks are not all of the size
    that the metadata names, or nobody says how many follow one, the range is counted from the start.

    Raises:
        ChunksMissing: the first chunk is not the first.
        SizeMismatch: the chunks are of many sizes.
    """
    size = info.chunk_size or 0
    whole = Run(0, info.chunks, 0)
    if size <= 0 or info.chunks != -(-info.size // size):
        return whole, offset
    newest = await stream.last(subject)
    if newest is None or len(newest.data) != info.size - (info.chunks - 1) * size:
        return whole, offset  # with a full rest before it, no other chunk can be short
    first, last = offset // size, (offset + length - 1) // size
    if first == 0:
        return Run(0, last + 1, 0), offset
    high = _Chunk(info.chunks - 1, newest.sequence, len(newest.data))
    low = await _probe(stream, info, subject, 1)
    if low is None or low.size != size:
        return whole, offset
    if low.number != 0:
        raise ChunksMissing(info.bucket, info.name, expected=info.chunks, stored=info.chunks - low.number)
    found = await _search(stream, info, subject, low=low, high=high, number=first)
    if found is None:
        return whole, offset
    if found.size != min(size, info.size - first * size):
        raise SizeMismatch(info.bucket, info.name, expected=size, stored=found.size)
    return Run(first, last + 1, found.sequence - 1), offset - first * size


async def _search(
    stream: BucketStream, info: ObjectInfo, subject: str, *, low: _Chunk, high: _Chunk, number: int
) -> _Chunk | None:
    """Search a chunk by its number: where it is when nothing was stored in between, then in between."""
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
    """Return the chunk at or behind a place in the stream; None where its number cannot be told."""
    messages = stream.direct(subject, sequence=sequence, batch=1)
    async with contextlib.aclosing(messages):
        async for message in messages:
            if message.pending is None:
                return None
            return _Chunk(info.chunks - 1 - message.pending, message.sequence, len(message.data))
    return None
