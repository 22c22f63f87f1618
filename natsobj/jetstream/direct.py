"""Direct Get (ADR-31): the messages of a filter in stream order, from any replica and without a consumer."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import NamedTuple

from natsobj.adr20 import streams
from natsobj.connection import Connection, Message, TimedEvent
from natsobj.errors import InvalidArgument, MalformedAnswer, NatsobjError, ServerError
from natsobj.jetstream import shapes
from natsobj.jetstream.codes import check_load
from natsobj.units import parse_duration

__all__ = ["BATCH", "NotServed", "Stored", "direct_get", "is_of", "only_payload", "seconds_of", "stored"]

BATCH = 4000
"""The most messages of one request. Not few: for each request the server counts all matches again."""

BATCH_BYTES = 4 * 1024 * 1024
"""The most bytes of one request, apart from a single larger message."""

_EPOCH = datetime.fromtimestamp(0, UTC)


class Stored(NamedTuple):
    """One stored message."""

    subject: str
    sequence: int
    time: datetime
    data: bytes
    marker: bool = False
    """Whether it is the server's note that the subject expired (ADR-43)."""
    pending: int | None = None
    """How many matches follow it, if the answer says so."""
    ttl: int = 0
    """Its lifetime in seconds; 0 is for ever."""


def seconds_of(ttl: str | None) -> int:
    """Read the header `Nats-TTL` (ADR-43); anything but a duration counts as for ever."""
    try:
        return math.ceil(parse_duration(ttl).total_seconds()) if ttl else 0
    except InvalidArgument:
        return 0


class NotServed(Exception):
    """The stream does not allow Direct Get, or there is no such stream."""


async def direct_get(
    connection: Connection, prefix: str, stream: str, subject: str, *, sequence: int, most: int
) -> AsyncGenerator[list[Stored], None]:
    """Iterate over the messages at or after a sequence, by as many as have arrived: never none.

    The next batch is requested when one has arrived, before it is processed. So neither side waits for the
    other, and at most two batches are in memory.

    Args:
        prefix: what the subjects of JetStream's API begin with.
        most: the most messages to read; no more are transferred.

    Raises:
        NotServed: the stream does not serve Direct Get.
        RequestTimeout: nothing moved for one timeout.
    """
    api = f"{prefix}.DIRECT.GET.{stream}"
    arrivals = _Arrivals(subject, min(most, BATCH))

    async def ask() -> None:
        arrivals.expect(sequence)
        batch = min(most - came, BATCH)
        query = {"seq": sequence, "next_by_subj": subject, "batch": batch, "max_bytes": BATCH_BYTES}
        await connection.publish(api, json.dumps(query).encode(), reply=inbox)

    with connection.receive(arrivals.take, api, arrivals.fail) as inbox:
        came = 0
        await ask()
        more: bool | None = None
        while more is not False:
            await connection.until(arrivals.event, f"reading {stream}")
            messages, end = arrivals.take_all()
            if messages:
                sequence, came = messages[-1].sequence + 1, came + len(messages)
            more = arrivals.more(end) if end is not None else None
            if came >= most:
                more = False
            elif more:
                await ask()
            if messages:
                yield messages


async def only_payload(connection: Connection, prefix: str, stream: str, subject: str) -> bytes | None:
    """Return the payload of the only message of a subject; None if it has none, or more, or it is not served.

    Raises:
        JetStreamUnavailable: too much is asked of the server at once.
        RequestTimeout: nothing moved for one timeout.
    """
    api = f"{prefix}.DIRECT.GET.{stream}"
    query = f'{{"seq":1,"next_by_subj":{json.dumps(subject)},"batch":1}}'  # a batch tells how many follow
    with connection.answers(api) as answers:
        await connection.publish(api, query.encode(), reply=answers.inbox)
        await connection.until(answers.arrived, f"reading {stream}")
        message = await answers.next(0)
    headers = message.headers
    if "Nats-Sequence" not in headers:
        check_load(message)
    only = headers.get("Nats-Subject") == subject and headers.get("Nats-Num-Pending") == "0"
    return message.data if only else None


