"""The proxy itself: it must break what it says, or the tests behind it prove nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.proxy import Proxy

WAIT = 10.0


class Peer:
    """A listening socket and its connections, as a server has them."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT)
        self.port = self.listener.getsockname()[1]

    def accept(self) -> socket.socket:
        connection, _ = self.listener.accept()
        connection.settimeout(WAIT)
        return connection


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Where the proxy leads to."""
    peer = Peer()
    with closing(peer.listener):
        yield peer


@pytest.fixture
def proxy(peer: Peer) -> Iterator[Proxy]:
    """A proxy in front of the peer."""
    with Proxy(peer.port) as running:
        yield running


def program(proxy: Proxy) -> socket.socket:
    """A connection as the program makes it."""
    return socket.create_connection(("127.0.0.1", proxy.port), WAIT)


def read(connection: socket.socket, size: int) -> bytes:
    """Exactly that many bytes."""
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        assert part, f"the end after {len(data)} bytes"
        data += part
    return bytes(data)


def test_proxy_passes_everything_and_every_end(peer: Peer, proxy: Proxy) -> None:
    """Many bytes, both ways, and an orderly end on the other side."""
    data = bytes(range(256)) * 4096 * 64
    with program(proxy) as ours, peer.accept() as theirs:
        sender = threading.Thread(target=ours.sendall, args=(data,))
        sender.start()
        assert read(theirs, len(data)) == data
        sender.join()
        theirs.sendall(b"back")
        assert read(ours, 4) == b"back"
        ours.close()
        assert theirs.recv(1) == b""
    assert proxy.passed == {"up": len(data), "down": 4}


def test_cut_resets_both_sides(peer: Peer, proxy: Proxy) -> None:
    """And the next link is whole."""
    with program(proxy) as ours, peer.accept() as theirs:
        ours.sendall(b"x")
        assert read(theirs, 1) == b"x"
        proxy.cut()
        for side in (ours, theirs):
            with pytest.raises(ConnectionResetError):
                side.recv(1)
    with program(proxy) as ours, peer.accept() as theirs:
        ours.sendall(b"y")
        assert read(theirs, 1) == b"y"
    assert proxy.connections == 2


def test_half_delivers_what_it_held_after_the_next_link(peer: Peer, proxy: Proxy) -> None:
    """Late bytes: the program's side is gone long since, and another link came before them."""
    with program(proxy) as ours, peer.accept() as theirs:
        ours.sendall(b"early")
        assert read(theirs, 5) == b"early"
        proxy.stall()
        held = proxy.at("up", 0, lambda _: None)
        ours.sendall(b"late")
        theirs.settimeout(0.2)
        with pytest.raises(TimeoutError):
            theirs.recv(1)
        theirs.settimeout(WAIT)
        proxy.half(next_link=True)
        with pytest.raises(ConnectionResetError):
            ours.recv(1)
        assert not held.is_set()
        with program(proxy), peer.accept():
            assert read(theirs, 4) == b"late"
            assert theirs.recv(1) == b""
        assert held.is_set()


def test_triggers_act_before_the_byte_they_name(peer: Peer, proxy: Proxy) -> None:
    """By number and by content, wherever pieces are split; a cut leaves what came before."""
    by_number = proxy.at("up", 3, lambda link: link.stall())
    with program(proxy) as ours, peer.accept() as theirs:
        ours.sendall(b"abcd")
        assert read(theirs, 3) == b"abc"
        assert by_number.wait(WAIT)
        by_content = proxy.at("up", b"NOW", lambda link: link.cut())
        proxy.resume()
        assert read(theirs, 1) == b"d"
        for part in (b"..N", b"OW,"):
            ours.sendall(part)
        with pytest.raises(ConnectionResetError):
            read(theirs, 4)
        assert by_content.wait(WAIT)
