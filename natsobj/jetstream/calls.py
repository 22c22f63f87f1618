"""One call of the JetStream API: the request, its repetition, and its answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from natsobj.connection import Connection, Connector, Message, time_left
from natsobj.errors import JetStreamUnavailable, ServerUnavailable, TemporaryError
from natsobj.jetstream import shapes
from natsobj.jetstream.codes import api_error, check_load

__all__ = ["Calls", "read_answer"]

log = logging.getLogger(__name__)

_PAUSE = 0.1  # seconds before a lost connection is replaced


class Calls:
    """Calls the API of one account and domain over one connector."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self._prefix = connector.settings.api_prefix

    @property
    def connection(self) -> Connection:
        """The connection in use; whoever notices that it is lost replaces it."""
        return self.connector.connection

    async def _call(
        self,
        api: str,
        request: Mapping[str, object] | None = None,
        *,
        stream: str = "",
        again: bool = False,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Call the API and return its answer.

        Raises:
            NatsobjError: of the class that `api_error` chooses for the server's error.
        """
        payload = b"" if request is None else json.dumps(request, ensure_ascii=False).encode()
        message = await self._ask(api, payload, again=again, timeout=timeout)
        return read_answer(message.data, api, stream)

    async def _ask(
        self, api: str, payload: bytes, *, again: bool = False, timeout: float | None = None
    ) -> Message:
        message = await self._request(f"{self._prefix}.{api}", payload, again=again, timeout=timeout)
        if message.status == "503":
            where = f"{self.connection.servers} under {self._prefix}"
            raise JetStreamUnavailable(f"no JetStream at {where}", lasting=True)
        return message

    async def _request(self, subject: str, payload: bytes, *, again: bool, timeout: float | None) -> Message:
        """Send a request; if it may be repeated, do so over a new connection when the old one is lost."""
        timeout = min(self.connector.timeout if timeout is None else timeout, max(time_left(), _PAUSE))
        deadline = time.monotonic() + timeout
        while True:
            connection = self.connection
            try:
                answer = await connection.request(subject, payload, again=again, timeout=timeout)
                check_load(answer)
                return answer
            except ServerUnavailable as e:
                timeout = deadline - time.monotonic() - _PAUSE
                if not again or timeout <= 0:
                    raise
                log.debug("asking again: %s", e)
                await asyncio.sleep(_PAUSE)
                if not self.connector.is_open():
                    raise
                with contextlib.suppress(TemporaryError, TimeoutError):
                    async with asyncio.timeout(timeout):
                        await self.connector.renew(connection)


def read_answer(data: bytes, api: str, stream: str) -> dict[str, Any]:
    """Read an answer of the API.

    Raises:
        NatsobjError: of the class that `api_error` chooses for the server's error.
    """
    answer = shapes.read_json(data, api)
    if answer.get("error"):
        error = shapes.fit(answer["error"], shapes.ERROR, api)
        raise api_error(error.get("err_code", 0), error.get("description", ""), error.get("code", 0), stream)
    return answer
