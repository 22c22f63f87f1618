"""A link to the server: opened, watched, and thrown away at the first trouble.

nats-py does the protocol; its reconnecting is never used, for what it replays after a cut is behind newer
traffic or lost. Errors of nats-py and of the network leave this module as ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
import re
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from socket import SO_LINGER, SOL_SOCKET

import nats.errors
from nats.aio.client import Client

from natsobj.connection.lane import Receiver, open_channel
from natsobj.connection.message import Message
from natsobj.connection.sign_in import connect_options
from natsobj.connection.translate import connect_error, translate
from natsobj.errors import (
    InvalidArgument,
    NatsobjError,
    PermissionDenied,
    RequestTimeout,
    ServerUnavailable,
    UnsupportedServer,
)
from natsobj.settings import Settings

log = logging.getLogger(__name__)

OLDEST_SERVER = (2, 11)
ASK_AGAIN = 1.0
"""Seconds after which a read is asked again: without a leader the server drops requests without a word."""

_LOOKS = 4
"""Looks at what moves, each timeout."""

_HEAD, _HEADER = 12, 4
"""Bytes that stand around all of a message's headers, and in each of them."""

_PINGS = 6
"""Unanswered pings, one each timeout: on a slow line they wait behind what is sent."""

_RESET = struct.pack("ii", 1, 0)  # linger for no time
_PENDING_SIZE = 64 * 1024 * 1024  # above every window, so that nats-py never waits inside publish
_VIOLATION = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)


class _Client(Client):
    """nats-py's client, which by itself sends credentials over a plain connection when TLS was asked for."""

    tls_required = False

    def _connect_command(self) -> bytes:
        writer = getattr(self._transport, "_io_writer", None)
        if self.tls_required and writer is not None and writer.get_extra_info("ssl_object") is None:
            raise nats.errors.SecureConnWantedError
        return super()._connect_command()


