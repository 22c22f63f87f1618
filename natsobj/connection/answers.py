"""What arrives at a private subject, to be waited for."""

from __future__ import annotations

import asyncio

from natsobj.connection.message import Message
from natsobj.errors import NatsobjError

__all__ = ["Answers"]


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
