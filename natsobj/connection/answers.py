"""What arrives at a private subject, and what keeps it from arriving."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from natsobj.connection.message import Message
from natsobj.connection.timed_event import TimedEvent
from natsobj.connection.watchers import Fail, Watch
from natsobj.errors import NatsobjError

__all__ = ["Answers", "Receiving"]


class Receiving:
    """A context in which messages to a private subject reach a receiver: as cheap as can be.

    Args:
        inbox: the private subject, of which the last token is the receiver's own.
        receivers: those of the connection, by that token.
        watch: for what keeps messages from arriving.
    """

    __slots__ = ("_receiver", "_receivers", "_token", "_watch", "inbox")

    def __init__(
        self,
        inbox: str,
        receivers: dict[str, Callable[[Message], object]],
        receiver: Callable[[Message], object],
        watch: Watch,
    ) -> None:
        self.inbox = inbox
        self._token = inbox[inbox.rindex(".") + 1 :]
        self._receivers = receivers
        self._receiver = receiver
        self._watch = watch

    def __enter__(self) -> str:
        self._receivers[self._token] = self._receiver
        self._watch.__enter__()
        return self.inbox

    def __exit__(self, *_: object) -> None:
        del self._receivers[self._token]
        self._watch.__exit__()


class Answers:
    """A context with a private subject, its `inbox`, and the messages that arrive there, in order.

    Args:
        receive: `Connection.receive`.
        asked: the subject of the requests that are answered.
    """

    def __init__(
        self, receive: Callable[[Callable[[Message], object], str, Fail], Receiving], asked: str
    ) -> None:
        self._came: deque[Message | NatsobjError] = deque()
        self.arrived = TimedEvent()
        """Set when one has arrived."""
        self._receiving = receive(self._put, asked, self._put)

    def __enter__(self) -> Answers:
        self._receiving.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._receiving.__exit__()

    @property
    def inbox(self) -> str:
        """Where answers are to be sent."""
        return self._receiving.inbox

    async def next(self, seconds: float) -> Message:
        """Return the next one.

        Raises:
            TimeoutError: none came in that many seconds.
            NatsobjError: none can come.
        """
        if not self._came:
            self.arrived.clear()
            if not await self.arrived.wait(seconds):
                raise TimeoutError
        answer = self._came.popleft()
        if isinstance(answer, NatsobjError):
            raise answer
        return answer

    def _put(self, answer: Message | NatsobjError) -> None:
        self._came.append(answer)
        self.arrived.set()
