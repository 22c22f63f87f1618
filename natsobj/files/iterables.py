"""Iterables of bytes as sources: what a program makes as it goes, of unknown size, once."""

from __future__ import annotations

import inspect
import io
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Protocol

from natsobj.arguments import as_bytes
from natsobj.files.pipes import PipeSource

__all__ = ["AsyncIterableSource", "AsyncReadable", "IterableSource", "read_blocks"]

_BLOCK_SIZE = 256 * 1024
_ITEM = "each item of data"


class IterableSource(PipeSource):
    """An iterable, iterated in a thread of its own, for its next item may take as long as it likes.

    What it raises comes out of `read` as it is. An iterator that can be closed (a generator) is closed at the
    end, in its thread.
    """

    def __init__(self, items: Iterable[bytes], name: str = "an iterable") -> None:
        super().__init__(lambda: -1, name)
        self._items = items
        self._iterator: Iterator[bytes] | None = None
        self._item = memoryview(b"")

    def _run(self) -> None:
        super()._run()
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()

    def _read_block(self, _descriptor: int, /) -> bytes:
        try:
            if self._iterator is None:
                self._iterator = iter(self._items)
            while not self._item:
                self._item = memoryview(as_bytes(next(self._iterator), _ITEM))
        except StopIteration:
            return b""
        except BaseException as e:  # noqa: BLE001  # it is raised where the result is awaited
            self._error = e
            return b""
        block, self._item = bytes(self._item[:_BLOCK_SIZE]), self._item[_BLOCK_SIZE:]
        return block


class AsyncIterableSource:
    """An asynchronous iterable, iterated in the task that reads."""

    size: int | None = None

    def __init__(self, items: AsyncIterable[bytes], name: str = "an iterable") -> None:
        self.name = name
        self._items = items
        self._iterator: AsyncIterator[bytes] | None = None
        self._rest: deque[memoryview] = deque()
        self._have = 0
        self._ended = False

    async def read(self, size: int, /) -> bytes:
        if self._iterator is None:
            self._iterator = aiter(self._items)
        while self._have < size and not self._ended:
            try:
                item = as_bytes(await anext(self._iterator), _ITEM)
            except StopAsyncIteration:
                self._ended = True
            else:
                self._rest.append(memoryview(item))
                self._have += len(item)
        return self._take(size)

    def restart(self) -> None:
        raise io.UnsupportedOperation(f"{self.name} can be read only once")

    def check(self) -> None:
        """An iterable cannot change while it is read."""

    async def aclose(self) -> None:
        """Let an asynchronous generator clean up."""
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            await close()

    def _take(self, size: int) -> bytes:
        parts: list[memoryview] = []
        missing = min(size, self._have)
        self._have -= missing
        while missing:
            part = self._rest.popleft()
            if len(part) > missing:
                self._rest.appendleft(part[missing:])
                part = part[:missing]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


class AsyncReadable(Protocol):
    """Anything binary that is read with `await`, as asyncio and aiofiles have it."""

    async def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


async def read_blocks(file: AsyncReadable) -> AsyncGenerator[bytes, None]:
    """Iterate over the content of an asynchronous file."""
    while block := await file.read(_BLOCK_SIZE):
        yield block


def is_async_file(data: object) -> bool:
    """Return whether something is read with `await`."""
    return inspect.iscoroutinefunction(getattr(data, "read", None))
