"""Servers that no real one is: one that says what a test wants, and one that changes what a real one says.

They run in a thread of their own, so that a test may wait for processes.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

INFO: Mapping[str, object] = {
    "server_id": "FAKE",
    "server_name": "fake",
    "version": "2.15.1",
    "proto": 1,
    "headers": True,
    "max_payload": 1048576,
    "jetstream": True,
}

_CALL = 10.0


class Request(NamedTuple):
    """A message that the program published."""

    subject: str
    reply: str
    payload: bytes

    @property
    def json(self) -> dict[str, object]:
        """The payload of an API call."""
        asked: dict[str, object] = json.loads(self.payload) if self.payload else {}
        return asked


@dataclass
class Session:
    """One connection of the program."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    subscriptions: dict[str, str] = field(default_factory=dict)
    """Subjects by their identity."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    """What goes on besides, until the connection ends."""

    def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        if not self.writer.is_closing():
            self.writer.write(data)

    def answer(self, reply: str, payload: object, headers: str = "") -> None:
        """Send a message to whoever listens to `reply`; what is not bytes becomes JSON."""
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.say(message(reply, self.listener(reply), data, headers))

    def listener(self, subject: str) -> str:
        """The identity of the subscription that a message to `subject` reaches."""
        for identity, pattern in self.subscriptions.items():
            if pattern == subject or (pattern.endswith(".*") and subject.startswith(pattern[:-1])):
                return identity
        return "0"


def message(subject: str, identity: str, payload: bytes, headers: str = "") -> bytes:
    """A message as a server sends it; `headers` begins with `NATS/1.0` where there are any."""
    if not headers:
        return f"MSG {subject} {identity} {len(payload)}\r\n".encode() + payload + b"\r\n"
    head = (headers.strip().replace("\n", "\r\n") + "\r\n\r\n").encode()
    sizes = f"{len(head)} {len(head) + len(payload)}"
    return f"HMSG {subject} {identity} {sizes}\r\n".encode() + head + payload + b"\r\n"


Greet = Callable[[Session], Awaitable[None]]
Handle = Callable[[Session, Request], None]


class FakeServer:
    """Speaks just enough NATS.

    Args:
        info: the INFO, or the first bytes of a connection as they are; None: it says nothing.
        greet: what happens in place of INFO and of all that follows.
        handle: what a published message brings about; by default nothing is answered.
    """

    def __init__(
        self,
        info: Mapping[str, object] | bytes | None = INFO,
        *,
        greet: Greet | None = None,
        handle: Handle | None = None,
    ) -> None:
        self.info = info
        self.greet = greet
        self.handle = handle
        self.received = bytearray()
        """All that the program ever sent."""
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake", daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def url(self) -> str:
        """What the program takes for its server."""
        return f"nats://127.0.0.1:{self.port}"

    def __enter__(self) -> FakeServer:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(_CALL)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_CALL)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL)
        self._loop.close()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Awaitable[None]:
        """Note the connection at once: the task that attends to it may be cancelled before it begins."""
        self.connections += 1
        self._writers.append(writer)
        return self._attend(reader, writer)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader, writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                if self.greet is not None:
                    await self.greet(session)
                elif isinstance(self.info, Mapping):
                    session.say(b"INFO " + json.dumps(self.info).encode() + b"\r\n")
                elif self.info is not None:
                    session.say(self.info)
                await self._serve(session)
        finally:
            for task in session.tasks:
                task.cancel()
            writer.transport.abort()

    async def _serve(self, session: Session) -> None:
        while line := await session.reader.readline():
            self.received += line
            operation, *words = line.split()
            match operation:
                case b"PING":
                    session.say(b"PONG\r\n")
                case b"SUB":
                    session.subscriptions[words[-1].decode()] = words[0].decode()
                case b"UNSUB":
                    session.subscriptions.pop(words[0].decode(), None)
                case b"PUB" | b"HPUB":
                    data = await session.reader.readexactly(int(words[-1]) + 2)
                    self.received += data
                    head = int(words[-2]) if operation == b"HPUB" else 0
                    named = words[: -2 if head else -1]
                    reply = named[1].decode() if len(named) > 1 else ""
                    if self.handle is not None:
                        self.handle(session, Request(named[0].decode(), reply, data[head:-2]))
            await session.writer.drain()


Meddle = Callable[[str, bytes, bytes], tuple[bytes, bytes]]
"""Takes the subject of the request, headers (empty for none) and payload of an answer, and gives others."""


class Meddler(FakeServer):
    """Stands before a real server and changes its answers on their way to the program."""

    def __init__(self, port: int, meddle: Meddle) -> None:
        super().__init__(greet=self._pass)
        self.meddle = meddle
        self.asked: dict[bytes, str] = {}
        """The subject of each request, by where its answer goes."""
        self._real = port

    async def _pass(self, session: Session) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._real)
        ways = [
            asyncio.create_task(self._up(session.reader, writer)),
            asyncio.create_task(self._down(reader, session)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            operation, *words = line.split()
            data = b""
            if operation in (b"PUB", b"HPUB"):
                data = await reader.readexactly(int(words[-1]) + 2)
                named = words[: -2 if operation == b"HPUB" else -1]
                if len(named) > 1:
                    self.asked[named[1]] = named[0].decode()
            writer.write(line + data)
            await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, session: Session) -> None:
        while line := await reader.readline():
            operation, *words = line.split()
            if operation in (b"MSG", b"HMSG"):
                data = (await reader.readexactly(int(words[-1]) + 2))[:-2]
                head = int(words[-2]) if operation == b"HMSG" else 0
                asked = self.asked.get(words[0], "")
                headers, payload = self.meddle(asked, data[:head], data[head:])
                named = b" ".join(words[: -2 if head else -1])
                if headers:
                    line = b"HMSG %s %d %d\r\n" % (named, len(headers), len(headers) + len(payload))
                else:
                    line = b"MSG %s %d\r\n" % (named, len(payload))
                line += headers + payload + b"\r\n"
            session.say(line)
            await session.writer.drain()
