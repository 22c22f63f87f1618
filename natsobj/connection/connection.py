"""A connection to the server: opened, watched, and dropped at the first trouble.

It is never repaired: what is sent again after a lost connection would arrive after newer messages, or never.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from socket import SO_LINGER, SOL_SOCKET

from natsobj.connection.address import Address, Addresses
from natsobj.connection.answers import Answers, Receiving
from natsobj.connection.handshake import greet
from natsobj.connection.info import ServerInfo, read_info
from natsobj.connection.lane import Lane, Receiver
from natsobj.connection.message import Message, encode_headers
from natsobj.connection.pings import Pings
from natsobj.connection.sign_in import tls_context
from natsobj.connection.timed_event import TimedEvent
from natsobj.connection.translate import Broken, Refused, connect_error, lost_error
from natsobj.connection.watchers import Fail, Watchers
from natsobj.errors import (
    InvalidArgument,
    NatsobjError,
    RequestTimeout,
    ServerUnavailable,
    UnsupportedServer,
)
from natsobj.settings import Settings

log = logging.getLogger(__name__)

OLDEST_SERVER = (2, 11)
ASK_AGAIN = 1.0
"""Seconds after which a read is sent again: without a leader the server drops requests silently."""

_LOOKS = 4
"""How often in a timeout to check whether anything moves."""

_JUST_NOW = 0.05
"""Seconds for which such a look need not be repeated."""

_MOST_SHARES = 4
"""Servers that share the rest of the timeout, at most.

