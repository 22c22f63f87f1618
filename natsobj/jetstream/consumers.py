"""Pull consumers (ADR-37): creating and deleting them, and reading many messages by one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from natsobj.adr20 import names
from natsobj.connection import Connection, Connector, TimedEvent, take_time
from natsobj.errors import (
    BucketNotFound,
    JetStreamUnavailable,
    MalformedAnswer,
    NatsobjError,
    PermissionDenied,
    RefusedError,
    ServerError,
    TemporaryError,
)
from natsobj.jetstream import shapes
from natsobj.jetstream.calls import Calls
from natsobj.jetstream.direct import BATCH, BATCH_BYTES, Stored, seconds_of

__all__ = ["Consumer", "ConsumerCalls", "Delivery", "NoConsumer", "delivery", "pull"]

_MOMENT = 1.0
"""Seconds that the deletion of a consumer may take. It also expires by itself."""

_LONGEST_FILTER = 3500
"""The longest filter in an API subject: the server hangs up on a control line above 4,096 bytes."""

_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


class NoConsumer(Exception):
    """The server does not let us create a consumer; Direct Get reads the same messages."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A pull consumer that is ready for requests."""

    next_subject: str
    pending: int
    """Messages that it has to deliver."""


class Delivery(NamedTuple):
    """The position of a message, as its reply subject says."""

    sequence: int
    number: int
    """Counts the consumer's messages from 1."""
    time: datetime
    pending: int
    """How many follow it."""


def delivery(reply: str) -> Delivery:
    """Read `$JS.ACK...`.

    A domain and an account may precede the stream, and one more token may follow at the end.

    Raises:
        MalformedAnswer: it is something else.
    """
    tokens = reply.split(".")
    # $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<number>.<time>.<pending>, or with
    # <domain>.<account> before the stream
    start = 5 if len(tokens) < 11 else 7
    try:
        sequence, number, time, pending = map(int, tokens[start : start + 4])
        return Delivery(sequence, number, _EPOCH + time // 1000 * _MICROSECOND, pending)
    except (ValueError, OverflowError) as e:
        raise MalformedAnswer("a consumer's message") from e


class ConsumerCalls(Calls):
    """Creates consumers, and makes sure that none is left."""

    def __init__(self, connector: Connector) -> None:
        super().__init__(connector)
        self._used: set[str] = set()
        """The API calls that delete the consumers in use, or about to be deleted."""
        self._leftover: set[str] = set()
        """The API calls that delete consumers not known to be gone."""

    @contextlib.asynccontextmanager
    async def consumer(
        self,
        stream: str,
        subject: str,
        *,
        begin: int | Literal["last"],
        headers_only: bool = False,
    ) -> AsyncIterator[Consumer]:
        """Create a pull consumer for the messages of a subject or filter, and delete it at the end.

        Args:
            begin: a sequence, or the last message; newer ones follow.
            headers_only: messages come without their bytes, which `Nats-Msg-Size` counts.

        Raises:
            NoConsumer: the server refuses one (a limit, the retention), or the subject is too long to ask.
            PermissionDenied: consumers are not for us; Direct Get serves as well.
        """
        if len(subject) > _LONGEST_FILTER:
            raise NoConsumer("the subject is too long")
        name = names.new_nuid()
        config = {
            "name": name,
            **_deliver(begin),
            "ack_policy": "none",
            "max_deliver": 1,
            "filter_subject": subject,
            "replay_policy": "instant",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": 10_000_000_000,  # ns; in case the deletion below is lost
            "headers_only": headers_only,
        }
        request = {"stream_name": stream, "config": config, "action": "create"}
        delete = f"CONSUMER.DELETE.{stream}.{name}"
        api = f"CONSUMER.CREATE.{stream}.{name}.{subject}"
        stopped = False
        self._used.add(delete)
        creating = asyncio.ensure_future(self._call(api, request, stream=stream, again=True))
        try:
            try:
                answer = await asyncio.shield(creating)
            except (ServerError, RefusedError, MalformedAnswer) as e:
                raise NoConsumer(str(e)) from e
            pending = shapes.fit(answer, shapes.CONSUMER, "CONSUMER.CREATE").get("num_pending", 0)
            yield Consumer(f"{self._prefix}.CONSUMER.MSG.NEXT.{stream}.{name}", pending)
        except asyncio.CancelledError:
            stopped = True
            raise
        finally:
            self._leftover.add(delete)
            deleting = asyncio.ensure_future(self._tidy(stream, creating))
            deleting.add_done_callback(lambda _: self._used.discard(delete))
            try:
                await asyncio.shield(deleting)
            except asyncio.CancelledError:
                if not stopped:  # the cancellation came too late: the transfer was over
                    await asyncio.wait([deleting])
                raise

    async def pending(self, stream: str, pattern: str, *, begin: int = 1) -> int:
        """Return how many messages at or after a sequence match a filter; raises what `consumer` raises."""
        async with self.consumer(stream, pattern, begin=begin, headers_only=True) as consumer:
            return consumer.pending

    async def abandon(self) -> None:
        """Delete all consumers, for the connection is about to be closed; a moment at most.

        They are those of iterators that were left in the middle and not closed. The answers are waited for: a
        server may drop what a client that is gone has asked for.
        """
        deleting = [self._call(each, timeout=self._moment) for each in self._used]
        await asyncio.gather(*deleting, return_exceptions=True)

    @property
    def _moment(self) -> float:
        """Seconds for one deletion, short enough to leave time for another over a new connection."""
        return min(_MOMENT, self.connector.timeout / 3)

    async def _tidy(self, stream: str, creating: asyncio.Future[dict[str, Any]]) -> None:
        """Delete the remaining consumers, within one timeout: later they expire by themselves."""
        take_time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.connector.timeout):
                await self._delete_leftover(stream, creating)

    async def _delete_leftover(self, stream: str, creating: asyncio.Future[dict[str, Any]]) -> None:
        """Delete the remaining consumers, including those whose connection was lost."""
        if not creating.done():  # the deletion could overtake the creation
            await asyncio.wait([creating], timeout=self._moment)
            creating.cancel()
            await asyncio.gather(creating, return_exceptions=True)
        for each in list(self._leftover):
            if not self.connector.is_open():  # an iterator was left open for longer than its store
                return
            connection, asked_at = self.connection, time.monotonic()
            gone = await self._deleted(stream, each)
            if not gone and self.connector.is_open() and not connection.has_heard_since(asked_at):
                with contextlib.suppress(TemporaryError):  # the connection is in doubt: over another one
                    await self.connector.renew(connection)
                    await self._deleted(stream, each)

    async def _deleted(self, stream: str, delete: str) -> bool:
        """Return whether a consumer is gone now."""
        try:
            await self._call(delete, stream=stream, again=True, timeout=self._moment)
        except TemporaryError:
            return False
        except (ServerError, BucketNotFound, PermissionDenied):  # it was gone already, or never existed
            pass
        self._leftover.discard(delete)
        return True


