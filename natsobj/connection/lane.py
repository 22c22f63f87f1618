"""The lane: what passes between one server and us, message by message.

Everything is read into one buffer, and a message's payload is handed on as a view of it: a get of 1 GiB takes
half the time of one that copies. Whatever a server sends is foreseen: a line or a message that is too long,
or none at all, breaks the lane, and nothing is kept of it.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from natsobj.connection.message import parse_headers, text_of
from natsobj.connection.timed_event import TimedEvent
from natsobj.connection.translate import Broken
from natsobj.connection.transport import Transport, held_by_system

__all__ = ["LARGEST_PAYLOAD", "Lane", "Receiver"]

BUFFER_SIZE = 1024 * 1024
"""The most bytes read at once; a larger message makes the buffer grow until it has been handed on."""

WRITE_BUFFER = 256 * 1024
"""The most bytes queued for the socket: asyncio of Python 3.11 copies the whole queue at each send."""

BATCH = 64 * 1024
"""Small messages of one turn of the event loop are sent together, up to this many bytes."""

MAX_LINE = 64 * 1024
"""The most bytes of a protocol line."""

LARGEST_PAYLOAD = 64 * 1024 * 1024
"""The highest `max_payload` that a server can have, in bytes."""

LARGEST_ANSWER = 24 * 1024 * 1024
"""Bytes of an answer about a stream: 100,000 subjects of 240 each."""

_CRLF = b"\r\n"
_MESSAGE = (b"MSG ", b"HMSG ")

MAX_CHATTER = 4 * 1024 * 1024
"""The most bytes of protocol lines, and of messages without a receiver, between two messages for one."""

_DRIP = 4096
"""So many bytes of an incomplete message count as a sign of life; fewer only if they complete it."""

_COST = 64  # the least that each of these counts

Receiver = Callable[[str, str, Mapping[str, str], memoryview], object]
"""Takes subject, reply, headers and payload; the view is valid during the call only.

