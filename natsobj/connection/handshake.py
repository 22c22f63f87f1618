"""The beginning of a connection: the server's INFO, TLS, our credentials, the server's acceptance."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import NamedTuple

from natsobj.connection import websocket
from natsobj.connection.address import Address
from natsobj.connection.info import ServerInfo, read_info
from natsobj.connection.lane import Lane
from natsobj.connection.sign_in import connect_command, tls_context
from natsobj.connection.translate import Broken, Refused, connect_error
from natsobj.settings import Settings

__all__ = ["Greeting", "greet"]


class Greeting(NamedTuple):
    """A connection that is ready."""

    lane: Lane
    info: ServerInfo
    round_trip: float
    """Seconds that the server took to answer."""


async def greet(
    address: Address, settings: Settings, context: ssl.SSLContext | None, servers: str
) -> Greeting:
    """Connect to one server and sign in; the caller sets the time limit.

    Args:
        context: for TLS that is required; None if only the server may ask for TLS.
        servers: the address, for error messages.

    Raises:
        ServerUnavailable, AuthenticationFailed, CertificateError: it failed.
        InvalidArgument: an extra is missing.
    """
    lane = Lane()
    shy = _Shy(settings.tls_first)
    try:
        return await _sign_in(lane, address, settings, context, shy)
    except (OSError, Refused) as e:
        lane.abort()
        raise connect_error(e, servers, certificate_wanted=shy.certificate_wanted) from e
    except BaseException:
        lane.abort()
        raise


class _Shy:
    """Whether the server asks for a client certificate: if it rejects that, it only hangs up."""

    def __init__(self, certificate_wanted: bool) -> None:
        self.certificate_wanted = certificate_wanted


async def _sign_in(
    lane: Lane, address: Address, settings: Settings, context: ssl.SSLContext | None, shy: _Shy
) -> Greeting:
    await _dial(lane, address, context)
    if settings.tls_first and not address.websocket:
        await lane.encrypt(context or tls_context(settings), address.name)
    info = await _read_info(lane)
    shy.certificate_wanted = info.tls_verify
    offered = info.tls_required or info.tls_available
    if not (lane.encrypted or address.websocket) and offered and (info.tls_required or context is not None):
        await lane.encrypt(context or tls_context(settings), address.name)
    if context is not None and not lane.encrypted:
        raise Broken("it does not offer TLS")
    lane.write(connect_command(settings, info, encrypted=lane.encrypted) + b"PING\r\n")
    begun = time.monotonic()
    await _welcome(lane)
    return Greeting(lane, info, time.monotonic() - begun)


async def _dial(lane: Lane, address: Address, context: ssl.SSLContext | None) -> None:
    if address.websocket:
        await websocket.dial(lane, address, context)
    else:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: lane, address.host, address.port)


async def _read_info(lane: Lane) -> ServerInfo:
    operation, _, text = (await lane.read_line()).partition(b" ")
    if operation != b"INFO":
        raise Broken("not a NATS server")
    try:
        return read_info(text)
    except ValueError as e:
        raise Broken("not a usable NATS server") from e


async def _welcome(lane: Lane) -> None:
    """Wait until the server accepts us: it answers the PING that follows CONNECT."""
    while (line := await lane.read_line()) != b"PONG":
        if line == b"PING":
            lane.write(b"PONG\r\n")
        elif line.startswith(b"-ERR"):
            raise Refused(line[4:].decode(errors="replace").strip().strip("'"))
        elif not line.startswith((b"+OK", b"INFO")):
            raise Broken("it does not speak the NATS protocol")
