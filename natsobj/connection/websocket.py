"""NATS over WebSocket: binary frames whose bytes are those of an ordinary connection.

It needs aiohttp, which is an extra: `pip install 'natsobj[websocket]'`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from natsobj.connection.address import Address
from natsobj.connection.lane import LARGEST_PAYLOAD, Lane
from natsobj.connection.translate import Broken
from natsobj.errors import InvalidArgument

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse

__all__ = ["dial"]


async def dial(lane: Lane, address: Address, context: ssl.SSLContext | None) -> None:
    """Connect a lane.

    Args:
        context: for `wss`.

    Raises:
        InvalidArgument: aiohttp is missing.
        OSError: nobody listens, or it is not a WebSocket.
    """
    try:
        import aiohttp
    except ImportError as e:
        raise InvalidArgument(f"{address.scheme}:// needs an extra: pip install 'natsobj[websocket]'") from e
    session = aiohttp.ClientSession()
    try:
        socket = await session.ws_connect(
            address.url,
            ssl=True if context is None else context,
            server_hostname=address.name if context is not None else None,
            max_msg_size=2 * LARGEST_PAYLOAD,
        )
    except aiohttp.ClientConnectorCertificateError as e:
        await session.close()
        raise e.certificate_error from e
    except aiohttp.ClientConnectorError as e:
        await session.close()
        raise e.os_error from e
    except aiohttp.ClientError as e:
        await session.close()
        raise Broken("not a NATS server behind WebSocket") from e
    except BaseException:
        await session.close()
        raise
    lane.connection_made(_Transport(session, socket, lane))


class _Transport:
    """The transport: frames of what is written, and every byte of every frame to the lane."""

    def __init__(self, session: ClientSession, socket: ClientWebSocketResponse, lane: Lane) -> None:
        self._session = session
        self._socket = socket
        self._lane = lane
        self._queue = bytearray()
        self._high = 0
        self._paused = self._closing = False
        self._filled = asyncio.Event()
        self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._receive())]
        self._ending: asyncio.Task[None] | None = None

    def write(self, data: bytes) -> None:
        self._queue += data
        self._filled.set()
        if len(self._queue) > self._high and not self._paused:
            self._paused = True
            self._lane.pause_writing()

    def writelines(self, list_of_data: list[bytes]) -> None:
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        return len(self._queue)

    def set_write_buffer_limits(self, high: int) -> None:
        self._high = high

    def get_extra_info(self, name: str) -> Any:
        return self._socket.get_extra_info(name)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True
        self._filled.set()

    def abort(self) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        self._end(None)

    async def _send(self) -> None:
        error: Exception | None = None
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                data, self._queue = bytes(self._queue), bytearray()
                if data:
                    await self._socket.send_bytes(data)
                if self._paused and len(self._queue) <= self._high:
                    self._paused = False
                    self._lane.resume_writing()
                if self._closing and not self._queue:
                    break
        except (OSError, RuntimeError) as e:
            error = e if isinstance(e, OSError) else ConnectionResetError()
        self._end(error)

    async def _receive(self) -> None:
        from aiohttp import WSMsgType

        error: Exception | None = None
        while not self._closing:
            message = await self._socket.receive()
            if message.type is not WSMsgType.BINARY:
                if message.type is WSMsgType.TEXT:
                    error = Broken("it sends text through WebSocket")
                break
            rest = memoryview(message.data)
            while rest and not self._closing:
                room = self._lane.get_buffer(len(rest))
                size = min(len(room), len(rest))
                room[:size] = rest[:size]
                rest = rest[size:]
                self._lane.buffer_updated(size)
        self._end(error)

    def _end(self, error: Exception | None) -> None:
        if self._ending is None:
            self._closing = True
            self._ending = asyncio.create_task(self._finish(error))

    async def _finish(self, error: Exception | None) -> None:
        try:
            await self._session.close()
        finally:
            self._lane.connection_lost(error)
