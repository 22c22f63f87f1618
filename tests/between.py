"""What stands between a store and its server: it holds messages up, changes answers, loses them, or cuts.

Unlike the proxy of the faults it knows single messages, and it runs in the test's own event loop: while it
holds a message up, the test may talk to the server over a connection of its own.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from natsobj.jetstream.direct import is_of

_RESET = struct.pack("ii", 1, 0)
_TURNS = 10
"""Turns of the event loop in which a reset on loopback has come through both sockets."""


class Sent(NamedTuple):
    """A message that the store published."""

    subject: str
    reply: str
    headers: bytes
    """As they are sent; empty for none."""
    payload: bytes


class Answer(NamedTuple):
    """What the server says to one."""

    headers: bytes
    payload: bytes


Before = Callable[[Sent], Awaitable[object]]
Instead = Callable[[Sent], Answer | None]
Change = Callable[[Sent, Answer], Answer | None]
Which = Callable[[Sent], bool]


class Between:
    """Passes everything on, until told otherwise; an asynchronous context."""

    def __init__(self, port: int) -> None:
        self.before: Before | None = None
        """Is awaited before a message passes; nothing else passes in that direction meanwhile."""
        self.instead: Instead | None = None
        """Gives the answer to a message that the server never sees, or None to let it pass."""
        self.change: Change | None = None
        """Gives another answer in place of one, or None to lose it."""
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._asked: dict[bytes, Sent] = {}
        self._remembered: Which = lambda _: False
        self._answers: dict[tuple[str, bytes], list[tuple[bytes, Answer]]] = {}
        self.stale = 0
        """Requests that were answered as before."""
        self._frozen = False

    async def __aenter__(self) -> Between:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.cut()

    @property
    def url(self) -> str:
        """What the store takes for its server."""
        return f"nats://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def cut(self) -> None:
        """Reset every connection; what is on the way is lost. The store knows it when this returns."""
        for writer in [each for each in self._writers if not each.transport.is_closing()]:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def remember(self, which: Which) -> None:
        """Note what is answered to some of the requests."""
        self._remembered = which

    def freeze(self) -> None:
        """Answer those as they were answered before, as a replica does that has not caught up."""
        assert self._answers, "nothing was asked"
        self._frozen = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        both = {writer, back}
        self._writers |= both
        ways = [
            asyncio.create_task(self._up(reader, back, writer)),
            asyncio.create_task(self._down(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for each in both:
                each.transport.abort()
            self._writers -= both

    async def _up(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        inboxes: dict[str, bytes] = {}
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                data = b""
                operation, *words = line.split()
                if operation == b"SUB":
                    inboxes[words[0].decode()] = words[-1]
                if operation in (b"PUB", b"HPUB"):
                    data = await reader.readexactly(int(words[-1]) + 2)
                    head = int(words[-2]) if operation == b"HPUB" else 0
                    named = [word.decode() for word in words[: -2 if head else -1]]
                    reply = named[1] if len(named) > 1 else ""
                    sent = Sent(named[0], reply, data[:head], data[head:-2])
                    if self.before is not None:
                        await self.before(sent)
                    if self._replay(sent, back):
                        continue
                    if self.instead is not None and (answer := self.instead(sent)) is not None:
                        identity = next(inboxes[each] for each in inboxes if is_of(reply, each))
                        back.write(_message(reply.encode(), identity, answer))
                        continue
                    self._asked[reply.encode()] = sent
                writer.write(line + data)
                await writer.drain()

    def _replay(self, sent: Sent, back: asyncio.StreamWriter) -> bool:
        if not self._remembered(sent):
            return False
        known = (sent.subject, sent.payload)
        if not self._frozen or known not in self._answers:
            self._answers[known] = []
            return False
        self.stale += 1
        for identity, answer in self._answers[known]:
            back.write(_message(sent.reply.encode(), identity, answer))
        return True

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                operation, *words = line.split()
                if operation in (b"MSG", b"HMSG"):
                    data = (await reader.readexactly(int(words[-1]) + 2))[:-2]
                    head = int(words[-2]) if operation == b"HMSG" else 0
                    sent, answer = self._asked.get(words[0]), Answer(data[:head], data[head:])
                    if sent is not None and self.change is not None:
                        changed = self.change(sent, answer)
                        if changed is None:
                            continue
                        answer = changed
                    if sent is not None and self._remembered(sent) and not self._frozen:
                        self._answers[sent.subject, sent.payload].append((words[1], answer))
                    line = _message(b" ".join(words[:1]), words[1], answer, words[2 : -2 if head else -1])
                writer.write(line)
                await writer.drain()


def _message(subject: bytes, identity: bytes, answer: Answer, reply: list[bytes] | None = None) -> bytes:
    named = b" ".join([subject, identity, *(reply or [])])
    if not answer.headers:
        return b"MSG %s %d\r\n%s\r\n" % (named, len(answer.payload), answer.payload)
    sizes = (len(answer.headers), len(answer.headers) + len(answer.payload))
    return b"HMSG %s %d %d\r\n%s%s\r\n" % (named, *sizes, answer.headers, answer.payload)