It returns False if nobody waits for the message any more.
"""


class Lane(asyncio.BufferedProtocol):
    """The bytes of one connection. `on_line` gets protocol lines, `on_lost` the error that ended it."""

    def __init__(self) -> None:
        self._transport: Transport | None = None
        self._receivers: dict[bytes, Receiver] = {}
        self._numbers = itertools.count(1)
        self._make_buffer(0)  # it has one as long as there is a connection: attempts that fail may be many
        self._start = self._end = 0  # what was read and not handed on (picture below)
        self._skipping = 0  # bytes to come of a message without a receiver
        self._chatter = 0
        self._part = 0  # bytes of an incomplete message since `heard`
        self._largest = LARGEST_ANSWER
        self._unsent: list[bytes] = []
        self._unsent_size = 0
        self.free = TimedEvent()
        """Set while the queue for the socket is short."""
        self.free.set()
        self._error: Exception | None = None
        self._lines: deque[bytes] = deque()
        self._came = asyncio.Event()
        self.gone = asyncio.Event()
        """Set when the connection is gone."""
        self.published = 0
        """Bytes of all messages that were ever queued."""
        self.heard = time.monotonic()
        """When part of a message with a receiver last arrived."""
        self.on_line: Callable[[bytes], None] | None = None
        self.on_lost: Callable[[Exception | None], None] | None = None

    # Sending

    def write(self, data: bytes) -> None:
        """Send a command."""
        self._send([data], len(data))

    def publish(self, subject: str, payload: bytes, reply: str, head: bytes) -> None:
        """Send a message; its headers as they are sent, or nothing."""
        if head:
            line = f"HPUB {subject} {reply} {len(head)} {len(head) + len(payload)}\r\n".encode() + head
        else:
            line = f"PUB {subject} {reply} {len(payload)}\r\n".encode()
        size = len(line) + len(payload) + 2
        self.published += size
        self._send([line, payload, _CRLF], size)

    def _send(self, parts: list[bytes], size: int) -> None:
        """Queue for the transport; small messages of one turn of the loop are sent together."""
        if not self._unsent and size < BATCH:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent += parts
        self._unsent_size += size
        if self._unsent_size >= BATCH:
            self._flush()

    def _flush(self) -> None:
        parts, size = self._unsent, self._unsent_size
        self._unsent, self._unsent_size = [], 0
        if not parts or self._transport is None or self._transport.is_closing():
            return
        if size < 2 * BATCH:  # asyncio counts its queue part by part: few parts
            self._transport.write(b"".join(parts))
        else:
            self._transport.writelines(parts)

    def subscribe(self, subject: str, receiver: Receiver) -> str:
        """Subscribe a receiver, which gets the messages in order; return the ID to unsubscribe with."""
        identity = str(next(self._numbers))
        self._receivers[identity.encode()] = receiver
        self.write(f"SUB {subject} {identity}\r\n".encode())
        return identity

    def unsubscribe(self, identity: str) -> None:
        """End a subscription."""
        del self._receivers[identity.encode()]
        self.write(f"UNSUB {identity}\r\n".encode())

    @property
    def full(self) -> bool:
        """Whether so much is queued that the sender should wait until it is `free`."""
        return (
            self._transport is not None
            and self._transport.get_write_buffer_size() + self._unsent_size > WRITE_BUFFER
        )

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent, including those in the kernel if it tells."""
        if self._transport is None:
            return 0
        return self._transport.get_write_buffer_size() + self._unsent_size + held_by_system(self._transport)

    # The connection

    def expect(self, payload: int) -> None:
        """Allow messages as large as a server with this `max_payload` can send, in base64."""
        self._largest = max(LARGEST_ANSWER, min(payload, LARGEST_PAYLOAD) * 4 // 3 + MAX_LINE)

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self._transport is not None and self._transport.get_extra_info("ssl_object") is not None

    def extra(self, name: str) -> Any:
        """Return the transport's extra information of that name."""
        return None if self._transport is None else self._transport.get_extra_info(name)

    async def encrypt(self, context: ssl.SSLContext, name: str) -> None:
        """Switch to TLS with a server that has this name.

        Raises:
            Broken: the server has already sent something in plain text.
        """
        if self._start != self._end or self._lines:
            raise Broken("it sent plain text before TLS")
        plain = self._transport
        if not isinstance(plain, asyncio.Transport):
            raise Broken("connection lost")
        loop = asyncio.get_running_loop()
        secret = await loop.start_tls(plain, self, context, server_hostname=name)
        if secret is None:
            raise ConnectionResetError
        self.connection_made(secret)

    def close(self) -> None:
        """Send what is queued and end."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        if self._transport is not None:
            self._transport.abort()

    async def read_line(self) -> bytes:
        """Return the next protocol line, before `hand_lines_to` was called.

        Raises:
            ConnectionError: there will be none.
        """
        while not self._lines:
            if self.gone.is_set():
                raise self._error if isinstance(self._error, OSError) else ConnectionResetError("hung up")
            self._came.clear()
            await self._came.wait()
        return self._lines.popleft()

    def hand_lines_to(self, on_line: Callable[[bytes], None]) -> None:
        """Pass every protocol line to `on_line` from now on, first those that have arrived."""
        self.on_line = on_line
        try:
            while self._lines:
                on_line(self._lines.popleft())
        except Broken as e:
            self._break(e)

    # The protocol
    #
    # The buffer, with what was read and not handed on:
    #
    #     | handed on | a part of a message      | free: asyncio reads into it |
    #     0           _start                     _end                          len(_buffer)
    #                 |<-------- needed, as far as its line tells -------->|
    #
    # `_hand_on` moves `_start` behind each whole message. When all was handed on, both go back to 0. When
    # the message would not fit behind `_start`, the part is copied to the front: of the same buffer, or of a
    # larger one when the message is larger than that. So a payload always lies in one piece, and a view of
    # it can be given away for the duration of a call.

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        self._transport = transport
        if not self._buffer:
            self._make_buffer(BUFFER_SIZE)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def _make_buffer(self, size: int) -> None:
        self._buffer = bytearray(size)
        self._view = memoryview(self._buffer)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._view[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        self._end += nbytes
        try:
            needed = self._hand_on()
        except Broken as e:
            self._break(e)
            return
        if needed:  # an incomplete message with a receiver
            self._part += nbytes
            if self._part >= _DRIP:
                self._part = 0
                self.heard = time.monotonic()
        rest = self._end - self._start
        if not rest:
            self._start = self._end = 0
            if len(self._buffer) > BUFFER_SIZE:
                self._make_buffer(BUFFER_SIZE)
        elif max(self._start + needed, self._end + 1) > len(self._buffer):
            buffer = self._buffer if needed < len(self._buffer) else bytearray(needed + BUFFER_SIZE)
            view = memoryview(buffer)
            view[:rest] = self._view[self._start : self._end]
            self._buffer, self._view = buffer, view
            self._start, self._end = 0, rest

    def _hand_on(self) -> int:
        """Hand on what is complete; return the size of the incomplete message, 0 if unknown."""
        buffer, view, end = self._buffer, self._view, self._end
        now = time.monotonic()
        while (start := self._start) < end:
            if self._skipping:
                self._start = min(end, start + self._skipping)
                self._skipping -= self._start - start
                continue
            line_end = buffer.find(_CRLF, start, end)
            if line_end < 0:
                if end - start > MAX_LINE:
                    raise Broken("it sent an endless line")
                return 0
            if not buffer.startswith(_MESSAGE, start):
                self._take_line(start, line_end)
                continue
            line = bytes(view[start:line_end]).split()  # [H]MSG subject sid [reply] [header] size
            payload_end = line_end + 2 + _size(line, self._largest)
            receiver = self._receivers.get(line[2])
            if receiver is None:  # it arrived after its subscription ended
                self._bear(0)
                self._skipping = payload_end + 2 - start
                continue
            if payload_end + 2 > end:
                return payload_end + 2 - start
            if not buffer.startswith(_CRLF, payload_end):
                raise Broken("it sent a message of the wrong size")
            self._start = payload_end + 2
            if self._deliver(receiver, line, line_end + 2, payload_end) is False:
                self._bear(0)
            else:
                self._chatter = self._part = 0
                self.heard = now
        return 0

    def _bear(self, size: int) -> None:
        """Count what no receiver gets: a server that sends nothing else is given up."""
        self._chatter += size + _COST
        if self._chatter > MAX_CHATTER:
            raise Broken("it sends protocol lines without end")

    def _break(self, error: Broken) -> None:
        self._error = self._error or error
        self._start = self._end = self._skipping = 0
        self.abort()

    def _take_line(self, start: int, end: int) -> None:
        if end - start > MAX_LINE:
            raise Broken("it sent an endless line")
        self._bear(end - start)
        line = bytes(self._view[start:end])
        self._start = end + 2
        if self.on_line is not None:
            self.on_line(line)
        else:
            self._lines.append(line)
            self._came.set()

    def _deliver(self, receiver: Receiver, line: list[bytes], start: int, end: int) -> object:
        headers: Mapping[str, str] = _NO_HEADERS
        sizes = 1
        if line[0] == b"HMSG":
            sizes = 2
            head_end = start + int(line[-2])
            headers = parse_headers(bytes(self._view[start:head_end]))
            start = head_end
        reply = text_of(line[3]) if len(line) > 3 + sizes else ""
        return receiver(text_of(line[1]), reply, headers, self._view[start:end])

    def eof_received(self) -> bool | None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._error = self._error or exc
        self._start = self._end = self._skipping = 0
        self._make_buffer(0)
        self.gone.set()
        self._came.set()
        self.free.set()
        if self.on_lost is not None:
            self.on_lost(self._error)

    def pause_writing(self) -> None:
        self.free.clear()

    def resume_writing(self) -> None:
        self.free.set()


def _size(line: list[bytes], largest: int) -> int:
    """Return the bytes that follow the line of a message, after checking the line."""
    parts, last = len(line), line[-1]
    if line[0] == b"HMSG":
        head = line[-2]
        if not 5 <= parts <= 6 or not (head.isdigit() and last.isdigit()):
            raise Broken("it sent a malformed message")
    else:
        head = b"0"
        if not 4 <= parts <= 5 or not last.isdigit():
            raise Broken("it sent a malformed message")
    if len(head) > 10 or len(last) > 10 or (size := int(last)) > largest:
        raise Broken("it sent an oversized message")
    if int(head) > size:
        raise Broken("it sent a malformed message")
    return size


_NO_HEADERS: Mapping[str, str] = {}
