"""What arrives at a private subject, to be waited for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from natsobj.connection.message import Message
from natsobj.connection.timed_event import TimedEvent
from natsobj.errors import NatsobjError

__all__ = ["Answers", "Receiving"]


class Answers:
    """The messages that arrive at a private subject, in order."""

    def __init__(self) -> None:
        self._came: deque[Message | NatsobjError] = deque()
        self._event = TimedEvent()

    def put(self, answer: Message | NatsobjError) -> None:
        """Add one."""
        self._came.append(answer)
        self._event.set()

    def fail(self, error: NatsobjError) -> None:
        """End the waiting with an error."""
        self.put(error)

    async def next(self, seconds: float) -> Message:
        """Return the next one.

        Raises:
            TimeoutError: none came in that many seconds.
        """
        if not self._came:
            self._event.clear()
            if not await self._event.wait(seconds):
                raise TimeoutError
        answer = self._came.popleft()
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