One server that swallows packets must leave time for the others, so each gets an equal share of what is left.
But a list can have dozens of servers, and a share that is too short fails even where a server answers. So
a server gets no less than a fourth of what is left when its turn comes.
"""

_CLOSING = 2.0
"""Seconds that a close may take to send what is queued."""

_RESET = struct.pack("ii", 1, 0)  # linger for no time


class Connection:
    """One connection; `lost` is set when it is gone for good.

    Then everything that waits on it fails with `ServerUnavailable`. When the server denies permission for a
    subject, what waits for that subject fails with `PermissionDenied`.
    """

    def __init__(self, settings: Settings, addresses: Addresses, address: Address) -> None:
        self.settings = settings
        self.timeout = settings.timeout.total_seconds()
        self.address = address
        self.round_trip = 0.0
        """Seconds that the server took to answer in the beginning."""
        self.lost = asyncio.Event()
        self.inbox = f"{settings.inbox_prefix}.{secrets.token_hex(11)}"
        """The private subject below which answers arrive."""
        self._addresses = addresses
        self._servers = ", ".join(settings.servers)
        self._lane = Lane()
        self._info = ServerInfo()
        self._error: Exception | None = None
        self._tokens = itertools.count()
        self._queued, self._left, self._moved = 0, 0, time.monotonic()
        self._looked = 0.0
        self._pings = Pings(self.timeout, lambda: self._lane.write(b"PING\r\n"), self.abort)
        self._receivers: dict[str, Callable[[Message], object]] = {}
        self._watchers = Watchers(self.inbox)

    # Opening and closing

    @classmethod
    async def open(cls, settings: Settings, addresses: Addresses | None = None) -> Connection:
        """Connect within the timeout; if a server hangs up or is silent, try the next one.

        Args:
            addresses: the servers to try, by default those of the settings; they learn from servers.

        Raises:
            ServerUnavailable: nobody answers.
            AuthenticationFailed: the credentials are missing or wrong.
            CertificateError: TLS failed on trust.
            UnsupportedServer: the server is older than 2.11.
        """
        addresses = addresses or Addresses(settings)
        deadline = asyncio.get_running_loop().time() + settings.timeout.total_seconds()
        turn = addresses.in_turn()
        failed: NatsobjError | None = None
        for number, address in enumerate(turn):
            connection = cls(settings, addresses, address)
            addresses.failed(address)
            try:
                await connection._open(deadline, untried=min(len(turn) - number, _MOST_SHARES))
            except BaseException as e:
                connection.abort()
                if not isinstance(e, NatsobjError):
                    raise
                if not (isinstance(e, ServerUnavailable) or addresses.is_announced(address)):
                    raise
                log.debug("%s: %s", address.url, e)
                if failed is None or not addresses.is_announced(address):  # those are extra chances
                    failed = e
                if asyncio.get_running_loop().time() >= deadline:
                    break
            else:
                return connection
        raise failed or ServerUnavailable(", ".join(settings.servers))

    async def _open(self, deadline: float, untried: int) -> None:
        """Connect to one server within its share of the remaining time."""
        loop = asyncio.get_running_loop()
        context = tls_context(self.settings) if self._addresses.encrypted else None
        until = loop.time() + (deadline - loop.time()) / untried
        try:
            async with asyncio.timeout_at(until):
                greeting = await greet(self.address, self.settings, context, self._servers)
        except TimeoutError as e:
            raise connect_error(e, self._servers) from e
        self._lane, self._info, self.round_trip = greeting
        self._lane.on_lost = self._on_lost
        self._lane.expect(self.max_payload)
        if self._lane.gone.is_set():
            raise connect_error(ConnectionResetError(), self._servers)
        if self._info.is_older_than(OLDEST_SERVER):
            raise UnsupportedServer(self.version)
        self._addresses.use(self.address, encrypted=self._lane.encrypted)
        self._addresses.learn(self._info.connect_urls, self.address)
        self._subscribe(f"{self.inbox}.*", self._dispatch)
        self._pings.start()
        self._lane.hand_lines_to(self._on_line)
        log.debug("connected to %s at %s (%s)", self.server_name, self.address.url, self.version)

    async def close(self) -> None:
        """Send what is queued and close; at most two seconds."""
        self._pings.stop()
        self._lane.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_CLOSING, self.timeout)):
                await self._lane.gone.wait()
        self.abort()

    def abort(self, *, reset: bool = False) -> None:
        """Drop the connection at once.

        Args:
            reset: also discard what the kernel has not sent yet.
        """
        self._die()
        if reset and (socket := self._lane.extra("socket")) is not None:
            with contextlib.suppress(OSError):
                socket.setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
        self._lane.abort()

    # What the server says of itself

    @property
    def version(self) -> str:
        """The server's version, such as `2.15.1`."""
        return self._info.version

    @property
    def server_name(self) -> str:
        """The server's name."""
        return self._info.server_name

    @property
    def server_id(self) -> str:
        """The ID of the server's process, which changes with a restart."""
        return self._info.server_id

    @property
    def cluster_name(self) -> str | None:
        """The name of the server's cluster, None for a single server."""
        return self._info.cluster or None

    @property
    def max_payload(self) -> int:
        """Bytes of the largest message that the server takes."""
        return self._info.max_payload

    @property
    def servers(self) -> str:
        """The addresses, as error messages show them."""
        return self._servers

    # Talking

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        again: bool = False,
        timeout: float | None = None,
    ) -> Message:
        """Send a request and wait for one answer.

        Args:
            again: send it again each second until there is an answer; only for idempotent requests.
            timeout: seconds to wait in all, the timeout by default.

        Raises:
            RequestTimeout: no answer came.
            ServerUnavailable: the connection was lost.
            PermissionDenied: the credentials do not allow this subject.
        """
        timeout = self.timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout
        with self.answers(subject) as answers:
            while (left := deadline - time.monotonic()) > 0:
                await self.publish(subject, payload, reply=answers.inbox, headers=headers)
                with contextlib.suppress(TimeoutError):
                    return await answers.next(min(left, ASK_AGAIN) if again else left)
        raise RequestTimeout(subject, timeout)

    async def publish(
        self, subject: str, payload: bytes = b"", *, reply: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Publish one message, and wait while too much is queued for the socket.

        Raises:
            InvalidArgument: it exceeds the server's limit.
            RequestTimeout: the queue does not shrink.
            ServerUnavailable: the connection was lost.
        """
        self._check()
        head = encode_headers(headers) if headers else b""
        if (size := len(head) + len(payload)) > self.max_payload:
            raise InvalidArgument(f"message of {size:,} bytes exceeds the server's limit")
        self._lane.publish(subject, payload, reply, head)
        if self._lane.full:
            await self.until(self._lane.free, "sending")
            self._check()

    def silent_for(self) -> float:
        """Return the seconds in which nothing has moved: nothing for us arrived, nothing of ours was sent.

        PING and PONG do not count: the server is alive, but what we wait for may never come.
        """
        now, queued = time.monotonic(), self._lane.queued
        self._looked = now
        left = self._lane.published - queued
        if self._queued and left > self._left:  # only what had been waiting counts as movement
            self._moved = now
        self._queued, self._left = queued, left
        return now - max(self._moved, self._lane.heard)

    def has_heard_since(self, moment: float) -> bool:
        """Say whether anything for us has arrived since a moment of `time.monotonic`."""
        return self._lane.heard >= moment

    async def until(self, event: TimedEvent, what: str) -> None:
        """Wait for something as long as anything moves on this connection.

        Raises:
            RequestTimeout: nothing moved for one timeout.
        """
        begun = time.monotonic()
        if begun - self._looked > _JUST_NOW:
            self.silent_for()
        while not await event.wait(self.timeout / _LOOKS):
            if min(self.silent_for(), time.monotonic() - begun) >= self.timeout:
                raise RequestTimeout(what, self.timeout)

    def receive(self, receiver: Callable[[Message], object], asked: str, fail: Fail) -> Receiving:
        """Return a private subject whose messages reach `receiver` in the order in which they arrive.

        Answers to `numbered(subject, N)` reach it as well. When it returns False, the message does not count
        as a sign of life.

        Args:
            asked: the subject of the requests that are answered there.
            fail: as `watch` has it, for that subject.
        """
        inbox = f"{self.inbox}.{next(self._tokens):x}"
        return Receiving(inbox, self._receivers, receiver, self._watchers.watch(asked, fail))

    def answers(self, asked: str) -> Answers:
        """Return the answers to requests with this subject, with the private subject where they arrive."""
        return Answers(self.receive, asked)

    @contextlib.asynccontextmanager
    async def subscribe(self, receiver: Receiver) -> AsyncIterator[str]:
        """Yield a private subject with a subscription of its own, for bulk data."""
        inbox = f"{self.settings.inbox_prefix}.{secrets.token_hex(11)}"
        subscription = self._subscribe(inbox, receiver)
        try:
            yield inbox
        finally:
            self._lane.unsubscribe(subscription)

    def watch(self, subject: str, fail: Fail) -> AbstractContextManager[None]:
        """Call `fail` when publishing to `subject` is denied, or when the connection is lost."""
        return self._watchers.watch(subject, fail)

    # Inside

    def _subscribe(self, subject: str, receiver: Receiver) -> str:
        self._check()
        return self._lane.subscribe(subject, receiver)

    def _dispatch(self, subject: str, reply: str, headers: Mapping[str, str], payload: memoryview) -> bool:
        token = subject[len(self.inbox) + 1 :].partition("-")[0]  # a number may follow: `message.numbered`
        receiver = self._receivers.get(token)
        return (
            receiver is not None and receiver(Message(subject, reply, headers, bytes(payload))) is not False
        )

    def _check(self) -> None:
        if self.lost.is_set():
            raise self._lost_error()

    def _lost_error(self) -> NatsobjError:
        return lost_error(self._error, self._servers)

    def _die(self, error: Exception | None = None) -> None:
        if self.lost.is_set():
            return
        self._error = self._error or error
        self._pings.stop()
        self.lost.set()
        self._watchers.lose(self._lost_error)

    # What the server says, and its end

    def _on_lost(self, error: Exception | None) -> None:
        self._die(error)

    def _on_line(self, line: bytes) -> None:
        """Handle a protocol line that is not a message.

        Raises:
            Broken: the protocol has no such line.
        """
        if line == b"PING":
            if not self._lane.full:  # if it is full, the server does not read
                self._lane.write(b"PONG\r\n")
        elif line == b"PONG":
            self._pings.answered()
        elif line.startswith(b"-ERR"):
            self._on_error(line[4:].decode(errors="replace").strip().strip("'"))
        elif line.startswith(b"INFO "):
            with contextlib.suppress(ValueError):
                said = read_info(line[5:])
                self._info = replace(self._info, max_payload=said.max_payload)
                self._addresses.learn(said.connect_urls, self.address)
        elif not line.startswith(b"+OK"):
            raise Broken("it does not speak the NATS protocol")

    def _on_error(self, text: str) -> None:
        """Tell the watchers of a denied subject; any other error ends the connection."""
        log.debug("the server says: %s", text)
        if not self._watchers.deny(text):
            self._error = self._error or Refused(text)
            self.abort()
