"""Small sources and sinks for the tests of the library."""

from __future__ import annotations

import asyncio
import io


class Buffer:
    """A sink in memory that can start over."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.restarts = 0

    def write(self, view: memoryview, /) -> None:
        """Keep a chunk."""
        self.data += view

    async def drain(self) -> None:
        """Never wait."""

    def restart(self) -> None:
        """Forget everything."""
        self.data.clear()
        self.restarts += 1


class Gate(Buffer):
    """A sink that lets nothing more through until it is opened; it cannot start over."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def drain(self) -> None:
        """Wait for the gate."""
        self.reached.set()
        await self.opened.wait()

    def restart(self) -> None:
        """Refuse."""
        raise io.UnsupportedOperation("a stream")


class Dripping:
    """A source that gives its parts and then waits until it is told to end."""

    name = "dripping"
    size: int | None = None

    def __init__(self, *parts: bytes, error: Exception | None = None) -> None:
        self._parts = list(parts)
        self._error = error
        self.drained = asyncio.Event()
        self.end = asyncio.Event()

    async def read(self, size: int, /) -> bytes:
        """Return the next part, whatever was asked for."""
        assert size > 0
        if self._parts:
            return self._parts.pop(0)
        self.drained.set()
        if self._error is not None:
            raise self._error
        await self.end.wait()
        return b""

    def restart(self) -> None:
        """Refuse."""
        raise io.UnsupportedOperation("a stream")

    def check(self) -> None:
        """Nothing changes."""
