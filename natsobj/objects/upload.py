"""An upload that survives restarts, lost connections, new leaders and a busy server.

After trouble the server may have stored more chunks than it acknowledged, and may still be storing some. So:

1. Wait until nothing is on its way any more (the connector's fence, then `settle`).
2. Compare the chunks that are stored after the last acknowledged one with those that were sent.
3. If they continue the upload without a gap, go on with the next chunk under the same nuid.
4. Otherwise start over under a fresh nuid, and purge the old one: single messages cannot be deleted reliably.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from typing import Any

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
"""Seconds to wait when the leader's refusal does not say how far its queue reaches."""

_QUICK = 1.0
"""An upload that took no longer than this many seconds has no chunk that is old enough for any gc."""

_VANISHING = 20
"""How often to look whether another writer has removed our chunks."""

_MOST_BARREN = 8
"""Attempts in a row that stored no more than the best one before them, after which the upload is given up.

Patience does not end such an upload: chunks are acknowledged in each attempt, and that is progress. But
where each attempt is cut off at about the same chunk (a server that restarts over and over, a bucket that
drops its oldest messages) it would go on for ever.
"""


class Upload:
    """The chunks of one put, in the end all under one nuid. Its fields are its state.

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
        self._doubtful_stream = not stream.keeps_all(state)
        """Whether the stream may drop acknowledged messages: then chunks are counted before the commit."""
        self._displacing = state["config"].get("discard") == "old"
        """Whether a full stream makes room by dropping its oldest messages."""
        self._patience = stream.patience()
        self._used = stream.connection
        """The connection over which this attempt sent its chunks."""
        self._troubled = False
        """Whether anything has gone wrong so far."""
        self._begun = time.monotonic()
        self._window_size = WINDOW
        """Bytes that may be unacknowledged; halved whenever the server reports too many requests."""
        self._given_up: list[Window] = []
        """Failed attempts under other nuids, whose chunks are to be removed."""
        self._best = 0
        """The most chunks that a failed attempt had stored."""
        self._barren = 0
        """Attempts in a row that got no further than that: barren ones."""
        self.chunker = chunker
        self.window = self._fresh()
        """The current attempt."""

    async def store(self) -> None:
        """Store the whole source. When this returns, every chunk is stored once and in order.

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
        """Whether there is anything left to do or to check after the commit."""
        return bool(self._given_up) or self._displacing

    async def displaced(self) -> int:
        """Return how many of the chunks a full bucket has dropped to make room for the record."""
        return self.window.stored - await self._count() if self._displacing else 0

    async def recount(self) -> None:
        """Make sure that all chunks are still there.

        Raises:
            ChunksLost: they are not.
        """
        if await self._count() != self.window.stored:
            raise ChunksLost(self._stream.bucket)

    async def vanish(self) -> bool:
        """Return whether another writer removes our chunks, because it replaced our record.

        That proves that our record was stored, so the chunks of what it replaced are ours to remove.
        """
        if not self.window.stored:
            return False
        for _ in range(_VANISHING):
            if not await self._count():
                return True
            await asyncio.sleep(_POLL)
        return False

    async def undo(self, error: BaseException) -> None:
        """Remove everything that was stored; log a warning when that is impossible.

        Args:
            error: why the put failed. After a cancellation, or when the server does not answer, this takes
                one timeout at most.
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
        """Remove the chunks of failed attempts once more: a restart may have undone the first removal."""
        try:
            await self._purge_given_up()
        except NatsobjError as e:
            note_left_over(self._stream.bucket, str(e))

    # Inside

    @property
    def _in_doubt(self) -> bool:
        """Whether acknowledged chunks may be gone: dropped by the stream, or taken by a gc."""
        return self._troubled or self._doubtful_stream or self.age > _QUICK

    def _fresh(self) -> Window:
        return Window(
            self._stream, domain=self._domain, patience=self._patience, size=self._window_size, ttl=self._ttl
        )

    async def _count(self) -> int:
        js, stream = self._stream.js, self._stream.name
        return await self._patience.of(lambda: js.count(stream, self.window.subject))

    def _passing(self, refused: ChunkRefused) -> TemporaryError:
        """Return the error of a refusal that may pass; raise the error of one that will not."""
        if refused.code in {429, TOO_MANY_REQUESTS}:
            self._window_size = self.window.size = max(1, self.window.size // 2)
        elif refused.code not in BUSY:
            raise api_error(refused.code, refused.message, 0, self._stream.name) from refused
        return JetStreamUnavailable(f"bucket {self._stream.bucket} takes no chunks now: {refused}")

    async def _repair(self, trouble: TemporaryError) -> None:
        """Get ready to go on: under the same nuid if possible, else under a fresh one."""
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
        """Wait until no chunk of this upload is on its way any more; False if that cannot be told.

        The fence speaks for the server that we are connected to. If another server leads the stream, it may
        still have to read what a server that died had forwarded to it.
        """
        used, now = self._used, self._stream.connection
        fenced = used is now or await self._stream.js.connector.fence(used.inbox)
        await settle(self._stream, self.window.subject)
        if used is now or not fenced or used.server_id == now.server_id:
            return fenced
        info = await self._stream.js.stream_info(self._stream.name)
        return bool(info.get("cluster", {}).get("leader") == now.server_name)

    async def _can_go_on(self) -> bool:
        """Update `window.stored` from the stream; False if what is stored there is not what was sent."""
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
    """Wait until the stream's leader has stored or refused everything that was published to a subject before.

    To find out, publish a message that must be refused. It goes through the same queue of the leader as the
    messages before it, and the refusal tells the sequence that the stream will have reached by then.

    This waits for one timeout at most: when domains share an account, the refusal may be another domain's. So
    the caller counts what is stored before it goes on.

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
