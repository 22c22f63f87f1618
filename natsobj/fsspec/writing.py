"""An object open for writing: it is sent while it is written, and appears whole at the end or not at all."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any, cast

from fsspec.asyn import sync
from fsspec.compression import compr
from fsspec.core import OpenFile
from fsspec.spec import AbstractBufferedFile

from natsobj import ObjectMeta

__all__ = ["PackedWriter", "TextWriter", "WriteFile"]

_BLOCK_SIZE = 4 * 1024 * 1024


class WriteFile(AbstractBufferedFile):
    """A new object: `close` makes it appear (in a transaction, its end does), `discard` stores nothing.

    If a `with` block raises, nothing is stored. Content that fits into one block stays in memory until the
    end.
    """

    def __init__(
        self,
        fs: Any,
        path: str,
        mode: str,
        *,
        block_size: int | str | None = None,
        autocommit: bool = True,
        meta: ObjectMeta | None = None,
        **kwargs: Any,
    ) -> None:
        self._upload: _Upload | None = None
        self._meta = meta
        self._stored = False
        size = block_size if isinstance(block_size, int) and block_size > 0 else _BLOCK_SIZE
        super().__init__(fs, path, mode, block_size=size, autocommit=autocommit, **kwargs)

    def commit(self) -> None:
        """Make the object appear."""
        self.autocommit = False
        if not self.closed:
            self.close()
        if self._stored:
            return
        self._stored = True
        if self._upload is None:
            sync(self.fs.loop, self._put, self.buffer.getvalue())
        else:
            sync(self.fs.loop, self._upload.finish)
        self.buffer.close()

    def discard(self) -> None:
        """Store nothing of what was written; an object that has appeared already stays."""
        self.closed = self.forced = True
        if self._upload is not None and not self._stored:
            sync(self.fs.loop, self._upload.abort)
        self._stored = True

    def close(self) -> None:
        """Store what was written, or discard it if the `with` block has raised."""
        if self.closed:
            return
        if _block_failed():
            self.discard()
            return
        try:
            super().close()
        except BaseException:
            self.discard()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        upload, self._upload = getattr(self, "_upload", None), None
        self.closed = True
        if upload is not None and not self._stored:
            with suppress(RuntimeError):  # the loop is gone, and the upload with it
                self.fs.loop.call_soon_threadsafe(upload.cancel)

    def _initiate_upload(self) -> None:
        """Do nothing: a file of one block needs no upload in the background."""

    def _upload_chunk(self, final: bool = False) -> bool:
        """Send a block; return whether the buffer is to be emptied."""
        if self._upload is None and not final:
            self._upload = _Upload()
            sync(self.fs.loop, self._upload.begin, self._put)
        if self._upload is not None:
            sync(self.fs.loop, self._upload.feed, self.buffer.getvalue())
        if final and self.autocommit:
            self.closed = True
            self.commit()
        return self._upload is not None and not final

    async def _put(self, data: Any) -> None:
        async with self.fs.at(self.path) as (bucket, key):
            await bucket.put(key, data, self._meta, if_absent=self.mode == "xb", read_back=False)


class PackedWriter(io.BufferedIOBase):
    """A new object that is compressed on the way; it too appears whole or not at all.

    A compressor does not close the file that it writes to: the object appears when this is closed.
    """

    def __init__(self, file: WriteFile, compression: str) -> None:
        self._file = file
        self._outlet = _Outlet(file)
        self._packer = compr[compression](self._outlet, mode="w")

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return int(self._packer.write(data))

    def close(self) -> None:
        """Store what was written, or discard it if the `with` block has raised."""
        if self.closed:
            return
        if _block_failed():
            self.discard()
            return
        try:
            self._packer.close()
            self._file.close()
        except BaseException:
            self.discard()
            raise
        super().close()

    def commit(self) -> None:
        """Make the object appear."""
        self.close()
        self._file.commit()

    def discard(self) -> None:
        """Store nothing of what was written; an object that has appeared already stays."""
        self._end_packer()
        self._file.discard()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        if not self.closed:
            self._end_packer()

    def _end_packer(self) -> None:
        """Close the compressor; what it still writes is dropped."""
        self._outlet.shut = True
        with suppress(OSError, ValueError, AttributeError):  # the last one: it was never created
            self._packer.close()


class _Outlet:
    """Passes compressed bytes on to a file, or drops them once it is shut."""

    def __init__(self, file: WriteFile) -> None:
        self._file = file
        self.shut = False

    def write(self, data: Any) -> int:
        return len(data) if self.shut else int(self._file.write(data))

    def flush(self) -> None:
        """Do nothing: a block is sent when it is full."""


class TextWriter(io.TextIOWrapper):
    """A new object of text; it too appears whole or not at all."""

    def __init__(self, file: WriteFile | PackedWriter, **text: Any) -> None:
        super().__init__(cast("Any", file), **text)
        self._file = file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._file.discard()
        super().__exit__(kind, error, trace)


class _Upload:
    """Blocks on their way into a put that runs while the writer goes on."""

    def __init__(self) -> None:
        self._blocks: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._task: asyncio.Task[None] | None = None

    async def begin(self, put: Any) -> None:
        self._task = asyncio.create_task(put(self._iterate()))
        _running.add(self._task)
        self._task.add_done_callback(_ended)

    async def feed(self, block: bytes | None) -> None:
        """Hand over a block as soon as there is room; raise what the put has raised."""
        assert self._task is not None
        handing = asyncio.ensure_future(self._blocks.put(block))
        try:
            await asyncio.wait({handing, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            handing.cancel()
        if self._task.done():
            self._task.result()

    async def finish(self) -> None:
        """Signal the end, and wait until everything is stored."""
        assert self._task is not None
        if not self._task.done():
            await self.feed(None)
        await self._task

    async def abort(self) -> None:
        """Cancel the put, and wait until it has tidied up."""
        self.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _iterate(self) -> AsyncIterator[bytes]:
        while (block := await self._blocks.get()) is not None:
            yield block


_running: set[asyncio.Task[None]] = set()
"""Keeps the tasks alive: the loop alone would not if their writer is collected."""


def _ended(task: asyncio.Task[None]) -> None:
    _running.discard(task)
    if not task.cancelled():
        task.exception()  # marks it as retrieved, even if nobody awaits the task any more


def _block_failed() -> bool:
    """Return whether a file is being closed because the block of `with fsspec.open(...)` has raised.

    fsspec closes the files without telling them so, and half a file would be stored.
    """
    closing = sys._getframe().f_back
    frame = closing.f_back if closing is not None else None
    while frame is not None and frame.f_globals.get("__name__") == OpenFile.__module__:
        if frame.f_code is OpenFile.__exit__.__code__:
            return any(frame.f_locals["args"])
        frame = frame.f_back
    return False
