"""An upload that outlives its process: its progress is written to a file, and the next run continues there.

Nothing that an earlier run has stored is trusted unchecked: none of its messages is still under way, the
leader has at least as many chunks as were acknowledged, the beginning of the file has the digest that they
had, and the chunks after them equal the file byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from natsobj.adr20 import names
from natsobj.connection import PASSING
from natsobj.errors import (
    BucketNotFound,
    JetStreamUnavailable,
    NatsobjError,
    ObjectChanged,
    PermissionDenied,
    RefusedError,
    SourceChanged,
)
from natsobj.files import Source
from natsobj.files.keeping import note_anew, note_resumed
from natsobj.files.upload_state import Mark, StateFile, UploadState
from natsobj.jetstream.direct import Stored
from natsobj.objects.chunker import Chunker, SourceFailed
from natsobj.objects.commit import note_left_over, purge_chunks
from natsobj.objects.upload import Upload, settle
from natsobj.stream import BucketStream

__all__ = ["MarkedChunker", "ResumedUpload", "nothing_under_way"]

log = logging.getLogger(__name__)

_MARK = 64 * 1024 * 1024
"""A mark is written after at most this many bytes."""

_MARKS = 32
"""Marks that are kept: a server that loses power may lose the chunks of this many."""

_FORGOTTEN = 20.0
"""Seconds after which nothing can arrive any more over a connection that we have reset."""

_LEFT_ALONE = 900.0
"""The same for a connection whose process died: the system may still send what was in its buffers."""

_USELESS = (BucketNotFound, ObjectChanged, RefusedError, SourceChanged)
"""Errors after which the upload cannot be resumed: its chunks are removed, as without `--resume`."""


_NOT_THE_BEGINNING = "what was stored is not the beginning of the file"


class MarkedChunker(Chunker):
    """A chunker that knows the digest of what is acknowledged, and says when a mark is due."""

    def __init__(self, stream: BucketStream, source: Source, chunk_size: int) -> None:
        super().__init__(stream, source, chunk_size)
        self._ahead: deque[Any] = deque()
        """For each kept chunk, the digest of everything up to its end."""
        self._acknowledged_digest = hashlib.sha256()
        self._marked = 0
        """Acknowledged bytes at the last call of `tell`."""
        self.tell: Callable[[], None] | None = None
        """Called each time a mark is due."""

    @property
    def acknowledged_sha256(self) -> str:
        """The SHA-256 of everything acknowledged, in hex."""
        return self._acknowledged_digest.hexdigest()

    async def chunk(self, number: int) -> bytes:
        before = self.size
        data = await super().chunk(number)
        if self.size > before:
            self._ahead.append(self._digest.copy())
        return data

    def discard(self, number: int, subject: str, sequence: int) -> None:
        before = self._floor
        super().discard(number, subject, sequence)
        for _ in range(self._floor - before):
            self._acknowledged_digest = self._ahead.popleft()
        if self.tell is not None and self._floor * self._chunk_size - self._marked >= _MARK:
            self._marked = self._floor * self._chunk_size
            self.tell()

    async def restart(self) -> None:
        await super().restart()
        if not self.size:  # otherwise the source cannot restart, and what is stored is read back
            self._ahead.clear()
            self._acknowledged_digest, self._marked = hashlib.sha256(), 0


class ResumedUpload(Upload):
    """An upload whose state is kept in a file.

    Args:
        chunker: reads a source that can be restarted.
        blank: returns the state of an upload under a nuid before anything is stored; an earlier upload can
            only be resumed if it began with the same one.
    """

    def __init__(
        self,
        stream: BucketStream,
        chunker: MarkedChunker,
        state: Mapping[str, Any],
        *,
        ttl: int,
        file: StateFile,
        blank: Callable[[str], UploadState],
    ) -> None:
        super().__init__(stream, chunker, state, ttl=ttl)
        self._marked = chunker
        self._max_age = state["config"].get("max_age", 0) / 1e9
        self._file = file
        self._blank = blank
        self._earlier = file.state
        """The state that an earlier run has left, until that run is resumed or removed."""
        self._marks: deque[Mark] = deque(maxlen=_MARKS)
        """The marks so far, under this nuid."""
        self._unwritten = False
        """Whether a mark could not be written; the one before it is still valid."""
        self._leaving = False
        """Whether the chunks are being removed."""

    async def store(self) -> None:
        if (earlier := self._earlier) is not None:
            self._troubled = True  # so the chunks are counted in the end
            why_not = await self._take_up(earlier)
            if why_not is None:
                log.debug("resuming behind %d chunks of an earlier run", self.window.stored)
                if self.window.stored:
                    note_resumed(min(self.window.stored * earlier.chunk_size, earlier.size), earlier.size)
            else:
                if earlier.chunks:
                    note_anew(why_not)
                await self._remove(earlier.nuid)
                await self._marked.restart()
                self.window = self._fresh()
            self._earlier = None
        self._marked.tell = self._mark
        await super().store()

    def begin_attempt(self) -> None:
        """Write the nuid and the connection of this attempt to the file.

        Raises:
            OSError: it cannot be written; nothing of this attempt is stored yet.
        """
        if not self.window.stored:
            self._marks.clear()
        self._file.write(self._state())

    def begin_commit(self, replaced: int) -> None:
        try:
            self._file.write(replace(self._state(), committing=replaced))
        except OSError as e:  # the old state would let the next run remove an object's chunks
            log.warning("how far the upload is cannot be written down: %s", e)
            self._file.forget()

    async def undo(self, error: BaseException) -> None:
        """Keep what is stored for the next run, or remove it if no run can continue it."""
        if self._earlier is not None:  # nothing was sent, and what is there was not checked yet
            return
        cause = error.error if isinstance(error, SourceFailed) else error
        if isinstance(cause, _USELESS) or not self.window.stored:
            self._leaving = True
            await super().undo(error)
            self._file.forget()
            return
        self._write(self._state(settled=not self.window.unsettled))
        try:
            async with asyncio.timeout(self._stream.timeout):
                await self._purge_given_up()
        except (NatsobjError, TimeoutError) as e:
            note_left_over(self._stream.bucket, str(e) or "no answer")

    # The state file

    def _state(self, *, settled: bool = False) -> UploadState:
        """Return the state of the upload.

        Args:
            settled: nothing that was sent can still be under way.
        """
        return replace(
            self._blank(self.window.nuid),
            chunks=self.window.stored,
            sequence=self.window.sequence,
            sha256=self._marked.acknowledged_sha256,
            inbox="" if settled else self._used.inbox,
            marks=tuple(self._marks),
        )

    def _mark(self) -> None:
        state = self._state()
        self._write(state)
        self._marks.append(state.mark)

    def _write(self, state: UploadState) -> None:
        try:
            self._file.write(state)
        except OSError as e:
            if not self._unwritten:
                log.warning("how far the upload is cannot be written down: %s", e)
            self._unwritten = True

    # The earlier run

    async def _take_up(self, earlier: UploadState) -> str | None:
        """Bring chunker and window to where an earlier run got, or return why it cannot be resumed.

        None of its messages may still be under way.
        """
        window, stream = self.window, self._stream
        window.nuid, window.subject = earlier.nuid, names.chunk_subject(stream.bucket, earlier.nuid)
        if (differs := _difference(earlier.beginning, self._blank(earlier.nuid))) is not None:
            return differs
        if await self._is_old():
            return "what was stored would expire before the rest"
        stored = await stream.count(window.subject)
        marks = [mark for mark in (*earlier.marks, earlier.mark) if mark.chunks <= stored]
        if not marks:
            return "what was stored is not there any more"
        if not await self._replay(marks[-1]):
            return _NOT_THE_BEGINNING
        self._marks.extend(mark for mark in marks if mark.chunks)
        if not await self._compare_rest() or await stream.count(window.subject) != window.stored:
            return _NOT_THE_BEGINNING
        return None

    async def _is_old(self) -> bool:
        """Return whether its chunks may expire long before those that are still to be sent."""
        lasts = min(self._ttl / 2 or math.inf, self._max_age / 10 or math.inf)
        first = await self._stream.next(self.window.subject, 1) if lasts < math.inf else None
        if first is None:
            return False
        age = (await self._stream.clock() - first.time).total_seconds()
        self._begun -= age
        return age > lasts

    async def _replay(self, mark: Mark) -> bool:
        """Hash what was acknowledged, and check that its last chunk is still in its place."""
        window, last = self.window, b""
        for number in range(mark.chunks):
            last = await self._marked.chunk(number)
            if not last:
                return False
            self._marked.discard(number + 1, window.subject, mark.sequence)
            await asyncio.sleep(0)  # lets the connection work meanwhile
        if self._marked.acknowledged_sha256 != mark.sha256:
            return False
        window.stored, window.sequence = mark.chunks, mark.sequence
        if not mark.chunks:
            return True
        there = await self._stream.next(window.subject, mark.sequence)
        return there is not None and there.sequence == mark.sequence and there.data == last

    async def _compare_rest(self) -> bool:
        """Compare the chunks after the last mark with the file, byte for byte."""
        window = self.window
        async with aclosing(self._rest()) as rest:
            async for message in rest:
                wanted = await self._marked.chunk(window.stored)
                if message.marker or not wanted or message.data != wanted:
                    return False
                window.stored, window.sequence = window.stored + 1, message.sequence
                self._marked.discard(window.stored, window.subject, window.sequence)
        return True

    async def _rest(self) -> AsyncGenerator[Stored, None]:
        """Iterate over the chunks after the last mark; those that a replica lacks come from the leader."""
        stream, subject = self._stream, self.window.subject
        async with aclosing(stream.direct(subject, sequence=self.window.sequence + 1)) as messages:
            async for message in messages:
                yield message
        while message_behind := await stream.next(subject, self.window.sequence + 1):
            yield message_behind

    async def _remove(self, nuid: str) -> None:
        try:
            await purge_chunks(self._stream, nuid)
        except PermissionDenied as e:
            note_left_over(self._stream.bucket, str(e))

    async def _settle(self) -> bool:
        """Wait until nothing is under way any more: much of this upload may be stored already.

        Raises:
            JetStreamUnavailable: something may still be under way.
        """
        if await super()._settle():
            return True
        if self._leaving:
            return False
        await _wait_for_age(self._stream, self.window.subject, _FORGOTTEN)
        return True


def _difference(before: UploadState, now: UploadState) -> str | None:
    if before == now:
        return None
    same_file = (before.size, before.mtime, before.ctime) == (now.size, now.mtime, now.ctime)
    return "the chunk size or the TTL is another one" if same_file else "the file was changed since"


async def nothing_under_way(stream: BucketStream, earlier: UploadState) -> None:
    """Wait until no message of an earlier run can arrive any more.

    Raises:
        TemporaryError: one may still arrive: the server has not noticed yet that the client is gone.
    """
    patience = stream.patience()
    while True:
        connection = stream.connection
        try:
            with patience.around():
                return await _look_for_more(stream, earlier)
        except PASSING as e:
            await patience.wait(e, connection)


async def _look_for_more(stream: BucketStream, earlier: UploadState) -> None:
    subject = names.chunk_subject(stream.bucket, earlier.nuid)
    fenced = not earlier.inbox or await stream.js.connector.fence(earlier.inbox)
    await settle(stream, subject)
    if not fenced:
        await _wait_for_age(stream, subject, _LEFT_ALONE)
    elif earlier.inbox:
        leader = (await stream.js.stream_info(stream.name)).get("cluster", {}).get("leader")
        if leader not in (None, stream.connection.server_name):  # others may have forwarded something to it
            await _wait_for_age(stream, subject, _FORGOTTEN)


async def _wait_for_age(stream: BucketStream, subject: str, least: float) -> None:
    """Check that the newest chunk is at least this many seconds old.

    Raises:
        JetStreamUnavailable: it is younger.
    """
    newest = await stream.last(subject)
    if newest is None:
        return
    left = math.ceil(least - (await stream.clock() - newest.time).total_seconds())
    if left > 0:
        why = f"may still be under way, for {left} s at most"
        error = JetStreamUnavailable(f"chunks sent to {stream.bucket} before {why}")
        error.add_note("try again then; without --resume all is sent again at once")
        raise error
