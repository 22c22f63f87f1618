"""A byte range of an object: which chunks it lies in, and what to leave out of them."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from natsobj.errors import ChunksMissing, SizeMismatch
from natsobj.files import Sink
from natsobj.jetstream import JetStream
from natsobj.models import ObjectInfo
from natsobj.objects.download import Part

__all__ = ["Cut", "find_part"]


class _Place(NamedTuple):
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


async def find_part(
    js: JetStream, info: ObjectInfo, *, stream: str, subject: str, offset: int, length: int
) -> tuple[Part, int]:
    """Find the chunks of a byte range that is not empty, and how many bytes to skip in the first.

    No chunk before the range is fetched but a few that show the way. Where the chunks are not all of the size
    that the metadata names, or nobody says how many follow one, the range is counted from the start.

    Raises:
        ChunksMissing: the first chunk is not the first.
        SizeMismatch: the chunks are of many sizes.
    """
    size = info.chunk_size or 0
    whole = Part(0, info.chunks, 0)
    if size <= 0 or info.chunks != -(-info.size // size):
        return whole, offset
    newest = await js.last_message(stream, subject)
    if newest is None or len(newest.data) != info.size - (info.chunks - 1) * size:
        return whole, offset  # with a full rest before it, no other chunk can be short
    first, last = offset // size, (offset + length - 1) // size
    if first == 0:
        return Part(0, last + 1, 0), offset
    high = _Place(info.chunks - 1, newest.sequence, len(newest.data))
    low = await _probe(js, info, stream, subject, 1)
    if low is None or low.size != size:
        return whole, offset
    if low.number != 0:
        raise ChunksMissing(info.bucket, info.name, expected=info.chunks, stored=info.chunks - low.number)
    place = await _find(js, info, stream, subject, low=low, high=high, number=first)
    if place is None:
        return whole, offset
    if place.size != min(size, info.size - first * size):
        raise SizeMismatch(info.bucket, info.name, expected=size, stored=place.size)
    return Part(first, last + 1, place.sequence - 1), offset - first * size


async def _find(
    js: JetStream, info: ObjectInfo, stream: str, subject: str, *, low: _Place, high: _Place, number: int
) -> _Place | None:
    """Search the place of a chunk: where it is when nothing was stored in between, then in between."""
    if number == high.number:
        return high
    guess, halve = low.sequence + number - low.number, False
    while high.number - low.number > 1:
        place = await _probe(js, info, stream, subject, min(guess, high.sequence - 1))
        if place is None or place.number == number:
            return place
        low, high = (place, high) if place.number < number else (low, place)
        share = (number - low.number) / (high.number - low.number)
        guess = low.sequence + max(1, int((high.sequence - low.sequence) * (0.5 if halve else share)))
        halve = not halve
    return None


async def _probe(js: JetStream, info: ObjectInfo, stream: str, subject: str, sequence: int) -> _Place | None:
    """Return the chunk at or behind a place in the stream; None where its number cannot be told."""
    messages = js.direct_messages(stream, subject, sequence=sequence, batch=1)
    async with contextlib.aclosing(messages):
        async for message in messages:
            if message.pending is None:
                return None
            return _Place(info.chunks - 1 - message.pending, message.sequence, len(message.data))
    return None
