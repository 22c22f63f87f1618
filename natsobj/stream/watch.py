"""Changes of a bucket as they happen, each once, across restarts, lost connections and new leaders.

A pull consumer waits for records. After trouble a new one begins a little before the last change that was
given, and what was given already is left out by its sequence and time: a server that was killed may have
forgotten the last things that it told, and gives their sequences to others.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime

from natsobj.adr20 import names, streams
from natsobj.connection import PASSING
from natsobj.errors import JetStreamUnavailable, NatsobjError, PermissionDenied, RequestTimeout
from natsobj.jetstream import Consumer, NoConsumer, Stored, delivery
from natsobj.stream.listing import every_record
from natsobj.stream.record import Record, read_record
from natsobj.stream.stream import BucketStream

__all__ = ["watch_records"]

log = logging.getLogger(__name__)

_BACK = 256
"""How many changes, or messages before the beginning, are read again after trouble."""

_BATCH = 32
"""Records in one request."""

_POLL = 1.0
"""Seconds between polls if there is no consumer."""

_WAIT = 30
"""Seconds until a request expires."""

_HEARTBEATS = 3
"""Heartbeats in one timeout."""


async def watch_records(stream: BucketStream, *, history: bool) -> AsyncGenerator[Record | None, None]:
    """Iterate over changes without end: records, tombstones, unreadable records, and notes of expiry.

    Args:
        history: first every record that is there, tombstones too, then None.
    """
    watch = _Watch(stream)
    await watch.begin()
    if history:
        async with aclosing(every_record(stream)) as records:
            async for record in records:
                if record.sequence <= watch.begun:  # what has changed meanwhile comes as a change
                    yield record
        yield None
    async with aclosing(watch.changes()) as changes:
        async for message in changes:
            yield read_record(stream.bucket, message)


class _Watch:
    """One watch. Its fields are its state."""

    def __init__(self, stream: BucketStream) -> None:
        self._stream = stream
        self._pattern = ""
        self._time = datetime.now(UTC)
        """When it began, by the server's clock."""
        self.begun = 0
        """The last sequence at that moment."""
        self._created: object = None
        """When the stream was created: the bucket may be made anew."""
        self._given: deque[tuple[int, datetime]] = deque(maxlen=_BACK)
        """Sequence and time of the latest changes that were yielded."""
        self._troubled = False
        self._patience = stream.patience()
        self._arrived: deque[Stored] = deque()
        self._news = asyncio.Event()
        self._error: NatsobjError | None = None
        self._delivered = 0
        """Messages received from the current consumer."""
        self._wanted = 0
        """Messages that the current request may still bring."""

    async def begin(self) -> None:
        """Note the current end of the stream."""
        state = await self._stream.info()
        mirror = state["config"].get("mirror")  # an empty one does not know the names in its subjects yet
        self._pattern = names.metadata_filter("*" if mirror else await self._stream.root())
        self.begun, self._created = state["state"]["last_seq"], state.get("created")
        self._time = streams.parse_time(state["ts"]) or self._time

    async def changes(self) -> AsyncGenerator[Stored, None]:
        """Iterate over what follows the beginning, each once."""
        polling = False
        while True:
            connection = self._stream.connection
            try:
                first = await self._first()
                async with aclosing(self._poll(first) if polling else self._consume(first)) as messages:
                    async for message in messages:
                        if not self._was_given(message):
                            self._given.append((message.sequence, message.time))
                            yield message
            except NoConsumer:
                polling = True
            except PermissionDenied:
                if polling:
                    raise
                polling = True
            except PASSING as e:
                self._troubled = True
                await self._patience.wait(e, connection)

    async def _first(self) -> int:
        """Return the sequence to begin at."""
        state = await self._stream.info()
        if state.get("created") != self._created:
            self._created, self.begun = state.get("created"), 0
            self._given.clear()
        if not self._troubled:
            return self._given[-1][0] + 1 if self._given else self.begun + 1
        last: int = state["state"]["last_seq"]
        known = self._given[0][0] if len(self._given) == _BACK else self.begun - _BACK
        return max(1, min(known, last + 1))

    def _was_given(self, message: Stored) -> bool:
        if (message.sequence, message.time) in self._given:
            return True
        return message.sequence <= self.begun and message.time <= self._time

    async def _poll(self, first: int) -> AsyncGenerator[Stored, None]:
        """Poll by Direct Get, as long as it is the same stream."""
        while (await self._stream.info()).get("created") == self._created:
            async with aclosing(self._stream.direct(self._pattern, sequence=first)) as messages:
                async for message in messages:
                    first = message.sequence + 1
                    yield message
            self._patience.moved()
            await asyncio.sleep(_POLL)

    async def _consume(self, first: int) -> AsyncGenerator[Stored, None]:
        """Receive messages from a pull consumer, as long as it sends heartbeats."""
        js = self._stream.js
        self._arrived.clear()
        self._error, self._delivered, self._wanted = None, 0, 0
        async with (
            js.consumer(self._stream.name, self._pattern, begin=first) as consumer,
            js.connection.subscribe(self._take) as inbox,
        ):
            with js.connection.watch(consumer.next_subject, self._fail):
                while True:
                    if self._wanted <= 0 and not self._arrived:
                        await self._ask(consumer, inbox)
                    await self._wait()
                    while self._arrived:
                        yield self._arrived.popleft()

    async def _ask(self, consumer: Consumer, inbox: str) -> None:
        beat = max(0.1, min(self._stream.timeout / _HEARTBEATS, _WAIT / 2))
        query = {"batch": _BATCH, "expires": _WAIT * 10**9, "idle_heartbeat": int(beat * 10**9)}
        await self._stream.connection.publish(consumer.next_subject, json.dumps(query).encode(), reply=inbox)
        self._wanted = _BATCH

    async def _wait(self) -> None:
        """Wait for a message, the end of the request, or a heartbeat."""
        timeout = self._stream.timeout
        try:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        except TimeoutError:
            raise RequestTimeout(f"watching {self._stream.bucket}", timeout) from None
        self._news.clear()
        if self._error is not None and not self._arrived:
            raise self._error
        self._patience.moved()

    def _take(self, subject: str, reply: str, headers: Mapping[str, str], payload: memoryview) -> None:
        if self._error is None:
            if "$JS.ACK." in reply:
                self._take_message(subject, reply, headers, payload)
            elif (status := headers.get("Status")) in {"404", "408"}:
                self._wanted = 0
            elif status != "100":
                self._error = JetStreamUnavailable(
                    f"the consumer ended: {headers.get('Description', status)}"
                )
        self._news.set()

    def _take_message(
        self, subject: str, reply: str, headers: Mapping[str, str], payload: memoryview
    ) -> None:
        told = delivery(reply)
        self._delivered += 1
        self._wanted -= 1
        if told.number != self._delivered:
            self._error = JetStreamUnavailable("messages are missing on the way")
            return
        data = bytes(payload)
        marker = not data and any(name.lower() == "nats-marker-reason" for name in headers)
        self._arrived.append(Stored(subject, told.sequence, told.time, data, marker))

    def _fail(self, error: NatsobjError) -> None:
        self._error = self._error or error
        self._news.set()
