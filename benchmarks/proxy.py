"""A long line: a proxy that holds back each byte for a while, both ways, and may limit their rate."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue

__all__ = ["slow_link"]

BLOCK = 256 * 1024
SLICE = 32 * 1024
AHEAD = 0.005
"""Seconds for which a line of limited rate takes in what it cannot pass on yet."""


@contextmanager
def slow_link(url: str, one_way: float, rate: float = 0.0) -> Iterator[str]:
    """Give a URL behind which is the server of `url`, `one_way` seconds away.

    Args:
        rate: bytes a second that pass each way at most; 0 limits nothing.
    """
    host, _, port = url.removeprefix("nats://").rpartition(":")
    sockets: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _start(_accept, listener, (host, int(port)), one_way, rate, sockets)
        try:
            yield f"nats://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for each in (listener, *sockets):
                _shut(each)
    for each in sockets:
        each.close()


def _accept(
    listener: socket.socket,
    server: tuple[str, int],
    one_way: float,
    rate: float,
    sockets: list[socket.socket],
) -> None:
    """Connect every client with the server."""
    with suppress(OSError):  # the listener was shut
        while True:
            client, _ = listener.accept()
            upstream = socket.create_connection(server)
            sockets += client, upstream
            for source, target in ((client, upstream), (upstream, client)):
                target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
                _start(_take_in, source, line, one_way, rate)
                _start(_pass_on, line, target)


def _take_in(
    source: socket.socket, line: SimpleQueue[tuple[float, bytes]], one_way: float, rate: float
) -> None:
    """Put what comes into the line, with the time when it is at the other end; the end is an empty block."""
    block, free = b"more", 0.0
    while block:
        try:
            block = source.recv(SLICE if rate else BLOCK)
        except OSError:
            block = b""
        now = time.monotonic()
        free = max(free, now) + (len(block) / rate if rate else 0.0)
        line.put((free + one_way, block))
        if free - now > AHEAD:  # what does not fit waits with the sender
            time.sleep(free - now)


def _pass_on(line: SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    """Send what has arrived at the other end."""
    with suppress(OSError):
        while True:
            due, block = line.get()
            if (left := due - time.monotonic()) > 0:
                time.sleep(left)
            if not block:
                break
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _start(function: object, *arguments: object) -> None:
    assert callable(function)
    threading.Thread(target=function, args=arguments, daemon=True).start()


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
