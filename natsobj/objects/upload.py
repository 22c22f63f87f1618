"""An upload that survives: restarts, cuts, new leaders, a busy server.

After trouble it must be found out what is stored, and whether the upload can go on in place.

The server may have stored more than it acknowledged, and may still be storing. So first nothing may be under
way any more (`Link.fence`, `settle`); then what lies behind the last acknowledged chunk is compared with what
was sent. In place only when it is a clean continuation; anything else is left to a fresh nuid, for single
messages cannot be deleted reliably.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from typing import Any

from natsobj.adr20 import names
from natsobj.connection import ASK_AGAIN, PASSING, Patience
from natsobj.errors import (
    BucketFull,
    BucketNotFound,
    ChunksLost,
    JetStreamUnavailable,
    NatsobjError,
    TemporaryError,
)
from natsobj.jetstream import NEVER_SEQUENCE, JetStream
from natsobj.jetstream.codes import BUSY, TOO_MANY_REQUESTS, WRONG_SEQUENCE, api_error
from natsobj.objects.chunker import Supply
from natsobj.objects.commit import note_left_over, purge_chunks
from natsobj.objects.window import WINDOW, AcksMissing, ChunkRefused, Upload

log = logging.getLogger(__name__)

_LAST = re.compile(r"wrong last sequence: (\d+)")
_POLL = 0.05
_UNREADABLE_PAUSE = 1.0
"""Seconds to wait where the leader does not say what it has in its queue."""

_QUICK = 1.0
"""Seconds in which no chunk can get old enough to be removed."""

_VANISHING = 20
"""Looks at chunks that another writer may be about to remove."""

_BARREN = 8
"""Fresh starts in a row that did not get further than one before."""


class Chunks:
    """The chunks of one put: under one nuid in the end, whatever happens meanwhile."""

    def __init__(self, js: JetStream, bucket: str, supply: Supply, stream: Mapping[str, Any]) -> None:
        self._js = js
        self._bucket = bucket
        self._stream = names.stream_name(bucket)
        self._domain = stream.get("domain", "")
        self._expiring = bool(stream["config"].get("max_age"))
        self._displacing = stream["config"].get("discard") == "old"
        """A full bucket takes what is new and drops what is oldest, of other clients' making."""
        self._patience = Patience(js.link)
        self._used = js.connection
        self._troubled = False
        self._begun = time.monotonic()
        self._window = WINDOW
        self._given_up: list[Upload] = []
        self._best = self._barren = 0
        self.supply = supply
        self.upload = self._fresh()

    async def store(self) -> None:
        """Store all of the source; when this returns every chunk is there, once and in order.

        Raises:
            TemporaryError: no progress for six times the timeout.
            RefusedError: the bucket is full or sealed.
        """
        while True:
            self._used = self._js.connection
            try:
                await self.upload.run(self.supply)
                if not self._in_doubt or await self._count() == self.upload.stored:
                    return
                if self._displacing:
                    raise BucketFull(self._bucket, "it drops its oldest messages, these chunks included")
                await self._start_over(ChunksLost(self._bucket))
            except ChunkRefused as e:
                await self._repair(await self._judge(e))
            except AcksMissing as e:
                await self._repair(JetStreamUnavailable(str(e)))
            except PASSING as e:
                await self._repair(e)

    async def displaced(self) -> int:
        """Return how many chunks the record, which came behind them, has displaced from a full bucket."""
        return self.upload.stored - await self._count() if self._displacing else 0

    async def vanish(self) -> bool:
        """Say whether another writer removes the chunks, for it has replaced the record that named them.

        That proves that the record was stored, and that what it replaced is ours to remove.
        """
        if not self.upload.stored:
            return False
        for _ in range(_VANISHING):
            if not await self._count():
                return True
            await asyncio.sleep(_POLL)
        return False

    async def undo(self, error: BaseException) -> None:
        """Remove all that was stored; what could not be removed is a note.

        Args:
            error: why; where nobody answers any more there is one timeout left for it.
        """
        if not (self._given_up or self.upload.may_have_stored):
            return
        try:
            async with asyncio.timeout(self._js.link.timeout if isinstance(error, PASSING) else None):
                await self._js.link.patiently(self._clean_up)
        except BucketNotFound:
            pass
        except (NatsobjError, TimeoutError) as e:
            note_left_over(self._bucket, str(e) or "no answer")
        except asyncio.CancelledError:
            note_left_over(self._bucket, "no answer in time")
            raise

    async def tidy(self) -> None:
        """Remove what was given up on the way: once more, for a restart may have undone it."""
        try:
            await self._purge_given_up()
        except NatsobjError as e:
            note_left_over(self._bucket, str(e))

    # Inside

    @property
    def _in_doubt(self) -> bool:
        """Whether what was acknowledged may be gone: chunks expire one by one, and a gc may take them."""
        return self._troubled or self._expiring or self._displacing or time.monotonic() - self._begun > _QUICK

    def _fresh(self) -> Upload:
        return Upload(
            self._js,
            self._bucket,
            stream=self._stream,
            domain=self._domain,
            patience=self._patience,
            window=self._window,
        )

    async def _count(self) -> int:
        return await self._patience.of(lambda: self._js.count(self._stream, self.upload.subject))

    async def _judge(self, refused: ChunkRefused) -> TemporaryError:
        """Return a refusal that may pass; raise one that does not."""
        if refused.code in {429, TOO_MANY_REQUESTS}:
            self._window = self.upload.window = max(1, self.upload.window // 2)
        elif refused.code not in BUSY:
            raise api_error(refused.code, str(refused), 0, self._stream) from refused
        return JetStreamUnavailable(f"bucket {self._bucket} takes no chunks now: {refused}")

    async def _repair(self, trouble: TemporaryError) -> None:
        """Make it possible to go on, in place or under a fresh nuid."""
        log.debug("uploading to %s: %s", self._bucket, trouble)
        self._troubled = True
        connection = self._used
        while True:
            await self._patience.wait(trouble, connection)
            connection = self._js.connection
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
        used, now = self._used, self._js.connection
        fenced = used is now or await self._js.link.fence(used)
        await settle(self._js, self._stream, self.upload.subject)
        if used is now or not fenced or used.server_id == now.server_id:
            return fenced
        info = await self._js.stream_info(self._stream)
        return bool(info.get("cluster", {}).get("leader") == now.server_name)

    async def _can_go_on(self) -> bool:
        """Bring `upload.stored` up to what is stored, if that is a clean continuation of it."""
        upload, supply = self.upload, self.supply
        number, sequence = upload.stored, upload.sequence
        while message := await self._js.next_message(self._stream, upload.subject, sequence + 1):
            if message.marker or message.data != supply.kept(number):
                return False
            number, sequence = number + 1, message.sequence
        if await self._js.count(self._stream, upload.subject) != number:
            return False
        log.debug("going on in place: %d chunks were stored, %d acknowledged", number, upload.stored)
        upload.stored, upload.sequence = number, sequence
        supply.stored(number, upload.subject, sequence)
        return True

    async def _start_over(self, trouble: NatsobjError) -> None:
        log.debug("starting over under a fresh nuid: %s", trouble)
        self._barren = self._barren + 1 if self.upload.stored <= self._best else 0
        self._best = max(self._best, self.upload.stored)
        if self._barren > _BARREN:
            raise trouble
        self._given_up.append(self.upload)
        await self.supply.restart()
        self.upload = self._fresh()
        await self._purge_given_up(but=self.supply.home)

    async def _purge_given_up(self, but: str = "") -> None:
        for upload in self._given_up:
            if upload.subject != but:
                await purge_chunks(self._js, self._bucket, upload.nuid)

    async def _clean_up(self) -> None:
        if self._js.connection.lost.is_set():
            await self._js.link.renew(self._js.connection)
        if (self._troubled or self.upload.unsettled) and not await self._settle():
            note_left_over(self._bucket, "some may still be under way")
        await self._purge_given_up()
        await purge_chunks(self._js, self._bucket, self.upload.nuid)


async def settle(js: JetStream, stream: str, subject: str) -> None:
    """Wait until all that was published to a subject before is stored or refused by its leader.

    A publish that must fail goes the same way through the leader's queue, and its refusal says how far the
    stream will have grown when all before it is stored.

    It waits for one timeout at most: of joined domains another one may have said it. Whoever goes on counts.

    Raises:
        TemporaryError: there is no leader now.
        BucketNotFound: there is no stream any more.
    """
    headers = {"Nats-Expected-Last-Sequence": str(NEVER_SEQUENCE)}
    ack = await js.publish(subject, b"", headers, patience=ASK_AGAIN)
    deadline = time.monotonic() + js.link.timeout
    if ack.code in BUSY:
        await js.stream_info(stream)
        raise JetStreamUnavailable(f"JetStream: {ack.message}")
    said = _LAST.search(ack.message)
    if ack.code not in WRONG_SEQUENCE or said is None:
        await asyncio.sleep(_UNREADABLE_PAUSE)
        return
    while time.monotonic() < deadline:
        if (await js.stream_info(stream))["state"]["last_seq"] >= int(said[1]):
            return
        await asyncio.sleep(_POLL)
