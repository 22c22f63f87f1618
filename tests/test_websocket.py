"""NATS over WebSocket: the same program, with an extra that only this needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Certificates, Serve
from tests.program import Program
from tests.servers import PLAIN, NatsServer

BIG = bytes(range(256)) * 4096 * 4


def websocket_of(server: NatsServer) -> str:
    """The port on which a server listens for WebSocket."""
    found = re.search(r"websocket clients on wss?://127\.0\.0\.1:(\d+)", server.said)
    assert found is not None, server.said
    return f"127.0.0.1:{found[1]}"


@pytest.fixture
def plain(serve: Serve) -> NatsServer:
    """A server that speaks WebSocket without TLS."""
    return serve(f'{PLAIN}\nwebsocket {{ listen: "127.0.0.1:-1", no_tls: true }}')


def test_everything_works_over_websocket(bare_cli: Program, plain: NatsServer, tmp_path: Path) -> None:
    """put, get, ls and rm do what they do elsewhere, and what is stored is seen from elsewhere."""
    url = f"ws://{websocket_of(plain)}"
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(BIG)
    bare_cli("add", "-s", url, "b").expect(0)
    bare_cli("put", "-s", url, "b", "big", source).expect(0)
    bare_cli("put", "-s", url, "b", "small", "-", input=b"hello").expect(0)
    bare_cli("get", "-s", url, "b", "big", target).expect(0)
    assert target.read_bytes() == BIG
    assert bare_cli("get", "-s", plain.url, "b", "small", "-").expect(0).stdout == b"hello"
    assert bare_cli("ls", "-1", "-s", url, "b").expect(0).lines == ["big", "small"]
    bare_cli("rm", "-s", url, "b", "big").expect(0)
    bare_cli("get", "-s", url, "b", "big", "-").expect(4)


def test_websocket_over_tls_needs_a_trusted_certificate(
    bare_cli: Program, serve: Serve, certificates: Certificates
) -> None:
    """`wss://` works with the right authority; without it the certificate is the reason, exit 7."""
    tls = f'tls {{ cert_file: "{certificates.server_cert}", key_file: "{certificates.server_key}" }}'
    server = serve(f'{PLAIN}\nwebsocket {{ listen: "127.0.0.1:-1", {tls} }}')
    url = f"wss://{websocket_of(server)}"
    bare_cli("add", "-s", url, "--tlsca", certificates.ca, "b").expect(0)
    refused = bare_cli("ls", "-s", url).expect(7)
    assert "not trusted" in refused.stderr


def test_a_websocket_server_that_is_gone_is_no_server(bare_cli: Program, plain: NatsServer) -> None:
    """Nobody there, or somebody who does not speak WebSocket: one line, exit 5."""
    url = f"ws://{plain.address}"
    strange = bare_cli("ls", "-s", url, "--timeout", "2s").expect(5)
    assert strange.stderr.count("\n") == 1
    url = f"ws://{websocket_of(plain)}"
    plain.kill()
    gone = bare_cli("ls", "-s", url, "--timeout", "2s").expect(5)
    assert "connection refused" in gone.stderr


def test_without_the_extra_the_way_to_it_is_named(bare_cli: Program, tmp_path: Path) -> None:
    """Where aiohttp is missing it is a matter of installing it: exit 2, and how."""
    (tmp_path / "aiohttp.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    path = f"{tmp_path}:{bare_cli.env['PYTHONPATH']}"
    result = bare_cli("ls", "-s", "ws://127.0.0.1:1", env={"PYTHONPATH": path}).expect(2)
    assert "pip install 'natsobj[websocket]'" in result.stderr
    assert result.stderr.count("\n") == 1
