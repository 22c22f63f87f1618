"""A proxy on loopback that stands between the program and its server and breaks what passes.

It runs in a thread of its own, so that a test may wait for processes. Every fault hits the links that are
there at that moment; a link that is made later is whole.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar

T = TypeVar("T")

Way = Literal["up", "down"]
"""`up`: from the program to the server."""

Action = Callable[["Link"], None]

MOST_HELD = 32 * 1024 * 1024
"""Bytes a direction keeps while it stands still; then it reads no more, as a full network would."""

_CARRY = 256
_RESET = struct.pack("ii", 1, 0)
_CALL = 10.0
_QUIET = 0.2


class Proxy:
    """Passes bytes between its own port and another one, until told otherwise.

    Args:
        delay: seconds that every byte takes in each direction.
    """

    def __init__(self, port: int, delay: float = 0.0) -> None:
        self.port = 0
        self.delay = delay
        self.connections = 0
        """How many links there ever were."""
        self.passed: dict[Way, int] = {"up": 0, "down": 0}
        """Bytes that were passed on, over all links."""
        self.links: list[Link] = []
        self.sides: set[_Side] = set()
        self._target = port
        self._triggers: list[_Trigger] = []
        self._waiting: list[asyncio.Event] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    @property
    def url(self) -> str:
        """What the program takes for its server."""
        return f"nats://127.0.0.1:{self.port}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL)
        self._loop.close()

    # Faults, from the test's thread

    def cut(self) -> None:
        """Reset every link on both sides; what is on the way is lost."""
        self._each(Link.cut)

    def half(self, *, after: float = 0.0, next_link: bool = False) -> None:
        """Reset the program's side; what is held still reaches the server, `after` seconds later.

        Args:
            next_link: the seconds count from the moment when the program has a new link.
        """
        self._each(lambda link: link.half(after=after, next_link=next_link))

    def stall(self) -> None:
        """Let nothing pass any more, without a word to either side."""
        self._each(Link.stall)

    def resume(self) -> None:
        """Let everything pass again that was stalled."""
        self._each(Link.resume)

    def quiet(self, way: Way) -> None:
        """Wait until nothing more has come that way for a moment."""
        passed = -1
        while passed != self.passed[way]:
            passed = self.passed[way]
            time.sleep(_QUIET)

    def delivered(self) -> None:
        """Wait until all that half links held is delivered."""

        async def wait() -> None:
            await asyncio.gather(*self._tasks)

        self._call(wait())

    def at(self, way: Way, point: int | bytes, action: Action) -> threading.Event:
        """Act when that many bytes have passed from now on, or right before these bytes pass; once.

        The action runs in the proxy's thread, and nothing passes meanwhile.

        Returns:
            Set when it has acted.
        """
        trigger = _Trigger(way, point if isinstance(point, bytes) else self.passed[way] + point, action)
        self._loop.call_soon_threadsafe(self._triggers.append, trigger)
        return trigger.fired

    # Inside, in the proxy's thread

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Act after some time; for actions."""
        self._loop.call_later(seconds, action)

    def connect(self, link: Link) -> None:
        """Make the server's side of a link."""
        self.connections += 1
        self.links.append(link)
        self._start(self._connect(link))

    def deliver(self, link: Link, after: float, next_link: bool) -> None:
        """Have what a half link holds delivered after some time."""
        self._start(self._deliver(link, after, next_link))

    def cross(self, way: Way, link: Link, piece: bytes, carry: bytes) -> int:
        """Return how much of a piece may pass before something is to happen; 0: it has happened now."""
        free = len(piece)
        for trigger in list(self._triggers):
            where = trigger.find(way, piece, carry, self.passed[way])
            if where == 0:
                self._triggers.remove(trigger)
                trigger.action(link)
                trigger.fired.set()
                return 0
            free = min(free, where)
        return free

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def _accept(self) -> asyncio.Protocol:
        link = Link(self)
        return _Side(self, link, link.up, link.down)

    async def _connect(self, link: Link) -> None:
        try:
            await self._loop.create_connection(
                lambda: _Side(self, link, link.down, link.up), "127.0.0.1", self._target
            )
        except OSError:
            link.cut()
            return
        for event in self._waiting:
            event.set()
        self._waiting.clear()

    async def _deliver(self, link: Link, after: float, next_link: bool) -> None:
        if next_link:
            event = asyncio.Event()
            self._waiting.append(event)
            await event.wait()
        await asyncio.sleep(after)
        link.finish()

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for side in self.sides:
            side.abort()
        while self.sides:
            await asyncio.sleep(0)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _each(self, action: Action) -> None:
        async def act() -> None:
            for link in list(self.links):
                action(link)

        self._call(act())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL)