class Connection:
    """One connection; `lost` is set when it is gone for good.

    Everything that waits fails with `ServerUnavailable` then, and with `PermissionDenied` as soon as the
    server says that a subject is not for us.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.timeout = settings.timeout.total_seconds()
        self.lost = asyncio.Event()
        self._servers = ", ".join(settings.servers)
        self._client = _Client()
        self._client.tls_required = settings.tls_required
        self._error: Exception | None = None
        self._tokens = itertools.count()
        self._queued, self._moved = 0, time.monotonic()
        self._deaf = False
        self.inbox = ""
        """The private subject below which answers arrive."""
        self._receivers: dict[str, Callable[[Message], None]] = {}
        self._watched: dict[str, set[Callable[[NatsobjError], None]]] = {}

    # Opening and closing

    @classmethod
    async def open(cls, settings: Settings) -> Connection:
        """Connect, within the timeout; where a server hangs up or says nothing, to another one.

        Raises:
            ServerUnavailable: nobody answers.
            AuthenticationFailed: the credentials are missing or wrong.
            CertificateError: TLS failed on trust.
            UnsupportedServer: the server is older than 2.11.
        """
        servers = random.sample(settings.servers, len(settings.servers))
        deadline = asyncio.get_running_loop().time() + settings.timeout.total_seconds()
        untried = len(servers)
        while True:
            connection = cls(settings)
            try:
                await connection._open(servers, deadline)
            except BaseException as e:
                connection.abort()
                untried -= 1
                tried_all = not untried or isinstance(e.__cause__, nats.errors.NoServersError)
                if tried_all or not isinstance(e, ServerUnavailable):
                    raise
                servers.append(servers.pop(0))
            else:
                return connection

    async def _open(self, servers: list[str], deadline: float) -> None:
        """Connect to the first of the servers that accepts; nats-py goes no further when it then hangs up."""
        options = connect_options(self.settings)
        try:
            async with asyncio.timeout_at(deadline):
                await self._client.connect(
                    servers,
                    name="natsobj",
                    dont_randomize=True,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0.05,  # type: ignore[arg-type]  # seconds, fractions work
                    connect_timeout=self.timeout / len(self.settings.servers),  # type: ignore[arg-type]
                    ping_interval=self.timeout,  # type: ignore[arg-type]
                    max_outstanding_pings=_PINGS,
                    pending_size=_PENDING_SIZE,
                    inbox_prefix=self.settings.inbox_prefix,
                    error_cb=self._on_error,
                    closed_cb=self._on_closed,
                    **options,
                )
            if not self._client.is_connected:  # the server hung up behind our CONNECT
                raise nats.errors.UnexpectedEOF
        except (nats.errors.Error, OSError, TimeoutError) as e:
            said = self._client._server_info
            wanted = bool(said.get("tls_verify") if said else self.settings.tls_first)
            raise connect_error(e, self._error, self._servers, certificate_wanted=wanted) from e
        if (version := self.version) and _older(version, OLDEST_SERVER):
            raise UnsupportedServer(version)
        reading = getattr(self._client, "_reading_task", None)
        if reading is not None:  # the one sign of death that nats-py never omits
            reading.add_done_callback(lambda _: self._die())
        self._channel = open_channel(self._client)
        self.inbox = self._client.new_inbox()
        await self._subscribe(f"{self.inbox}.*", self._dispatch)
        log.debug("connected to %s (%s)", self.server_name, self.version)

    async def close(self) -> None:
        """Send what is queued and close; at most two seconds."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(min(2.0, self.timeout)):
                await self._client.close()
        self.abort()

    def abort(self, *, reset: bool = False) -> None:
        """Drop the connection without another word.

        Args:
            reset: also what the system still holds of what was sent.
        """
        self._die()
        writer = getattr(self._client._transport, "_io_writer", None)
        if writer is not None:
            if reset and (socket := writer.get_extra_info("socket")) is not None:
                with contextlib.suppress(OSError):
                    socket.setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
            writer.transport.abort()
        elif self._client._transport is not None:  # WebSocket
            self._client._transport.close()  # type: ignore[no-untyped-call]
        for name in ("_reading_task", "_ping_interval_task", "_flusher_task"):
            task = getattr(self._client, name, None)
            if task is not None:
                task.cancel()

    # What the server says of itself

    @property
    def version(self) -> str:
        """The server's version, such as `2.15.1`."""
        return str(self._client._server_info.get("version", ""))

    @property
    def server_name(self) -> str:
        """The server's name."""
        return str(self._client._server_info.get("server_name", ""))

    @property
    def server_id(self) -> str:
        """The server's process: another one after a restart."""
        return str(self._client._server_info.get("server_id", ""))

    @property
    def cluster_name(self) -> str | None:
        """The name of the server's cluster, None for a single server."""
        return self._client._server_info.get("cluster") or None

    @property
    def max_payload(self) -> int:
        """Bytes of the largest message that the server takes."""
        return self._client.max_payload

    @property
    def servers(self) -> str:
        """The addresses, for messages."""
        return self._servers

    # Talking

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        again: bool = False,
        patience: float | None = None,
    ) -> Message:
        """Publish and wait for one answer.

        Args:
            again: ask once more each second while nothing is heard; for requests that change nothing, or the
                same thing twice.
            patience: seconds to wait in all, the timeout by default.

        Raises:
            RequestTimeout: no answer came.
            ServerUnavailable: the connection was lost meanwhile.
            PermissionDenied: the subject is not for us.
        """
        patience = self.timeout if patience is None else patience
        deadline = time.monotonic() + patience
        with self.answers() as (inbox, answers), self.watch(subject, answers.fail):
            while (left := deadline - time.monotonic()) > 0:
                await self.publish(subject, payload, reply=inbox, headers=headers)
                with contextlib.suppress(TimeoutError):
                    return await answers.next(min(left, ASK_AGAIN) if again else left)
        raise RequestTimeout(subject, patience)

    async def publish(
        self, subject: str, payload: bytes = b"", *, reply: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Publish one message, and wait while much is queued for the socket.

        Raises:
            InvalidArgument: it is larger than the server takes.
            RequestTimeout: nothing leaves the queue any more.
            ServerUnavailable: the connection was lost.
        """
        self._check()
        size = len(payload)
        if headers:
            size += _HEAD + sum(len(name) + len(value) + _HEADER for name, value in headers.items())
        if size > self.max_payload:
            raise InvalidArgument(f"message of {size:,} bytes is larger than the server takes")
        try:
            await self._channel.publish(subject, payload, reply, headers)
            if self._channel.full:
                await self.until(self._channel.drain, "sending")
        except (nats.errors.Error, OSError) as e:
            self._die()
            raise self._foreign(e) from e

    def silent_for(self) -> float:
        """Return for how many seconds nothing has moved: no byte for us has come, none of ours has left.

        A PONG counts for nothing: the server is there, but what we wait for may never come.
        """
        now, queued = time.monotonic(), self._channel.queued
        if queued != self._queued:
            self._queued, self._moved = queued, now
        return now - max(self._moved, self._channel.heard)

    async def until(self, happens: Callable[[], Awaitable[object]], what: str) -> None:
        """Wait for something for as long as anything moves on this connection.

        Raises:
            RequestTimeout: nothing moved for one timeout.
        """
        begun = time.monotonic()
        self.silent_for()
        while True:
            try:
                async with asyncio.timeout(self.timeout / _LOOKS):
                    await happens()
                    return
            except TimeoutError:
                if min(self.silent_for(), time.monotonic() - begun) >= self.timeout:
                    raise RequestTimeout(what, self.timeout) from None

    @contextlib.contextmanager
    def receive(self, receiver: Callable[[Message], None]) -> Iterator[str]:
        """Give a private subject whose messages reach `receiver` in order, as they come."""
        token = f"{next(self._tokens):x}"
        self._receivers[token] = receiver
        try:
            yield f"{self.inbox}.{token}"
        finally:
            del self._receivers[token]

    @contextlib.contextmanager
    def answers(self) -> Iterator[tuple[str, Answers]]:
        """Give a private subject and what arrives there, to be waited for."""
        answers = Answers()
        with self.receive(answers.put) as inbox, self.watch("", answers.fail):
            yield inbox, answers

    @contextlib.asynccontextmanager
    async def subscribe(self, receiver: Receiver) -> AsyncIterator[str]:
        """Give a private subject with a subscription of its own, for bulk data."""
        inbox = self._client.new_inbox()
        subscription = await self._subscribe(inbox, receiver)
        try:
            yield inbox
        finally:
            if not self.lost.is_set():
                with contextlib.suppress(nats.errors.Error, OSError):
                    await self._channel.unsubscribe(subscription)

    @contextlib.contextmanager
    def watch(self, subject: str, fail: Callable[[NatsobjError], None]) -> Iterator[None]:
        """Call `fail` when publishing to `subject` is denied, or when the connection is lost."""
        watchers = self._watched.setdefault(subject, set())
        watchers.add(fail)
        if self.lost.is_set():
            fail(self._foreign(self._error))
        elif self._deaf:
            fail(PermissionDenied(f"{self.inbox}.*"))
        try:
            yield
        finally:
            watchers.discard(fail)
            if not watchers:
                self._watched.pop(subject, None)

    # Inside

    async def _subscribe(self, subject: str, receiver: Receiver) -> str:
        try:
            return await self._channel.subscribe(subject, receiver)
        except (nats.errors.Error, OSError) as e:
            raise self._foreign(e) from e

    def _dispatch(self, subject: str, reply: str, headers: Mapping[str, str], payload: memoryview) -> None:
        token = subject[len(self.inbox) + 1 :]
        receiver = self._receivers.get(token.partition("-")[0])
        if receiver is not None:
            receiver(Message(subject, reply, headers, bytes(payload)))

    def _check(self) -> None:
        if self.lost.is_set():
            raise self._foreign(self._error)

    def _die(self) -> None:
        if not self.lost.is_set():
            self.lost.set()
            error = self._foreign(self._error)
            for watchers in list(self._watched.values()):
                for fail in list(watchers):
                    fail(error)

    async def _on_closed(self) -> None:
        self._die()

    async def _on_error(self, error: Exception) -> None:
        log.debug("connection: %r", error)
        self._error = error
        violation = _VIOLATION.search(str(error))
        if violation is None:
            return
        denied = violation[2].casefold()  # as it comes; the spelling that counts is ours
        if violation[1].casefold() == "subscription" and denied.startswith(self.inbox.casefold()):
            self._deaf = True
        for subject, watchers in list(self._watched.items()):
            if self._deaf or subject.casefold() == denied:
                for fail in list(watchers):
                    fail(PermissionDenied(f"{self.inbox}.*" if self._deaf else subject))

    def _foreign(self, error: BaseException | None) -> NatsobjError:
        return translate(error, self._servers, self.timeout)


class Answers:
    """The messages that arrive at a private subject, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Message | NatsobjError] = asyncio.Queue()

    def put(self, message: Message) -> None:
        """Add one."""
        self._queue.put_nowait(message)

    def fail(self, error: NatsobjError) -> None:
        """End the waiting with an error."""
        self._queue.put_nowait(error)

    async def next(self, seconds: float) -> Message:
        """Return the next one.

        Raises:
            TimeoutError: none came in that many seconds.
        """
        if self._queue.empty():
            async with asyncio.timeout(seconds):
                answer = await self._queue.get()
        else:
            answer = self._queue.get_nowait()
        if isinstance(answer, NatsobjError):
            raise answer
        return answer


def _older(version: str, oldest: tuple[int, int]) -> bool:
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < oldest
