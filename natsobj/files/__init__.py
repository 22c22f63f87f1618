"""Local bytes: where they come from and go to.

A `Source` is read ahead of the server, a `Sink` is written as chunks arrive. Sources notice a change, files
appear whole or not at all, and what can wait for ever (a pipe, a FIFO, a slow reader) is served by a thread.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["Sink", "Source"]


@runtime_checkable
class Source(Protocol):
    """Bytes to be stored."""

    @property
    def name(self) -> str:
        """Names the source in messages."""

    @property
    def size(self) -> int | None:
        """Total bytes, None if unknown."""

    async def read(self, size: int, /) -> bytes:
        """Return exactly `size` bytes, fewer only at the end, none after it."""

    def restart(self) -> None:
        """Go back to the first byte.

        Raises:
            io.UnsupportedOperation: the source is a stream.
        """

    def check(self) -> None:
        """Return whether what was read is still what is there.

        Raises:
            SourceChanged: the file was written to since it was opened.
        """


@runtime_checkable
class Sink(Protocol):
    """A target for fetched bytes, which arrive in order."""

    def write(self, view: memoryview, /) -> None:
        """Take a chunk; the view is valid during the call only."""

    async def drain(self) -> None:
        """Wait until more may be written."""

    def restart(self) -> None:
        """Forget what was written.

        Raises:
            io.UnsupportedOperation: it cannot be unsent.
        """