class _Arrivals:
    """What has arrived of the requested batches; it is checked against the request."""

    def __init__(self, pattern: str, batch: int) -> None:
        self._pattern = pattern
        self._batch = batch
        self._least = 1
        """No message may have a sequence below this one."""
        self._left = 0
        """How many more messages the current batch may have."""
        self._messages: list[Stored] = []
        self._end: Message | None = None
        self._error: NatsobjError | None = None
        self.event = TimedEvent()
        """Set when something has arrived."""

    def expect(self, sequence: int) -> None:
        """Expect one batch of messages at or after a sequence."""
        self._least, self._left = sequence, self._batch

    def take(self, message: Message) -> None:
        """Take an answer: a stored message, or the end of a batch."""
        try:
            if "Nats-Sequence" in message.headers:
                self._add(stored(message, _WHAT))
            elif message.status:
                self._end = message
            else:
                raise MalformedAnswer(_WHAT)
        except MalformedAnswer as e:
            self.fail(e)
        self.event.set()

    def _add(self, message: Stored) -> None:
        if message.sequence < self._least or not self._left or not is_of(message.subject, self._pattern):
            raise MalformedAnswer(_WHAT)
        self._least = message.sequence + 1
        self._left -= 1
        if self._error is None:
            self._messages.append(message)

    def fail(self, error: NatsobjError) -> None:
        """Note an error: nothing more will arrive."""
        self._error = self._error or error
        self.event.set()

    def take_all(self) -> tuple[list[Stored], Message | None]:
        """Return the messages that have arrived, and the end of the batch if it has ended."""
        self.event.clear()
        messages, self._messages = self._messages, []
        end, self._end = self._end, None
        if self._error is not None and (end is None or isinstance(self._error, MalformedAnswer)):
            raise self._error
        return messages, end

    def more(self, end: Message) -> bool:
        """Return whether more messages follow a batch.

        Raises:
            NotServed: the stream does not serve Direct Get.
            MalformedAnswer: there is more, and nothing has come.
            JetStreamUnavailable: too much is asked of the server at once.
            ServerError: the server did not like the question.
        """
        if end.status == "204":
            behind = shapes.number(end.headers.get("Nats-Num-Pending", "0"), _WHAT)
            if behind and self._left == self._batch:
                raise MalformedAnswer(_WHAT)
            return behind > 0
        if end.status == "404":
            return False
        if end.status == "503":
            raise NotServed
        check_load(end)
        raise ServerError(f"direct get: {end.status} {end.headers.get('Description')}")


_WHAT = "direct get"


def stored(message: Message, what: str) -> Stored:
    """Read a stored message from an answer of Direct Get.

    Raises:
        MalformedAnswer: it has not all that it should.
    """
    headers = message.headers
    behind = headers.get("Nats-Num-Pending")
    try:
        time = streams.parse_time(headers["Nats-Time-Stamp"])
        subject = headers["Nats-Subject"]
    except (KeyError, ValueError, OverflowError) as e:
        raise MalformedAnswer(what) from e
    return Stored(
        subject,
        shapes.number(headers["Nats-Sequence"], what),
        time or _EPOCH,
        message.data,
        not message.data and "Nats-Marker-Reason" in headers,
        None if behind is None else shapes.number(behind, what),
        seconds_of(headers.get("Nats-TTL")),
    )


def is_of(subject: str, pattern: str) -> bool:
    """Return whether a filter matches a message's subject."""
    if pattern.endswith(".>") and "*" not in pattern:  # the filter of a whole list
        return subject.startswith(pattern[:-1])
    tokens, parts = pattern.split("."), subject.split(".")
    if tokens[-1] == ">" and len(parts) >= len(tokens):
        del tokens[-1], parts[len(tokens) :]
    return len(tokens) == len(parts) and all(map(_same, tokens, parts))


def _same(token: str, part: str) -> bool:
    return token in ("*", part)
