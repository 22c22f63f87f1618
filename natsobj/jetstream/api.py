"""The JetStream API calls that the store is built on, typed.

Every read is asked again each second while nothing is heard, for a server without a leader drops requests
without a word. ADR-31 describes Direct Get, ADR-37 the pull consumer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from natsobj.adr20 import names, streams
from natsobj.connection import (
    ASK_AGAIN,
    PASSING,
    Connection,
    Connector,
    Message,
    Patience,
    take_time,
    time_left,
)
from natsobj.errors import (
    BucketFull,
    BucketNotFound,
    ConfigRefused,
    JetStreamUnavailable,
    MalformedAnswer,
    PermissionDenied,
    RefusedError,
    RequestTimeout,
    ServerError,
    ServerUnavailable,
    TemporaryError,
)
from natsobj.jetstream import shapes
from natsobj.jetstream.codes import NO_MESSAGE, Ack, api_error, read_ack
from natsobj.jetstream.consumers import Consumer, NoConsumer, pull
from natsobj.jetstream.direct import NotServed, Stored, direct_get, is_of, seconds_of, stored
from natsobj.jetstream.subjects import SubjectPage

log = logging.getLogger(__name__)

_SECOND_ACK = 0.2
"""Seconds in which the stream of a domain answers behind another domain's refusal."""

_MOMENT = 1.0
"""Seconds that the deletion of a consumer may take: the transfer is over, and it ends by itself later on."""

_PAUSE = 0.1  # seconds before a lost connection is replaced

_BEHIND_ALL = 1_000_000_000
"""An offset behind all subjects: the answer has their number only."""

_SLOW = 3
"""Timeouts that an answer may take which costs the server work for each of very many subjects."""

_PAGE = 100_000
"""Subjects that STREAM.INFO gives at once; only the last page has fewer."""

_MORE_SUBJECTS, _MORE_STREAMS = 1_000_000, 10_000
"""How many may be added while they are listed."""

NEVER_SEQUENCE = 2**63 - 1

_LONGEST_FILTER = 3500
"""Bytes of a filter that stands in an API subject: with a control line above 4,096 the server hangs up."""

