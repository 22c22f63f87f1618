"""A bucket as its stream: its names, its subjects, its configuration, and the requests to it.

Put, get, delete, verify and gc take this one value, so that a bucket can be followed from the verb to the
socket. Whatever a decision rests on is asked of the stream's leader. Every request is repeated while its
trouble may pass.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, TypeVar

from natsobj.adr20 import names, streams
from natsobj.connection import ASK_AGAIN, Connection, Patience
from natsobj.errors import (
    BucketReadOnly,
    BucketSealed,
    ConfigRefused,
    NatsobjError,
    PermissionDenied,
    RefusedError,
    UnsuitableStream,
)
from natsobj.jetstream import Ack, JetStream, NoConsumer, Stored, SubjectPage
from natsobj.stream.record import Record, read_record

__all__ = ["TRUSTED", "BucketStream", "check_writable"]

T = TypeVar("T")

TRUSTED = 1.0
"""Seconds for which a stream's settings are taken to be what they were: other clients may edit it."""


class BucketStream:
    """The stream that keeps a bucket; no request is sent before something is needed.

    Every request raises `BucketNotFound` if there is no such stream.
    """

    def __init__(self, js: JetStream, bucket: str) -> None:
        self.js = js
        self.bucket = names.check_bucket_name(bucket)
        self.name = names.stream_name(bucket)
        self._state: asyncio.Future[dict[str, Any]] | None = None
        self._asked_at = 0.0
        self._created: object = None
        """When the stream was created that has last told its state: it may be made anew."""
        self._writable: Mapping[str, Any] | None = None
        """The state that `check_writable` has accepted."""
        self._plain: tuple[Mapping[str, Any], bool] | None = None
        """A state, and whether it is that of a plain stream: asked for each of many files."""
        self.uploading = asyncio.Lock()
        """Held while an object is stored in a stream that drops its oldest messages: its room is its own."""
        self.committing = asyncio.Lock()
        """The same for one record."""
        self._root_at = 0.0
        self._root: str | None = None
        """The bucket's name in its subjects, `$O.<root>.C.` and `$O.<root>.M.`; None until it is known.

        It is the bucket's own name, except in a mirror: that keeps messages under the subjects of its origin.
        """

    def __repr__(self) -> str:
        return f"BucketStream({self.name!r})"

    def another(self, bucket: str) -> BucketStream:
        """Return another bucket of the same account, or this one if it is the same.

        Raises:
            InvalidBucketName: the name is invalid.
        """
        return self if bucket == self.bucket else BucketStream(self.js, bucket)

    # The connection it is asked over

    @property
    def connection(self) -> Connection:
        """The connection in use."""
        return self.js.connection

    @property
    def timeout(self) -> float:
        """Seconds of silence after which a connection is given up."""
        return self.js.connector.timeout

    def patience(self) -> Patience:
        """Return a fresh patience: six timeouts without progress."""
        return Patience(self.js.connector)

    async def patiently(self, question: Callable[[], Awaitable[T]]) -> T:
        """Return the result of a request, repeated while its trouble may pass."""
        return await self.js.connector.patiently(question)

    # What it is

    async def state(self, *, max_age: float = TRUSTED) -> Mapping[str, Any]:
        """Return configuration and state at most so many seconds old; all callers share the answer."""
        if self._state is None or (self._state.done() and self._is_old(self._asked_at, max_age)):
            self._state = asyncio.ensure_future(self._ask())
        asked = self._state
        try:
            return asked.result() if asked.done() else await asyncio.shield(asked)
        except NatsobjError:
            self.forget()
            raise

    async def _ask(self) -> dict[str, Any]:
        self._asked_at = time.monotonic()
        state = await self.info()
        if state.get("created") != self._created:
            self._created, self._root = state.get("created"), None
        return state

    async def configure(self, changes: Mapping[str, Any]) -> bool:
        """Change settings of the stream (`streams.edited_config`); False if it has them already.

        Raises:
            BucketSealed: the bucket is sealed.
            ConfigRefused: the server does not take these settings.
        """
        config = (await self.info())["config"]
        if config.get("sealed"):
            raise BucketSealed(self.bucket)
        edited = streams.edited_config(config, changes)
        if edited == config:
            return False
        try:
            await self.js.update_stream(edited)
        except ConfigRefused as e:
            if (storage := edited.get("storage")) != config.get("storage"):
                e.add_note(
                    f"no server changes the storage: natsobj add NEW --storage {storage} && "
                    f"natsobj cp -r {self.bucket} '' NEW '' makes a copy"
                )
            raise
        self._state = None
        return True

    def forget(self) -> None:
        """Ask for configuration and state again the next time: what was refused may be allowed by then."""
        self._state = None

    def state_is(self, state: dict[str, Any]) -> None:
        """Remember configuration and state from an answer of the server."""
        self._state = asyncio.get_running_loop().create_future()
        self._state.set_result(state)
        self._asked_at = time.monotonic()

    async def info(self, *, count: str | None = None) -> dict[str, Any]:
        """Return configuration and state as they are now.

        Args:
            count: a filter; `total` is then the number of subjects that match it, absent for none.
        """
        return await self.patiently(lambda: self.js.stream_info(self.name, count=count))

    async def clock(self) -> datetime:
        """Return the time by the server's clock, which dates everything that is stored."""
        return streams.parse_time((await self.info())["ts"]) or datetime.now(UTC)

    async def root(self) -> str:
        """Return the bucket's name in its subjects.

        A mirror keeps the subjects of its origin, which need not be those of the stream that its
        configuration names (that may be a mirror too). So its first record tells. Until one has arrived the
        bucket's own name is returned, and not remembered.
        """
        state = await self.state() if self._root is None or self._is_old(self._root_at) else None
        if self._root is None and state is not None:
            if not state["config"].get("mirror"):
                self._root = self.bucket
            elif first := await self.next(names.metadata_filter("*"), 1):
                self._root = first.subject.split(".")[1]
            else:
                return self.bucket
        if state is not None:
            self._root_at = time.monotonic()
        return self._root or self.bucket

    @property
    def likely_root(self) -> str:
        """What `root` most probably is, to save a round trip."""
        return self.bucket if self._root is None or self._is_old(self._root_at) else self._root

    def _is_old(self, moment: float, max_age: float = TRUSTED) -> bool:
        return time.monotonic() - moment > max_age

    def root_is(self, root: str) -> None:
        """Remember the bucket's name in its subjects, because a record was found under it."""
        self._root, self._root_at = root, time.monotonic()

    async def check_writable(
        self, *, records_only: bool = False, max_age: float = TRUSTED
    ) -> Mapping[str, Any]:
        """Return the state of the stream, after checking that it keeps what is written to it.

        Args:
            records_only: only records will be written, no chunks.
            max_age: as `state` has it.

        Raises:
            BucketReadOnly: it is a mirror.
            BucketSealed: it was sealed.
            UnsuitableStream: its configuration loses or refuses objects.
        """
        state = await self.state(max_age=max_age)
        if self._writable is not state:
            try:
                check_writable(self.bucket, state, records_only=records_only)
            except RefusedError:
                self.forget()
                raise
        if not records_only:
            self._writable = state
        return state

    def keeps_all(self, state: Mapping[str, Any]) -> bool:
        """Say whether what a stream of this state acknowledged is there for certain (`streams.is_plain`)."""
        if self._plain is None or self._plain[0] is not state:
            self._plain = (state, streams.is_plain(state["config"], self.bucket))
        return self._plain[1]

    @property
    def displaces(self) -> bool:
        """Whether it drops its oldest messages when it is full, as far as is known without asking."""
        known = self._state
        if known is None or not known.done() or known.cancelled() or known.exception() is not None:
            return False
        return streams.displaces(known.result()["config"])

    async def chunk_subject(self, nuid: str) -> str:
        """Return the subject of all chunks of one upload."""
        return names.chunk_subject(self._root or await self.root(), nuid)

    # Messages, from the leader

    async def last(self, subject: str) -> Stored | None:
        """Return the last message of a subject."""
        return await self.patiently(lambda: self.js.last_message(self.name, subject))

    async def next(self, subject: str, sequence: int) -> Stored | None:
        """Return the first message of a subject or filter at or after a sequence."""
        return await self.patiently(lambda: self.js.next_message(self.name, subject, sequence))

    async def counts(self, subjects: str, *, least: int = 1) -> dict[str, int]:
        """Return the number of messages of each subject that matches a filter and has `least`."""
        found = await self.patiently(lambda: self.js.subject_counts(self.name, subjects, least=least))
        return dict(found.counts)

    def subject_pages(self, subjects: str) -> AsyncGenerator[SubjectPage, None]:
        """Iterate over what `counts` gives, page by page."""
        return self.js.subject_pages(self.name, subjects)

    async def count(self, subject: str) -> int:
        """Return how many messages of one subject are stored."""
        return await self.patiently(lambda: self.js.count(self.name, subject))

    async def number(self, pattern: str) -> int:
        """Return how many messages match a filter, by a consumer: that takes no list of subjects."""
        try:
            return await self.patiently(lambda: self.js.pending(self.name, pattern))
        except (NoConsumer, PermissionDenied):
            async with aclosing(self.subject_pages(pattern)) as pages:
                return sum([sum(count for _, count in page) async for page in pages])

    async def purge(self, subject: str, *, before: int | None = None) -> int:
        """Remove all messages of a subject, or those before a sequence; return how many were removed."""
        return await self.patiently(lambda: self.js.purge(self.name, subject, before=before))

    def direct(
        self, subject: str, *, sequence: int = 1, most: int = sys.maxsize, patience: Patience | None = None
    ) -> AsyncGenerator[Stored, None]:
        """Iterate over the messages of a filter in stream order; a replica may lack the newest."""
        return self.js.direct_messages(self.name, subject, sequence=sequence, most=most, patience=patience)

    def many(self, pattern: str) -> AsyncGenerator[Stored, None]:
        """Iterate over very many messages of a filter as `direct` does."""
        return self.js.many_messages(self.name, pattern)

    async def subjects(self, pattern: str, *, many: bool) -> int:
        """Return how many subjects match a filter, from the leader; with very many it takes seconds."""
        return await self.patiently(lambda: self.js.count_subjects(self.name, pattern, many=many))

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str], *, domain: str) -> Ack:
        """Publish one message, and wait a second for this stream's answer."""
        return await self.js.publish(subject, payload, headers, timeout=ASK_AGAIN, acker=(self.name, domain))

    # Records

    async def read(self, subject: str) -> Record:
        """Return the record under a subject, as the leader has it."""
        message = await self.last(subject)
        return Record(subject) if message is None else read_record(self.bucket, message)


def check_writable(bucket: str, state: Mapping[str, Any], *, records_only: bool = False) -> None:
    """Refuse a stream that does not keep what is written to it.

    Raises:
        BucketReadOnly: it is a mirror.
        BucketSealed: it was sealed.
        UnsuitableStream: its configuration loses or refuses objects.
    """
    config = state["config"]
    if config.get("mirror"):
        raise BucketReadOnly(bucket)
    if config.get("sealed"):
        raise BucketSealed(bucket)
    if reasons := streams.refusals(config, bucket, chunks=0 if records_only else None):
        raise UnsuitableStream(bucket, reasons)