def _deliver(begin: int | str) -> dict[str, object]:
    if isinstance(begin, str):
        return {"deliver_policy": begin}
    return {"deliver_policy": "by_start_sequence", "opt_start_seq": begin}


async def pull(connection: Connection, consumer: Consumer, stream: str) -> AsyncGenerator[list[Stored], None]:
    """Iterate over all messages of a consumer, by as many as have arrived: never none.

    At a million messages it costs a server a tenth of what Direct Get does. As there, a batch is asked for as
    soon as the one before it has come.

    Raises:
        NoConsumer: a message is too large for it.
        PermissionDenied: its messages are not for us.
        JetStreamUnavailable: the consumer is gone.
        RequestTimeout: nothing moved for one timeout.
    """
    arrivals = _Arrivals()
    query = b'{"batch":%d,"max_bytes":%d,"no_wait":true}' % (BATCH, BATCH_BYTES)
    async with connection.subscribe(arrivals.take) as inbox:
        with connection.watch(consumer.next_subject, arrivals.fail):
            more: bool | None = consumer.pending > 0
            if more:
                await connection.publish(consumer.next_subject, query, reply=inbox)
            while more is not False:
                await connection.until(arrivals.event, f"reading {stream}")
                messages, more = arrivals.take_all()
                if more:  # requested before these are processed
                    await connection.publish(consumer.next_subject, query, reply=inbox)
                if messages:
                    yield messages


class _Arrivals:
    """What has arrived of the last batch that was requested."""

    def __init__(self) -> None:
        self._messages: list[Stored] = []
        self._number = 0
        """Messages received so far."""
        self._came = 0
        """Messages received of this batch."""
        self._more: bool | None = None
        """Whether more may follow this batch; None until it has ended."""
        self._error: Exception | None = None
        self.event = TimedEvent()
        """Set when something has arrived."""

    def take(self, subject: str, reply: str, headers: Mapping[str, str], payload: memoryview) -> None:
        """Take a message, or the status that comes instead."""
        try:
            if "$JS.ACK." in reply:
                self._add(subject, delivery(reply), headers, bytes(payload))
            else:
                self._end(headers.get("Status", ""), headers.get("Description", ""))
        except (NatsobjError, NoConsumer) as e:
            self._error = self._error or e
        self.event.set()

    def _add(self, subject: str, where: Delivery, headers: Mapping[str, str], data: bytes) -> None:
        if where.number != self._number + 1:
            raise JetStreamUnavailable("messages are missing on the way")
        self._number, self._came = where.number, self._came + 1
        marker = not data and "Nats-Marker-Reason" in headers
        ttl = seconds_of(headers.get("Nats-TTL"))
        self._messages.append(Stored(subject, where.sequence, where.time, data, marker, where.pending, ttl))
        if where.pending == 0:
            self._more = False
        elif self._came == BATCH:
            self._more = True

    def _end(self, status: str, why: str) -> None:
        if self._more is not None:  # the batch has come
            return
        if status in {"404", "408"}:
            self._more = self._came > 0
        elif status == "409" and "maxbytes" in why.casefold():
            if not self._came:
                raise NoConsumer("a message is larger than a batch")
            self._more = True
        else:
            raise JetStreamUnavailable(f"JetStream: {why or status}")

    def fail(self, error: NatsobjError) -> None:
        """Note an error: nothing more will arrive."""
        self._error = self._error or error
        self.event.set()

    def take_all(self) -> tuple[list[Stored], bool | None]:
        """Return the messages that have arrived and, once the batch has ended, whether more follow."""
        self.event.clear()
        if self._error is not None:
            raise self._error
        messages, self._messages = self._messages, []
        more = self._more
        if more is not None:
            self._more, self._came = None, 0
        return messages, more
