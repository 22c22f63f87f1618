"""The JetStream API calls that the store is built on, typed.

Every read is asked again each second while nothing is heard, for a server without a leader drops requests
without a word. ADR-31 describes Direct Get, ADR-37 the pull consumer.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from natsobj.adr20 import streams
from natsobj.connection import PASSING, Patience
from natsobj.errors import MalformedAnswer, PermissionDenied, RequestTimeout, ServerError
from natsobj.jetstream import shapes
from natsobj.jetstream.codes import NO_MESSAGE, Ack, check_load, read_ack
from natsobj.jetstream.consumers import ConsumerCalls, NoConsumer, pull
from natsobj.jetstream.direct import NotServed, Stored, direct_get, is_of, only_payload, seconds_of, stored
from natsobj.jetstream.stream_calls import StreamCalls

log = logging.getLogger(__name__)

_SECOND_ACK = 0.2
"""Seconds to wait for our domain's ack after a refusal that may be another domain's."""

NEVER_SEQUENCE = 2**63 - 1

_TTL = re.compile(rb"\r\nNats-TTL:[ \t]*([^\r]*)\r\n", re.IGNORECASE)
_MARKER = re.compile(rb"\r\nNats-Marker-Reason:", re.IGNORECASE)


class JetStream(StreamCalls, ConsumerCalls):
    """The API of one account and domain: the calls about streams and consumers, and here messages."""

    async def last_message(self, stream: str, subject: str) -> Stored | None:
        """Return the last message of a subject, from the leader: what was written is seen at once."""
        return await self._message(stream, {"last_by_subj": subject})

    async def next_message(self, stream: str, subject: str, sequence: int) -> Stored | None:
        """Return the first message of a subject at or after a sequence, from the leader."""
        return await self._message(stream, {"seq": sequence, "next_by_subj": subject})

    async def _message(self, stream: str, query: Mapping[str, object]) -> Stored | None:
        api = f"STREAM.MSG.GET.{stream}"
        try:
            answer = await self._call(api, query, stream=stream, again=True)
        except ServerError as e:
            if e.code == NO_MESSAGE:
                return None
            raise
        message = shapes.fit(answer.get("message"), shapes.MESSAGE, api)
        shapes.has(message, "subject seq time", api)
        wanted = query.get("last_by_subj") or query["next_by_subj"]
        if not is_of(message["subject"], str(wanted)) or message["seq"] < query.get("seq", 1):
            raise MalformedAnswer(api)
        headers, data = message.get("hdrs", b""), message.get("data", b"")
        return Stored(
            subject=message["subject"],
            sequence=message["seq"],
            time=streams.parse_time(message["time"]) or datetime.fromtimestamp(0, UTC),
            data=data,
            marker=not data and _MARKER.search(headers) is not None,
            ttl=seconds_of(ttl[1].decode(errors="replace")) if (ttl := _TTL.search(headers)) else 0,
        )

    async def last_messages(self, stream: str, subjects: Sequence[str]) -> list[Stored] | None:
        """Return the last message of each of these subjects, if it has one, from any replica (ADR-31).

        None if Direct Get, which alone can ask for several subjects, is not served or not allowed.
        """
        api = f"{self._prefix}.DIRECT.GET.{stream}"
        query = json.dumps({"multi_last": list(subjects)}, ensure_ascii=False).encode()
        found: list[Stored] = []
        deadline = time.monotonic() + self.connector.timeout
        with self.connection.answers(api) as answers:
            await self.connection.publish(api, query, reply=answers.inbox)
            while True:
                try:
                    message = await answers.next(max(0.0, deadline - time.monotonic()))
                except TimeoutError:
                    raise RequestTimeout(api, self.connector.timeout) from None
                except PermissionDenied:
                    return None
                if "Nats-Sequence" in message.headers:
                    found.append(stored(message, api))
                    if found[-1].subject not in subjects or len(found) > len(subjects):
                        raise MalformedAnswer(api)
                else:
                    check_load(message)
                    return found if message.status in ("204", "404") else None

    async def matching(self, stream: str, subject: str) -> int | None:
        """Return how many messages a filter matches; None if the stream does not serve Direct Get."""
        query = {"seq": 1, "next_by_subj": subject, "batch": 1}
        message = await self._request(
            f"{self._prefix}.DIRECT.GET.{stream}", json.dumps(query).encode(), again=True, timeout=None
        )
        if message.status == "404":
            return 0
        behind = message.headers.get("Nats-Num-Pending")
        return None if behind is None else shapes.number(behind, f"DIRECT.GET.{stream}") + 1

    async def only_payload(self, stream: str, subject: str) -> bytes | None:
        """Return the payload of the only message of a subject as any replica has it; None if unsure."""
        return await only_payload(self.connection, self._prefix, stream, subject)

    async def direct_messages(
        self,
        stream: str,
        subject: str,
        *,
        sequence: int = 1,
        most: int = sys.maxsize,
        patience: Patience | None = None,
    ) -> AsyncGenerator[Stored, None]:
        """Iterate over the messages of a filter in stream order, without a consumer (ADR-31).

        Any replica may answer, so the newest may be missing. A stream without `allow_direct` is read one
        message at a time from its leader. After trouble that may pass it goes on after the last message.

        Args:
            most: the most messages to read; more are transferred only after trouble.
            patience: the caller's; then the caller reports progress to it.
        """
        waiting = patience or Patience(self.connector)
        while True:
            connection = self.connection
            arrivals = direct_get(connection, self._prefix, stream, subject, sequence=sequence, most=most)
            try:
                async with contextlib.aclosing(arrivals):
                    async for messages in arrivals:
                        sequence = messages[-1].sequence + 1
                        for message in messages:
                            yield message
                        if patience is None:  # whoever takes them slowly does not use it up
                            waiting.moved()
                return
            except NotServed:
                break
            except PASSING as e:
                await waiting.wait(e, connection)
        log.debug("%s: no direct get, reading one by one", stream)
        while (found := await waiting.of(partial(self.next_message, stream, subject, sequence))) is not None:
            yield found
            sequence = found.sequence + 1

    async def many_messages(self, stream: str, pattern: str) -> AsyncGenerator[Stored, None]:
        """Iterate over the messages of a filter as `direct_messages` does, for very many messages.

        A consumer reads them, or Direct Get if a consumer cannot be created.
        """
        patience, sequence = Patience(self.connector), 1
        while True:
            connection = self.connection
            try:
                async with (
                    self.consumer(stream, pattern, begin=sequence) as consumer,
                    contextlib.aclosing(pull(connection, consumer, stream)) as arrivals,
                ):
                    async for messages in arrivals:
                        sequence = messages[-1].sequence + 1
                        for message in messages:
                            yield message
                        patience.moved()
                return
            except (NoConsumer, PermissionDenied) as e:
                log.debug("%s: no consumer is to be had, reading by direct get: %s", stream, e)
                break
            except PASSING as e:
                await patience.wait(e, connection)
        rest = self.direct_messages(stream, pattern, sequence=sequence, patience=patience)
        async with contextlib.aclosing(rest):
            async for each in rest:
                yield each

    async def publish(
        self,
        subject: str,
        payload: bytes,
        headers: Mapping[str, str],
        *,
        timeout: float | None = None,
        acker: tuple[str, str] | None = None,
    ) -> Ack:
        """Publish one message and return the server's ack or refusal.

        Args:
            timeout: seconds to wait, the timeout by default.
            acker: the stream and domain that must have stored it. A refusal does not say whose it is, so the
                right stream gets a moment more after one.

        Raises:
            RequestTimeout: no answer came; the message may be stored nevertheless.
        """
        timeout = self.connector.timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout
        refused: Ack | None = None
        with self.connection.answers(subject) as answers:
            await self.connection.publish(subject, payload, reply=answers.inbox, headers=headers)
            while (left := deadline - time.monotonic()) > 0:
                try:
                    ack = read_ack(await answers.next(left))
                except TimeoutError:
                    break
                if ack.code == 0 and acker in (None, (ack.stream, ack.domain)):
                    return ack
                if ack.code and not (acker and acker[1]):
                    return ack
                if ack.code and refused is None:
                    refused, deadline = ack, min(deadline, time.monotonic() + _SECOND_ACK)
        if refused is None:
            raise RequestTimeout(subject, timeout)
        return refused