_TTL = re.compile(rb"\r\nNats-TTL:[ \t]*([^\r]*)\r\n", re.IGNORECASE)
_MARKER = re.compile(rb"\r\nNats-Marker-Reason:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subjects:
    """How many messages a stream keeps for each subject, and its last sequence."""

    counts: Mapping[str, int]
    last_sequence: int
    replicas: int
    """Of the stream."""


class JetStream:
    """The API of one account and domain over one connector."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self._prefix = connector.settings.api_prefix
        self._leftover: set[str] = set()
        """API calls that delete consumers which are not known to be gone."""

    @property
    def connection(self) -> Connection:
        """The connection in use; a lost one is replaced by whoever finds out."""
        return self.connector.connection

    # Streams

    async def stream_info(self, stream: str, *, count: str | None = None) -> dict[str, Any]:
        """Return configuration and state of a stream, from its leader.

        Args:
            count: a filter; `total` is the number of subjects that match it, and absent for none.

        Raises:
            BucketNotFound: there is no such stream.
        """
        request = None if count is None else {"subjects_filter": count, "offset": _BEHIND_ALL}
        return await self._stream_info(stream, request)

    async def count_subjects(self, stream: str, pattern: str, *, many: bool) -> int:
        """Return how many subjects match a filter, from the leader.

        Args:
            many: it may take the server seconds: it is asked once, and waited for.
        """
        request = {"subjects_filter": pattern, "offset": _BEHIND_ALL}
        answer = await self._stream_info(
            stream, request, patience=_SLOW * self.connector.timeout if many else None
        )
        return int(answer.get("total", 0))

    async def _stream_info(
        self, stream: str, request: Mapping[str, object] | None, *, patience: float | None = None
    ) -> dict[str, Any]:
        api = f"STREAM.INFO.{stream}"
        answer = await self._call(api, request, stream=stream, again=patience is None, patience=patience)
        return _checked_stream(shapes.fit(answer, shapes.STREAM, api), api, stream)

    async def subject_counts(self, stream: str, subject: str, *, least: int = 1) -> Subjects:
        """Return the number of messages of each subject that matches and has `least`, from the leader.

        Raises:
            MalformedAnswer: the pages have no end.
        """
        counts: dict[str, int] = {}
        offset, most = 0, _MORE_SUBJECTS
        while True:
            answer = await self._stream_info(stream, {"subjects_filter": subject, "offset": offset})
            page, total = answer["state"].get("subjects") or {}, answer.get("total", 0)
            counts |= {name: count for name, count in page.items() if count >= least}
            most = most if offset else total + _MORE_SUBJECTS
            offset += len(page)
            if not page or offset >= total:
                replicas = answer["config"].get("num_replicas", 1)
                return Subjects(counts, answer["state"]["last_seq"], replicas)
            if len(page) < min(answer.get("limit", _PAGE), _PAGE) or offset > most:
                raise MalformedAnswer(f"STREAM.INFO.{stream}")

    async def subject_pages(self, stream: str, subject: str) -> AsyncGenerator[SubjectPage, None]:
        """Iterate over all that `subject_counts` gives, in flat memory; changes may be missed.

        Each page is asked for once and waited for: at a million subjects it takes a server seconds, and it
        hangs up on a reader for whom the answer is too large.
        """
        api, offset, total = f"STREAM.INFO.{stream}", 0, 1
        while offset < total:
            request = json.dumps({"subjects_filter": subject, "offset": offset}).encode()
            page = SubjectPage((await self._ask(api, request, patience=_SLOW * self.connector.timeout)).data)
            answer = shapes.fit(_read_answer(page.rest(), api, stream), shapes.STREAM, api)
            offset, total = offset + _PAGE, min(answer.get("total", 0), total if offset else sys.maxsize)
            if page.is_empty and offset < total:
                raise MalformedAnswer(api)
            yield page

    async def count(self, stream: str, subject: str) -> int:
        """Return how many messages of one subject are stored, from the leader."""
        return (await self.subject_counts(stream, subject)).counts.get(subject, 0)

    async def streams(self) -> AsyncIterator[dict[str, Any]]:
        """Iterate over all streams; of one that the cluster cannot reach only the name is there.

        Raises:
            MalformedAnswer: the pages have no end.
        """
        pages = _Pages("STREAM.LIST")
        while not pages.done:
            answer = await self._call("STREAM.LIST", {"offset": pages.offset}, again=True)
            answer = shapes.fit(answer, shapes.STREAM_LIST, "STREAM.LIST")
            page = [_checked_stream(stream, "STREAM.LIST") for stream in answer.get("streams", ())]
            missing = answer.get("missing", ())
            fresh = pages.turn([*(stream["config"]["name"] for stream in page), *missing], answer)
            for stream in page:
                if stream["config"]["name"] in fresh:
                    yield stream
            for name in missing:
                if name in fresh:
                    yield {"config": {"name": name}, "missing": True}

    async def stream_names(self, limit: int | None = None) -> list[str]:
        """Return the names of all streams, or of the first `limit`.

        Raises:
            MalformedAnswer: the pages have no end.
        """
        pages = _Pages("STREAM.NAMES")
        names: list[str] = []
        while not pages.done and (limit is None or len(names) < limit):
            answer = await self._call("STREAM.NAMES", {"offset": pages.offset}, again=True)
            answer = shapes.fit(answer, shapes.STREAM_NAMES, "STREAM.NAMES")
            page = answer.get("streams", [])
            fresh = pages.turn(page, answer)
            names += [name for name in page if name in fresh]
        return names[:limit]

    async def create_stream(self, config: Mapping[str, object]) -> dict[str, Any]:
        """Create a stream; one that exists with equal settings is no error to the server."""
        name, api = str(config["name"]), f"STREAM.CREATE.{config['name']}"
        try:
            answer = shapes.fit(await self._call(api, config, stream=name), shapes.STREAM, api)
        except BucketFull as e:
            raise ConfigRefused(f"{e.bucket}: {e.reason}") from e
        return _checked_stream(answer, api, name)

    async def update_stream(self, config: Mapping[str, object]) -> dict[str, Any]:
        """Give a stream other settings and return its info; `config` is all of them."""
        name, api = str(config["name"]), f"STREAM.UPDATE.{config['name']}"
        try:
            answer = await self._call(api, config, stream=name, again=True)
        except BucketFull as e:
            raise ConfigRefused(f"{e.bucket}: {e.reason}") from e
        return _checked_stream(shapes.fit(answer, shapes.STREAM, api), api, name)

    async def delete_stream(self, stream: str) -> None:
        """Delete a stream and all it keeps."""
        api = f"STREAM.DELETE.{stream}"
        answer = await self._call(api, stream=stream)
        if answer.get("success") is not True:
            raise MalformedAnswer(api)

    async def purge(self, stream: str, subject: str, *, before: int | None = None, once: bool = False) -> int:
        """Remove all messages of a subject, or those before a sequence, and return how many they were.

        Args:
            once: ask for a second only, and not again: an answer that does not come is the caller's business.
        """
        request: dict[str, object] = {"filter": subject} | ({} if before is None else {"seq": before})
        patience = ASK_AGAIN if once else None
        api = f"STREAM.PURGE.{stream}"
        answer = await self._call(api, request, stream=stream, again=not once, patience=patience)
        answer = shapes.fit(answer, shapes.PURGED, api)
        if not answer.get("success"):
            raise MalformedAnswer(api)
        return int(answer.get("purged", 0))

    async def account(self) -> dict[str, Any]:
        """Return what the account uses and may use."""
        account: dict[str, Any] = shapes.fit(await self._call("INFO", again=True), shapes.ACCOUNT, "INFO")
        return account

    # Messages

    async def last_message(self, stream: str, subject: str) -> Stored | None:
        """Return the last message of a subject, from the leader: what was written is seen at once."""
        return await self._message(stream, {"last_by_subj": subject})

    async def next_message(self, stream: str, subject: str, sequence: int) -> Stored | None:
        """Return the first message of a subject at or behind a sequence, from the leader."""
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
        """Return the last message of each of these subjects that has one, from any replica (ADR-31).

        None where Direct Get, which can ask for several at once, is not served or not allowed.
        """
        api = f"{self._prefix}.DIRECT.GET.{stream}"
        query = json.dumps({"multi_last": list(subjects)}, ensure_ascii=False).encode()
        found: list[Stored] = []
        deadline = time.monotonic() + self.connector.timeout
        with self.connection.answers() as (inbox, answers), self.connection.watch(api, answers.fail):
            await self.connection.publish(api, query, reply=inbox)
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
                    return found if message.status in ("204", "404") else None

    async def matching(self, stream: str, subject: str) -> int | None:
        """Return how many messages a filter matches; None where Direct Get, which tells, is not served."""
        query = {"seq": 1, "next_by_subj": subject, "batch": 1}
        message = await self._request(
            f"{self._prefix}.DIRECT.GET.{stream}", json.dumps(query).encode(), again=True, patience=None
        )
        if message.status == "404":
            return 0
        behind = message.headers.get("Nats-Num-Pending")
        return None if behind is None else shapes.number(behind, f"DIRECT.GET.{stream}") + 1

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
        message at a time from its leader. After trouble that may pass it goes on behind the last message.

        Args:
            most: messages that are wanted; no more are moved, but after trouble.
            patience: the caller's, who then says what is progress.
        """
        waiting = patience or Patience(self.connector)
        while True:
            connection = self.connection
            messages = direct_get(connection, self._prefix, stream, subject, sequence=sequence, most=most)
            try:
                async with contextlib.aclosing(messages):
                    async for stored in messages:
                        if patience is None:
                            waiting.moved()
                        sequence = stored.sequence + 1
                        yield stored
                return
            except NotServed:
                break
            except PASSING as e:
                await waiting.wait(e, connection)
        log.debug("%s: no direct get, reading one by one", stream)
        while (
            message := await waiting.of(partial(self.next_message, stream, subject, sequence))
        ) is not None:
            yield message
            sequence = message.sequence + 1

    async def many_messages(self, stream: str, pattern: str) -> AsyncGenerator[Stored, None]:
        """Iterate over the messages of a filter as `direct_messages` does, for those that are very many.

        One consumer reads them; where none is to be had, Direct Get does.
        """
        patience, sequence = Patience(self.connector), 1
        while True:
            connection = self.connection
            try:
                async with (
                    self.consumer(stream, pattern, begin=sequence) as consumer,
                    contextlib.aclosing(pull(connection, consumer, stream)) as messages,
                ):
                    async for message in messages:
                        patience.moved()
                        sequence = message.sequence + 1
                        yield message
                return
            except (NoConsumer, PermissionDenied) as e:
                log.debug("%s: no consumer is to be had, reading by direct get: %s", stream, e)
                break
            except PASSING as e:
                await patience.wait(e, connection)
        rest = self.direct_messages(stream, pattern, sequence=sequence, patience=patience)
        async with contextlib.aclosing(rest):
            async for message in rest:
                yield message

    async def publish(
        self,
        subject: str,
        payload: bytes,
        headers: Mapping[str, str],
        *,
        patience: float | None = None,
        acker: tuple[str, str] | None = None,
    ) -> Ack:
        """Publish one message and return what became of it.

        Args:
            patience: seconds to wait, the timeout by default.
            acker: the stream and its domain that must have stored it. Errors do not say whose they are: after
                one the right stream gets a moment more.

        Raises:
            RequestTimeout: no answer came; it may be stored all the same.
        """
        patience = self.connector.timeout if patience is None else patience
        deadline = time.monotonic() + patience
        refused: Ack | None = None
        with self.connection.answers() as (inbox, answers), self.connection.watch(subject, answers.fail):
            await self.connection.publish(subject, payload, reply=inbox, headers=headers)
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
            raise RequestTimeout(subject, patience)
        return refused

    # Consumers

    @contextlib.asynccontextmanager
    async def consumer(
        self,
        stream: str,
        subject: str,
        *,
        begin: int | Literal["last"],
        headers_only: bool = False,
    ) -> AsyncIterator[Consumer]:
        """Make a pull consumer for the messages of a subject or filter, and delete it at the end.

        Args:
            begin: a sequence, or the last message; newer ones come behind it.
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
            "inactive_threshold": 10_000_000_000,  # ns; should the deletion below be lost
            "headers_only": headers_only,
        }
        request = {"stream_name": stream, "config": config, "action": "create"}
        delete = f"CONSUMER.DELETE.{stream}.{name}"
        api = f"CONSUMER.CREATE.{stream}.{name}.{subject}"
        stopped = False
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
            try:
                await asyncio.shield(deleting)
            except asyncio.CancelledError:
                if not stopped:  # it came too late: the transfer was over
                    await asyncio.wait([deleting])
                raise

    async def pending(self, stream: str, pattern: str, *, begin: int = 1) -> int:
        """Return how many messages at or behind a sequence match a filter; raises what `consumer` raises."""
        async with self.consumer(stream, pattern, begin=begin, headers_only=True) as consumer:
            return consumer.pending

    @property
    def _moment(self) -> float:
        """Seconds for one deletion: there must be time for another over a new connection."""
        return min(_MOMENT, self.connector.timeout / 3)

    async def _tidy(self, stream: str, creating: asyncio.Future[dict[str, Any]]) -> None:
        """Delete what is left of consumers, in one timeout at most: they end by themselves later on."""
        take_time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.connector.timeout):
                await self._delete_leftover(stream, creating)

    async def _delete_leftover(self, stream: str, creating: asyncio.Future[dict[str, Any]]) -> None:
        """Delete consumers that were left over, those whose connection was lost included."""
        if not creating.done():  # the deletion could overtake it
            await asyncio.wait([creating], timeout=self._moment)
            creating.cancel()
            await asyncio.gather(creating, return_exceptions=True)
        for each in list(self._leftover):
            connection = self.connection
            if not await self._deleted(stream, each) and connection.silent_for() >= self._moment:
                with contextlib.suppress(TemporaryError):  # the connection is in doubt: over another one
                    await self.connector.renew(connection)
                    await self._deleted(stream, each)

    async def _deleted(self, stream: str, delete: str) -> bool:
        """Say whether a consumer is gone now."""
        try:
            await self._call(delete, stream=stream, again=True, patience=self._moment)
        except TemporaryError:
            return False
        except (ServerError, BucketNotFound, PermissionDenied):  # it was gone before, or was never there
            pass
        self._leftover.discard(delete)
        return True

    # Inside

    async def _call(
        self,
        api: str,
        request: Mapping[str, object] | None = None,
        *,
        stream: str = "",
        again: bool = False,
        patience: float | None = None,
    ) -> dict[str, Any]:
        """Ask the API and return its answer.

        Raises:
            NatsobjError: the class that `api_error` gives the server's error.
        """
        payload = b"" if request is None else json.dumps(request, ensure_ascii=False).encode()
        message = await self._ask(api, payload, again=again, patience=patience)
        return _read_answer(message.data, api, stream)

    async def _ask(
        self, api: str, payload: bytes, *, again: bool = False, patience: float | None = None
    ) -> Message:
        message = await self._request(f"{self._prefix}.{api}", payload, again=again, patience=patience)
        if message.status == "503":
            where = f"{self.connection.servers} under {self._prefix}"
            raise JetStreamUnavailable(f"no JetStream at {where}", lasting=True)
        return message

    async def _request(self, subject: str, payload: bytes, *, again: bool, patience: float | None) -> Message:
        """Ask; what may be asked again is asked over a new connection when the old one is lost."""
        patience = min(self.connector.timeout if patience is None else patience, max(time_left(), _PAUSE))
        deadline = time.monotonic() + patience
        while True:
            connection = self.connection
            try:
                return await connection.request(subject, payload, again=again, patience=patience)
            except ServerUnavailable as e:
                patience = deadline - time.monotonic() - _PAUSE
                if not again or patience <= 0:
                    raise
                log.debug("asking again: %s", e)
                await asyncio.sleep(_PAUSE)
                with contextlib.suppress(TemporaryError, TimeoutError):
                    async with asyncio.timeout(patience):
                        await self.connector.renew(connection)


class _Pages:
    """How far a list of streams is; each page must bring something new."""

    def __init__(self, what: str) -> None:
        self.offset = 0
        self.done = False
        self._what = what
        self._seen: set[str] = set()
        self._most = 0

    def turn(self, page: Sequence[str], answer: Mapping[str, Any]) -> set[str]:
        """Take a page and return the names on it that no other one had."""
        fresh = set(page) - self._seen
        total = answer.get("total", 0)
        self._most = self._most or total + _MORE_STREAMS
        self._seen |= fresh
        self.offset += len(page)
        self.done = not page or self.offset >= total
        if not self.done and (not fresh or self.offset > self._most):
            raise MalformedAnswer(self._what)
        return fresh


def _checked_stream(stream: dict[str, Any], what: str, name: str | None = None) -> dict[str, Any]:
    """Return a stream that has what everybody relies on, and is the one that was asked for."""
    shapes.has(stream, "config.name created state.last_seq", what)
    stream.setdefault("ts", stream["created"])
    if name is not None and stream["config"]["name"] != name:
        raise MalformedAnswer(what)
    return stream


def _deliver(begin: int | str) -> dict[str, object]:
    if isinstance(begin, str):
        return {"deliver_policy": begin}
    return {"deliver_policy": "by_start_sequence", "opt_start_seq": begin}


def _read_answer(data: bytes, api: str, stream: str) -> dict[str, Any]:
    """Read an answer of the API.

    Raises:
        NatsobjError: the class that `api_error` gives the server's error.
    """
    answer = shapes.read_json(data, api)
    if answer.get("error"):
        error = shapes.fit(answer["error"], shapes.ERROR, api)
        raise api_error(error.get("err_code", 0), error.get("description", ""), error.get("code", 0), stream)
    return answer
