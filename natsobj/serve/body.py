"""An object's bytes on their way to a client, at its pace; complete only if they match the record."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import Message, Send

__all__ = ["Answer", "Body"]


class Answer:
    """The answer to one request, and how much of it was sent so far."""

    def __init__(self, send: Send, extra: Mapping[str, str]) -> None:
        self._send = send
        self._extra = [(name.encode(), value.encode()) for name, value in extra.items()]
        self.status = 0
        """0 until something was sent."""
        self.sent = 0
        """Bytes of the body so far."""

    async def __call__(self, message: Message) -> None:
        """Send the head, with the headers that all answers have, or a piece of the body."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name for name, _ in message["headers"]}
            extra = [pair for pair in self._extra if pair[0] not in given]
            message = {**message, "headers": [*message["headers"], *extra]}
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head."""
        raw = Headers(headers).raw
        await self({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, body: bytes, *, more: bool) -> None:
        """Send a piece of the body, and wait until the client has taken most of what was sent."""
        await self({"type": "http.response.body", "body": body, "more_body": more})


class Body:
    """A sink that sends what is written to it, but holds the last piece back until everything is verified.

    The head is sent with the first piece, so an error before that can still be answered with a status.
    """

    def __init__(self, answer: Answer, status: int, headers: Mapping[str, str]) -> None:
        self._answer = answer
        self._status = status
        self._headers = headers
        self._pieces: deque[bytes] = deque()

    def write(self, view: memoryview, /) -> None:
        """Take a piece."""
        if view:
            self._pieces.append(bytes(view))

    async def drain(self) -> None:
        """Send all pieces but the last one."""
        while len(self._pieces) > 1:
            if not self._answer.status:
                await self._answer.start(self._status, self._headers)
            await self._answer.write(self._pieces.popleft(), more=True)

    def restart(self) -> None:
        """Refuse: the head that was sent belongs to another version."""
        raise io.UnsupportedOperation("an answer cannot be taken back")

    async def finish(self) -> None:
        """Send the last piece."""
        await self.drain()
        if not self._answer.status:
            await self._answer.start(self._status, self._headers)
        await self._answer.write(self._pieces.popleft() if self._pieces else b"", more=False)
