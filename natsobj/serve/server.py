"""The server of a site: a socket, and uvicorn on it until it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator

import uvicorn

from natsobj.serve.app import Site

__all__ = ["listen", "serve_site"]

_CLOSE_WITHIN = 1
"""Seconds that uvicorn gives clients to read what was sent."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 means any free one.

    Raises:
        OSError: the address cannot be used; the error names host and port.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        known = error.errno if error.errno is not None and error.errno > 0 else None
        reason = os.strerror(known) if known else error.strerror or str(error)
        raise OSError(error.errno, reason, _place(host, port)) from error


def _place(host: str, port: int) -> str:
    return f"{f'[{host}]' if ':' in host else host}:{port}"


async def serve_site(site: Site, listening: socket.socket, started: Callable[[str], None]) -> None:
    """Serve until this is cancelled; then end all answers and close all connections.

    Args:
        started: called with the address as soon as requests are answered.
    """
    config = uvicorn.Config(
        site,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_CLOSE_WITHIN,
    )
    server = _Server(config, started)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    with site.modest():
        try:
            await asyncio.shield(running)
        finally:
            server.should_exit = True
            await site.close()
            await asyncio.wait({running})


class _Server(uvicorn.Server):
    """Uvicorn, with signals left to the program."""

    def __init__(self, config: uvicorn.Config, started: Callable[[str], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            self._started(f"http://{_place(*listening.getsockname()[:2])}/")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
