"""What arrives at a private subject, to be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from natsobj.connection.message import Message
from natsobj.errors import NatsobjError

__all__ = ["Answers", "Receiving"]


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


class Receiving:
    """A context in which messages to a private subject reach a receiver: as cheap as can be."""

    __slots__ = ("_receiver", "_receivers", "_subject", "_token")

    def __init__(
        self,
        receivers: dict[str, Callable[[Message], object]],
        inbox: str,
        token: str,
        receiver: Callable[[Message], object],
    ) -> None:
        self._receivers = receivers
        self._subject = f"{inbox}.{token}"
        self._token = token
        self._receiver = receiver

    def __enter__(self) -> str:
        self._receivers[self._token] = self._receiver
        return self._subject

    def __exit__(self, *_: object) -> None:
        del self._receivers[self._token]
