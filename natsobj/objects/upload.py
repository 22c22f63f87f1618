"""An upload that survives: restarts, cuts, new leaders, a busy server.

After trouble the server may have stored more than it acknowledged, and may still be storing. So the first
step is to wait until nothing is on its way any more (the connector's fence, then `settle`). The second is to
compare what is stored behind the last acknowledged chunk with what was sent. If that is a clean continuation,
the upload goes on in place. Everything else is left behind, to be purged, and the upload starts over under a
fresh nuid, for single messages cannot be deleted reliably.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from typing import Any

from natsobj.adr20 import streams
from natsobj.connection import ASK_AGAIN, PASSING
from natsobj.errors import (
    BucketFull,
    BucketNotFound,
    ChunksLost,
    JetStreamUnavailable,
    NatsobjError,
    TemporaryError,
)
from natsobj.jetstream import NEVER_SEQUENCE
from natsobj.jetstream.codes import BUSY, TOO_MANY_REQUESTS, WRONG_SEQUENCE, api_error
from natsobj.objects.chunker import Chunker
from natsobj.objects.commit import note_left_over, purge_chunks
from natsobj.objects.window import WINDOW, AcksMissing, ChunkRefused, Window
from natsobj.stream import BucketStream

log = logging.getLogger(__name__)

_LAST = re.compile(r"wrong last sequence: (\d+)")
_POLL = 0.05
_UNREADABLE_PAUSE = 1.0
"""Seconds to wait where the leader does not say what it has in its queue."""

_QUICK = 1.0
"""Seconds in which no chunk can get old enough to be removed."""

_VANISHING = 20
"""Looks at chunks that another writer may be about to remove."""

_MOST_BARREN = 8
"""Attempts in a row that stored no more than the best one before them, after which the upload is given up.