class Link:
    """One connection of the program, and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.up = _Flow(proxy, self, "up")
        self.down = _Flow(proxy, self, "down")

    def stall(self) -> None:
        """Let nothing pass."""
        self.up.open = self.down.open = False

    def stall_up(self) -> None:
        """Let nothing pass to the server any more, but its answers."""
        self.up.open = False

    def resume(self) -> None:
        """Let all pass."""
        for flow in (self.up, self.down):
            flow.open = True
            flow.flush()

    def cut(self) -> None:
        """Reset both sides."""
        self.stall()
        self._forget()
        for flow in (self.up, self.down):
            flow.held.clear()
            if flow.source is not None:
                flow.source.abort()

    def half(self, *, after: float = 0.0, next_link: bool = False) -> None:
        """Reset the program's side, deliver what is held later, and end the server's side then."""
        self.up.open = False
        self._forget()
        self.down.discard()
        if self.up.source is not None:
            self.up.source.abort()
        self._proxy.deliver(self, after, next_link)

    def finish(self) -> None:
        """Deliver what is held; the server's side ends behind it in good order."""
        self.up.open = True
        self.up.flush()

    def _forget(self) -> None:
        if self in self._proxy.links:
            self._proxy.links.remove(self)


class _Flow:
    """One direction of a link: what was read and is not passed on yet."""

    def __init__(self, proxy: Proxy, link: Link, way: Way) -> None:
        self.open = True
        self.held: deque[tuple[float, bytes]] = deque()
        self.source: _Side | None = None
        self.sink: _Side | None = None
        self._proxy = proxy
        self._link = link
        self._way: Way = way
        self._size = 0
        self._carry = b""
        self._full = False
        """The sink takes no more for now."""
        self._ended = False
        self._discard = False

    def take(self, data: bytes) -> None:
        """Hold what was read, and pass on what may pass."""
        loop = asyncio.get_running_loop()
        delay = self._proxy.delay
        self.held.append((loop.time() + delay, data))
        self._size += len(data)
        if delay:
            loop.call_later(delay, self.flush)
        self.flush()

    def discard(self) -> None:
        """Read on and throw it away."""
        self._discard = True
        self.open = True
        self.flush()

    def end(self) -> None:
        """Nothing more comes; the sink hears of it behind what is held."""
        self.source = None
        self._ended = True
        self.flush()

    def full(self, full: bool) -> None:
        """The sink takes no more, or again."""
        self._full = full
        self.flush()

    def flush(self) -> None:
        """Pass on what may pass."""
        now = asyncio.get_running_loop().time()
        while self.held and self.open and self.held[0][0] <= now:
            if self._discard:
                self._size -= len(self.held.popleft()[1])
            elif self.sink is None or self._full:
                break
            else:
                self._pass(*self.held.popleft())
        if self.source is not None:
            self.source.read(self._size < MOST_HELD and not self._full)
        if self._ended and self.open and not self.held and self.sink is not None:
            self.sink.close()

    def _pass(self, due: float, piece: bytes) -> None:
        assert self.sink is not None
        self.held.appendleft((due, piece))
        free = self._proxy.cross(self._way, self._link, piece, self._carry)
        if not free:  # that may have closed, cut or emptied everything
            return
        self.held.popleft()
        if free < len(piece):
            self.held.appendleft((due, piece[free:]))
        self._size -= free
        self._carry = (self._carry + piece[:free])[-_CARRY:]
        self._proxy.passed[self._way] += free
        self.sink.write(piece[:free])


class _Side(asyncio.Protocol):
    """A socket of a link: `out` is the flow of what it reads, `back` the one of what it is given."""

    def __init__(self, proxy: Proxy, link: Link, out: _Flow, back: _Flow) -> None:
        self._proxy = proxy
        self._link = link
        self._out = out
        self._back = back
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._proxy.sides.add(self)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._out.source = self._back.sink = self
        if self._out is self._link.up:
            self._proxy.connect(self._link)
        self._back.flush()

    def data_received(self, data: bytes) -> None:
        self._out.take(data)

    def pause_writing(self) -> None:
        self._back.full(True)

    def resume_writing(self) -> None:
        self._back.full(False)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._proxy.sides.discard(self)
        self._back.sink = None
        self._out.end()

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def read(self, on: bool) -> None:
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.resume_reading if on else self._transport.pause_reading)()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Reset: what is on the way is lost."""
        if self._transport is not None and not self._transport.is_closing():
            socket_ = self._transport.get_extra_info("socket")
            socket_.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()


class _Trigger:
    """What is to happen when some bytes pass."""

    def __init__(self, way: Way, point: int | bytes, action: Action) -> None:
        self.action = action
        self.fired = threading.Event()
        self._way = way
        self._point = point

    def find(self, way: Way, piece: bytes, carry: bytes, passed: int) -> int:
        """How much of this piece may pass before; all of it when the point is not in it."""
        if way != self._way:
            return len(piece)
        if isinstance(self._point, int):
            return min(len(piece), max(0, self._point - passed))
        tail = carry[1 - len(self._point) :]
        where = (tail + piece).find(self._point)
        return len(piece) if where < 0 else max(0, where - len(tail))
