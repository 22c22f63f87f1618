"""The way to the server: one connection at a time, replaced as soon as it is in doubt.

A connection is never repaired: what was sent over the old one may still arrive behind what the new one sends,
and only `fence` tells that nothing more can come.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import NoReturn, TypeVar

from natsobj.connection.address import Addresses
from natsobj.connection.connection import Connection
from natsobj.errors import (
    CertificateError,
    JetStreamUnavailable,
    PermissionDenied,
    RequestTimeout,
    ServerUnavailable,
    TemporaryError,
)
from natsobj.settings import Settings

__all__ = ["GIVE_UP_AFTER", "PASSING", "Connector", "Patience", "take_time", "time_left"]

log = logging.getLogger(__name__)

T = TypeVar("T")

GIVE_UP_AFTER = 6
"""Timeouts without progress after which a transfer is given up; electing a new leader takes 4 to 9 s."""

PASSING = (ServerUnavailable, RequestTimeout, JetStreamUnavailable)
"""The errors of a restart, a lost connection or a new leader: they pass."""

_FENCE_INTERVAL = 0.1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


class Connector:
    """The connection of a store, shared by everything that runs at once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.timeout = settings.timeout.total_seconds()
        self._sharing = 0
        """Large transfers under way."""
        self.troubles = 0
        """How often something had to be retried."""
        self._addresses = Addresses(settings)
        self._connection: Connection | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._fenced: dict[str, asyncio.Task[bool]] = {}

    def is_open(self) -> bool:
        """Say whether it was opened, and not closed since."""
        return self._connection is not None

    @property
    def connection(self) -> Connection:
        """The connection in use; it may be lost."""
        if self._connection is None:
            raise RuntimeError("the store is not connected: use it in `async with`")
        return self._connection

    @property
    def round_trip(self) -> float:
        """Seconds that the server took to answer when the connection began."""
        return self.connection.round_trip

    async def open(self) -> None:
        """Connect; raises what `Connection.open` raises."""
        self._connection = await Connection.open(self.settings, self._addresses)

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        for task in (*self._fenced.values(), self._renewing):
            if task is not None:
                task.cancel()
        if connection is not None:
            await connection.close()

    async def renew(self, doubtful: Connection) -> None:
        """Replace a connection, unless that was done already. Concurrent callers share one attempt.

        Raises what `Connection.open` raises; the next call tries again.
        """
        if doubtful is not self._connection:
            return
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._replace(doubtful))
        await asyncio.shield(self._renewing)

    async def _replace(self, doubtful: Connection) -> None:
        log.debug("replacing the connection to %s", doubtful.servers)
        doubtful.abort(reset=True)
        try:
            self._connection = await Connection.open(self.settings, self._addresses)
        except CertificateError as e:  # it was trusted before: a server that shuts down fails the same way
            raise ServerUnavailable(doubtful.servers, str(e)) from e

    async def fence(self, inbox: str) -> bool:
        """Return whether the server has routed everything that was sent over a connection that is lost.

        Once the server has read that connection to its end, nobody listens on its private subject any more.
        False if that does not happen within the timeout: then something may still arrive.
        """
        if inbox not in self._fenced:
            self._fenced[inbox] = asyncio.create_task(self._fence(inbox))
        fence = self._fenced[inbox]
        try:
            return await asyncio.shield(fence)
        except TemporaryError:
            self._fenced.pop(inbox, None)
            raise

    async def _fence(self, inbox: str) -> bool:
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            with contextlib.suppress(RequestTimeout):
                try:
                    answer = await self.connection.request(f"{inbox}.fence", timeout=_FENCE_INTERVAL)
                except PermissionDenied:
                    return False
                if answer.status == "503":
                    return True
        return False

    async def patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return the result of an attempt, repeated while its trouble may pass."""
        return await Patience(self).of(attempt)

    @contextlib.contextmanager
    def sharing(self) -> Iterator[None]:
        """Count a large transfer as under way."""
        self._sharing += 1
        try:
            yield
        finally:
            self._sharing -= 1

    def share(self, budget: int) -> int:
        """Return one transfer's share of the bytes that all large transfers may have under way together.

        Uploads and downloads have budgets of their own, but they share one connection: so each budget is
        divided by the number of both.
        """
        return budget // max(1, self._sharing)


class Patience:
    """How long to retry without progress: six timeouts, counted from the first trouble.

    A patience that is created within another one (`around`) does not outlast that one.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._around = _patience.get()
        self._since: float | None = None
        self._renewed = 0.0
        self._pause = _FIRST_PAUSE

    def moved(self) -> None:
        """Note progress: the time counts anew from the next trouble."""
        self._since = None
        if self._around is not None:
            self._around.moved()

    @property
    def end(self) -> float:
        """When it ends, by `time.monotonic`; never, as long as there is no trouble."""
        return math.inf if self._since is None else self._since + GIVE_UP_AFTER * self._connector.timeout

    async def wait(self, error: TemporaryError, connection: Connection) -> None:
        """Pause before the next attempt, and replace the connection if it is in doubt.

        It is in doubt if it is lost, or was silent for one timeout.

        Raises:
            TemporaryError: `error`, if the time is up or waiting does not help.
        """
        now, timeout = time.monotonic(), self._connector.timeout
        silence = error.seconds if isinstance(error, RequestTimeout) else 0.0
        if self._since is None:  # tidying up takes one timeout; an older error waited for our own reader
            self._since = self._renewed = max(error.when, now - timeout) - silence
            if self._around is not None and self._around._since is not None:
                self._since = min(self._since, self._around._since)
            self._pause = _FIRST_PAUSE
        if now > self.end or error.worn_out or getattr(error, "lasting", False):
            self._give_up(error)
        log.debug("trying again: %s", error)
        self._connector.troubles += 1
        silent = silence and min(now - self._renewed, connection.silent_for()) >= timeout
        if silent or connection.lost.is_set():
            self._renewed = now
            try:
                async with asyncio.timeout(self.end - now):
                    await self._connector.renew(connection)
            except TemporaryError as e:
                log.debug("no connection: %s", e)
            except TimeoutError:
                self._give_up(error)
        await asyncio.sleep(min(self._pause, max(0.0, self.end - time.monotonic())))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    @staticmethod
    def _give_up(error: TemporaryError) -> NoReturn:
        """Raise an error that no enclosing patience will retry."""
        error.worn_out = True
        raise error from None

    async def of(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return the result of an attempt, repeated while its trouble may pass."""
        while True:
            connection = self._connector.connection
            try:
                with self.around():
                    return await attempt()
            except PASSING as e:
                await self.wait(e, connection)

    @contextlib.contextmanager
    def around(self) -> Iterator[None]:
        """Limit every patience that is created in this block to this one."""
        token = _patience.set(self)
        try:
            yield
        finally:
            _patience.reset(token)


_patience: ContextVar[Patience | None] = ContextVar("_patience", default=None)


def time_left() -> float:
    """Return the seconds until the enclosing patience ends."""
    patience = _patience.get()
    return math.inf if patience is None else max(0.0, patience.end - time.monotonic())


def take_time() -> None:
    """Release the rest of this task from the enclosing patience: it tidies up, and takes its own time."""
    _patience.set(None)