Patience does not end such an upload: chunks are acknowledged in each attempt, and that is progress. But
where each attempt is cut off at about the same chunk (a server that restarts over and over, a bucket that
drops its oldest messages) it would go on for ever.
"""


class Upload:
    """The chunks of one put, in the end all under one nuid; its fields are its state.

    Args:
        state: the stream's configuration and state.
        ttl: seconds that each chunk lasts; 0 is for ever.
    """

    def __init__(
        self, stream: BucketStream, chunker: Chunker, state: Mapping[str, Any], *, ttl: int = 0
    ) -> None:
        self._ttl = ttl
        self._stream = stream
        self._domain = state.get("domain", "")
        self._doubtful_stream = not streams.is_plain(state["config"], stream.bucket)
        """Whether the stream may drop what it has acknowledged: then chunks are counted before the commit."""
        self._displacing = state["config"].get("discard") == "old"
        """Whether a full bucket takes what is new and drops what is oldest."""
        self._patience = stream.patience()
        self._used = stream.connection
        """The connection that the chunks of this attempt went over."""
        self._troubled = False
        """Whether anything went wrong so far."""
        self._begun = time.monotonic()
        self._window_size = WINDOW
        """Bytes that may be unacknowledged; halved each time the server is asked too much."""
        self._given_up: list[Window] = []
        """Attempts under other nuids, whose chunks are to be removed."""
        self._best = 0
        """The most chunks that a given-up attempt had stored."""
        self._barren = 0
        """Attempts in a row that did not get further than that: barren ones."""
        self.chunker = chunker
        self.window = self._fresh()
        """The attempt that counts."""

    async def store(self) -> None:
        """Store all of the source; when this returns every chunk is there, once and in order.

        Raises:
            TemporaryError: no progress for six times the timeout.
            RefusedError: the bucket is full or sealed.
        """
        while True:
            self._used = self._stream.connection
            self.begin_attempt()
            try:
                await self.window.run(self.chunker)
                if not self._in_doubt or await self._count() == self.window.stored:
                    return
                if self._displacing:
                    raise BucketFull(
                        self._stream.bucket, "it drops its oldest messages, these chunks included"
                    )
                await self._start_over(ChunksLost(self._stream.bucket))
            except ChunkRefused as e:
                await self._repair(self._passing(e))
            except AcksMissing as e:
                await self._repair(JetStreamUnavailable(str(e)))
            except PASSING as e:
                await self._repair(e)

    def begin_attempt(self) -> None:
        """Chunks are about to be sent, over a connection or under a nuid that may be new."""

    def begin_commit(self, replaced: int) -> None:
        """The record that names the chunks is about to be published in the place of a sequence."""

    @property
    def age(self) -> float:
        """Seconds since its first chunk."""
        return time.monotonic() - self._begun

    @property
    def untidy(self) -> bool:
        """Whether anything is left to be done or asked behind the commit."""
        return bool(self._given_up) or self._displacing

    async def displaced(self) -> int:
        """Return how many chunks the record, which came behind them, has displaced from a full bucket."""
        return self.window.stored - await self._count() if self._displacing else 0

    async def vanish(self) -> bool:
        """Say whether another writer removes the chunks, for it has replaced the record that named them.

        That proves that the record was stored, and that what it replaced is ours to remove.
        """
        if not self.window.stored:
            return False
        for _ in range(_VANISHING):
            if not await self._count():
                return True
            await asyncio.sleep(_POLL)
        return False

    async def undo(self, error: BaseException) -> None:
        """Remove all that was stored; what could not be removed is a note.

        Args:
            error: why; where nobody answers any more, or waits any longer, there is one timeout for it.
        """
        if not (self._given_up or self.window.may_have_stored):
            return
        in_haste = (asyncio.CancelledError, *PASSING)
        try:
            async with asyncio.timeout(self._stream.timeout if isinstance(error, in_haste) else None):
                await self._stream.patiently(self._clean_up)
        except BucketNotFound:
            pass
        except (NatsobjError, TimeoutError) as e:
            note_left_over(self._stream.bucket, str(e) or "no answer")
        except asyncio.CancelledError:
            note_left_over(self._stream.bucket, "no answer in time")
            raise

    async def tidy(self) -> None:
        """Remove what was given up on the way: once more, for a restart may have undone it."""
        try:
            await self._purge_given_up()
        except NatsobjError as e:
            note_left_over(self._stream.bucket, str(e))

    # Inside

    @property
    def _in_doubt(self) -> bool:
        """Whether what was acknowledged may be gone: the stream may drop it, and a gc may take it."""
        return self._troubled or self._doubtful_stream or self.age > _QUICK

    def _fresh(self) -> Window:
        return Window(
            self._stream, domain=self._domain, patience=self._patience, size=self._window_size, ttl=self._ttl
        )

    async def _count(self) -> int:
        js, stream = self._stream.js, self._stream.name
        return await self._patience.of(lambda: js.count(stream, self.window.subject))

    def _passing(self, refused: ChunkRefused) -> TemporaryError:
        """Return a refusal that may pass; raise one that does not."""
        if refused.code in {429, TOO_MANY_REQUESTS}:
            self._window_size = self.window.size = max(1, self.window.size // 2)
        elif refused.code not in BUSY:
            raise api_error(refused.code, refused.message, 0, self._stream.name) from refused
        return JetStreamUnavailable(f"bucket {self._stream.bucket} takes no chunks now: {refused}")

    async def _repair(self, trouble: TemporaryError) -> None:
        """Make it possible to go on, in place or under a fresh nuid."""
        log.debug("uploading to %s: %s", self._stream.bucket, trouble)
        self._troubled = True
        connection = self._used
        while True:
            await self._patience.wait(trouble, connection)
            connection = self._stream.connection
            try:
                if await self._settle() and await self._can_go_on():
                    return
                break
            except PASSING as e:
                trouble = e
        await self._start_over(trouble)

    async def _settle(self) -> bool:
        """Wait until nothing of this upload is under way any more; False if that cannot be told.

        The fence tells what the server knows that we talk to. Where another one leads the stream, that one
        may still have something to read of what a server that died had passed on.
        """
        used, now = self._used, self._stream.connection
        fenced = used is now or await self._stream.js.connector.fence(used.inbox)
        await settle(self._stream, self.window.subject)
        if used is now or not fenced or used.server_id == now.server_id:
            return fenced
        info = await self._stream.js.stream_info(self._stream.name)
        return bool(info.get("cluster", {}).get("leader") == now.server_name)

    async def _can_go_on(self) -> bool:
        """Bring `window.stored` up to what is stored, if that is a clean continuation of it."""
        js, stream, window = self._stream.js, self._stream.name, self.window
        number, sequence = window.stored, window.sequence
        while message := await js.next_message(stream, window.subject, sequence + 1):
            if message.marker or message.data != self.chunker.kept(number):
                return False
            number, sequence = number + 1, message.sequence
        if await js.count(stream, window.subject) != number:
            return False
        log.debug("going on in place: %d chunks were stored, %d acknowledged", number, window.stored)
        window.stored, window.sequence = number, sequence
        self.chunker.discard(number, window.subject, sequence)
        return True

    async def _start_over(self, trouble: NatsobjError) -> None:
        log.debug("starting over under a fresh nuid: %s", trouble)
        self._barren = self._barren + 1 if self.window.stored <= self._best else 0
        self._best = max(self._best, self.window.stored)
        if self._barren > _MOST_BARREN:
            raise trouble
        self._given_up.append(self.window)
        await self.chunker.restart()
        self.window = self._fresh()
        await self._purge_given_up(but=self.chunker.home)

    async def _purge_given_up(self, but: str = "") -> None:
        for window in self._given_up:
            if window.subject != but:
                await purge_chunks(self._stream, window.nuid)

    async def _clean_up(self) -> None:
        if self._stream.connection.lost.is_set():
            await self._stream.js.connector.renew(self._stream.connection)
        if (self._troubled or self.window.unsettled) and not await self._settle():
            note_left_over(self._stream.bucket, "some may still be under way")
        await self._purge_given_up()
        await purge_chunks(self._stream, self.window.nuid)


async def settle(stream: BucketStream, subject: str) -> None:
    """Wait until all that was published to a subject before is stored or refused by its leader.

    A publish that must fail goes the same way through the leader's queue, and its refusal says how far the
    stream will have grown when all before it is stored.

    It waits for one timeout at most, for in joined domains the refusal may be another domain's. The caller
    counts what is stored before it goes on.

    Raises:
        TemporaryError: there is no leader now.
        BucketNotFound: there is no stream any more.
    """
    headers = {"Nats-Expected-Last-Sequence": str(NEVER_SEQUENCE)}
    js = stream.js
    ack = await js.publish(subject, b"", headers, timeout=ASK_AGAIN)
    deadline = time.monotonic() + stream.timeout
    if ack.code in BUSY:
        await js.stream_info(stream.name)
        raise JetStreamUnavailable(f"JetStream: {ack.message}")
    said = _LAST.search(ack.message)
    if ack.code not in WRONG_SEQUENCE or said is None:
        await asyncio.sleep(_UNREADABLE_PAUSE)
        return
    while time.monotonic() < deadline:
        if (await js.stream_info(stream.name))["state"]["last_seq"] >= int(said[1]):
            return
        await asyncio.sleep(_POLL)
