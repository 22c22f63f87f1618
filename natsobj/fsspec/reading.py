"""An object open for reading: all ranges are of one version, and sequential reads are fetched ahead."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

from fsspec.asyn import sync
from fsspec.caching import BaseCache
from fsspec.spec import AbstractBufferedFile

from natsobj import Bucket, ObjectInfo
from natsobj.fsspec.errors import pythons
from natsobj.fsspec.tree import file

__all__ = ["ReadFile"]

_LEAST = 512 * 1024
"""Sequential reads fetch at least this many bytes at a time."""

_MOST_AHEAD = 16 * 1024 * 1024
_SHARE = 5
"""At most a fifth of what was read in order so far is fetched ahead, so little is fetched for nothing."""

_FREE = 1024 * 1024
"""The beginning of what is read in order: up to here, that share does not limit what is fetched ahead."""

_LINE_BLOCK = 16 * 1024
"""A line is looked for in blocks of this many bytes, each of which is copied for each line in it."""


class ReadFile(AbstractBufferedFile):
    """One version of an object; once it is replaced, further reads fail."""

    def __init__(
        self,
        fs: Any,
        path: str,
        *,
        block_size: int | str | None = None,
        cache_type: str = "ahead",
        cache_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._bucket, self._object = sync(fs.loop, _open, fs, path)
        kwargs["size"] = self._object.size
        own = cache_type == "ahead"
        super().__init__(
            fs,
            path,
            "rb",
            block_size=block_size or "default",
            cache_type="none" if own else cache_type,
            cache_options=cache_options,
            **kwargs,
        )
        self._details = file(self._object, path)
        if own:
            self.cache = _Ahead(self._begin, self.size, self._object.chunk_size or 1)

    def _begin(self, start: int, stop: int) -> Future[bytes]:
        """Start to fetch a range."""
        fetched = _fetch(self._bucket, self._object, start, stop)
        return asyncio.run_coroutine_threadsafe(fetched, self.fs.loop)

    def readuntil(self, char: bytes = b"\n", blocks: int | None = None) -> bytes:
        """Return everything up to and including the next occurrence of some bytes."""
        return bytes(super().readuntil(char, blocks or _LINE_BLOCK))

    def _fetch_range(self, start: int, stop: int) -> bytes:
        return self._begin(start, stop).result()


class _Span(NamedTuple):
    """Bytes that were fetched, or are on their way."""

    start: int
    stop: int
    content: Future[bytes]

    @property
    def failed(self) -> bool:
        """Whether it must be fetched again."""
        done = self.content.done()
        return done and (self.content.cancelled() or self.content.exception() is not None)


class _Ahead(BaseCache):
    """What was fetched around the last read, and ahead of it.

    Ranges end at the ends of chunks, because the server sends whole chunks. A read after a seek fetches only
    what it asks for. Sequential reads fetch ahead, more and more, several blocks in parallel.
    """

    name = "ahead"

    def __init__(self, begin: Callable[[int, int], Future[bytes]], size: int, chunk: int) -> None:
        self._begin = begin
        self._chunk = chunk
        self._spans: list[_Span] = []
        self._last = (0, 0)
        self._run = 0
        """Bytes that were read in order."""
        self._skipped = 0
        """Bytes of the first chunk before them."""
        super().__init__(max(chunk, 4 * 1024 * 1024), lambda start, stop: begin(start, stop).result(), size)

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        start = start or 0
        stop = self.size if stop is None else min(stop, self.size)
        if start >= stop:
            return b""
        if not self._last[0] <= start <= self._last[1] <= stop:
            self._run, self._skipped = 0, start % self._chunk
        new = max(start, self._last[1]) if self._run else start
        self._drop(lambda span: span.stop > start - self.blocksize and span.start <= stop)
        spans = self._cover(start, stop, self._end(new, stop))
        self._run += stop - new
        self._last = (start, stop)
        self._go_ahead(stop)
        parts = [
            memoryview(span.content.result())[max(0, start - span.start) : stop - span.start]
            for span in spans
        ]
        content = bytes(parts[0]) if len(parts) == 1 else b"".join(parts)
        self._drop(lambda span: span.stop - span.start <= self.blocksize or span.stop > stop)
        return content

    def close(self) -> None:
        """Forget everything."""
        self._drop(lambda _: False)

    def _drop(self, keep: Callable[[_Span], bool]) -> None:
        for span in self._spans:
            if not keep(span):
                span.content.cancel()
        self._spans = [span for span in self._spans if keep(span)]

    def _end(self, new: int, stop: int) -> int:
        """Return the end of what a read is to fetch if bytes that are new to its run are missing."""
        run = self._run + stop - new
        wanted = min(new + max(min(self._run, _LEAST), self._run // _SHARE), stop + self.blocksize)
        allowed = stop + max(_FREE - run, run // _SHARE - self._skipped, 0)
        ahead = min(wanted, allowed)
        return int(self.size) if ahead >= self.size else max(self._aligned(stop), self._whole(ahead))

    def _cover(self, start: int, stop: int, end: int) -> list[_Span]:
        """Find the spans of a range, in order, and start to fetch those that are missing, up to an end."""
        self._spans = [span for span in self._spans if not span.failed]
        found = []
        while start < stop:
            span: _Span | None = next((each for each in self._spans if each.start <= start < each.stop), None)
            if span is None:
                later = [each.start for each in self._spans if each.start > start]
                span = self._fetch_from(start, min([end, *later]))
            found.append(span)
            start = span.stop
        return found

    def _go_ahead(self, stop: int) -> None:
        """Start to fetch blocks after the end of what was asked for."""
        end = stop
        for span in sorted(self._spans):
            if span.start <= end < span.stop:
                end = span.stop
        while end < self.size and end - stop + self.blocksize <= min(_MOST_AHEAD, self._run // _SHARE):
            end = self._fetch_from(end, self._aligned(end + self.blocksize)).stop

    def _fetch_from(self, start: int, stop: int) -> _Span:
        start = self._whole(start)
        span = _Span(start, stop, self._begin(start, stop))
        self._spans.append(span)
        self.total_requested_bytes += stop - start
        return span

    def _whole(self, position: int) -> int:
        return position // self._chunk * self._chunk

    def _aligned(self, position: int) -> int:
        return min(int(self.size), -(-position // self._chunk) * self._chunk)


class _Part:
    """A sink that keeps one range, and refuses to start over with another version."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, view: memoryview, /) -> None:
        self.content += view

    async def drain(self) -> None:
        """Return at once: memory never blocks."""

    def restart(self) -> None:
        raise io.UnsupportedOperation("ranges of two versions do not fit together")


async def _open(fs: Any, path: str) -> tuple[Bucket, ObjectInfo]:
    async with fs.at(path) as (bucket, key):
        return bucket, await fs.readable(bucket, key)


async def _fetch(bucket: Bucket, info: ObjectInfo, start: int, stop: int) -> bytes:
    part = _Part()
    whole = start == 0 and stop >= info.size
    with pythons():
        await bucket.get(info, part, offset=start, length=None if whole else stop - start)
    return bytes(part.content)
