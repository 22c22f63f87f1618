"""TLS was asked for, and somebody would rather not: no credential leaves, and it is told in one line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.conftest import Certificates, Serve
from tests.program import Program
from tests.servers import PLAIN, NatsServer
from tests.strangers.fake_server import INFO, FakeServer, Session
from tests.strangers.lies import at

SECRET = "open-sesame"  # that nobody may see

OFFERS: dict[str, dict[str, object]] = {
    "no TLS": {},
    "TLS of its own choice": {"tls_available": True},
    "TLS that it must have": {"tls_required": True},
    "TLS that is no yes": {"tls_required": "true", "tls_available": 1},
    "a login": {"auth_required": True},
}
"""What a server that speaks no TLS may say of it."""


@pytest.mark.parametrize("offer", list(OFFERS))
@pytest.mark.parametrize("asked", ["scheme", "authority", "first"])
def test_nothing_secret_leaves_in_plain_text(
    bare_cli: Program, certificates: Certificates, offer: str, asked: str
) -> None:
    """By `tls://`, by a TLS file, by `--tlsfirst`: whatever INFO says of TLS, all that counts is TLS."""
    with FakeServer({**INFO, **OFFERS[offer]}) as server:
        url = server.url.replace("nats:", "tls:") if asked == "scheme" else server.url
        options = {"scheme": (), "authority": ("--tlsca", certificates.ca), "first": ("--tlsfirst",)}[asked]
        login = ("--user", "anna", "--password", SECRET)
        at(bare_cli, url, "ls", *login, *options).foreseen(5)
    assert SECRET.encode() not in server.received
    assert b"CONNECT" not in server.received


def test_a_context_that_asks_for_tls_is_obeyed(bare_cli: Program) -> None:
    """`tls_first` of a context is as good as the option."""
    with FakeServer() as server:
        folder = bare_cli.config_home / "nats" / "context"
        folder.mkdir(parents=True)
        context = {"url": server.url, "user": "anna", "password": SECRET, "tls_first": True}
        (folder / "far.json").write_text(json.dumps(context), encoding="utf-8")
        result = bare_cli("ls", "--context", "far", "--timeout", "0.5s")
    assert result.expect(5).stderr.count("\n") == 1
    assert SECRET.encode() not in server.received


def tls_server(serve: Serve, certificates: Certificates, more: str = "") -> NatsServer:
    """A server with TLS and one user."""
    files = f'cert_file: "{certificates.server_cert}", key_file: "{certificates.server_key}"'
    login = f"authorization {{ user: anna, password: {SECRET} }}"
    return serve(f"{PLAIN}\n{login}\ntls {{ {files} }}\n{more}")


class Between(FakeServer):
    """Stands between the program and a real server, and changes the INFO that it gives in plain text.

    Args:
        whole: connections that are passed on; later ones meet a server without TLS.
    """

    def __init__(
        self, port: int, *, strip: bool = False, inject: bytes = b"", whole: int = 1000, announce: int = 0
    ) -> None:
        super().__init__(greet=self._pass)
        self._real = port
        self._strip = strip
        self._inject = inject
        self._whole = whole
        self._announce = announce

    async def _pass(self, session: Session) -> None:
        if self.connections > self._whole:
            session.say(b"INFO " + json.dumps(INFO).encode() + b"\r\n")
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", self._real)
        try:
            await self._changed(session, reader, writer)
        finally:
            writer.transport.abort()

    async def _changed(
        self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        info = json.loads((await reader.readline()).partition(b" ")[2])
        if self._strip:
            info = {name: value for name, value in info.items() if not name.startswith("tls")}
        if self._announce:
            info["connect_urls"] = [f"127.0.0.1:{self._announce}"]
        session.say(b"INFO " + json.dumps(info).encode() + b"\r\n" + self._inject)
        ways = [
            asyncio.create_task(self._carry(session.reader, writer, note=True)),
            asyncio.create_task(self._carry(reader, session.writer, note=False)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool) -> None:
        carried = 0
        while data := await reader.read(65536):
            if note:
                self.received += data
            writer.write(data)
            await writer.drain()
            carried += len(data)
            if note and self._whole < 1000 and carried > 200_000:
                return


def test_who_strips_tls_from_info_learns_nothing(
    bare_cli: Program, serve: Serve, certificates: Certificates
) -> None:
    """The real server would have had TLS: it is refused as one that has none."""
    real = tls_server(serve, certificates)
    login = ("--user", "anna", "--password", SECRET, "--tlsca", certificates.ca)
    with Between(real.port, strip=True) as between:
        at(bare_cli, between.url.replace("nats:", "tls:"), "ls", *login).foreseen(5)
    assert SECRET.encode() not in between.received
    assert b"CONNECT" not in between.received


def test_words_that_stand_before_tls_are_not_taken_for_the_servers(
    bare_cli: Program, serve: Serve, certificates: Certificates
) -> None:
    """What anybody can put between INFO and the handshake ends the connection."""
    real = tls_server(serve, certificates)
    login = ("--user", "anna", "--password", SECRET, "--tlsca", certificates.ca)
    with Between(real.port, inject=b"PONG\r\n") as between:
        at(bare_cli, between.url, "ls", *login).foreseen(5)
    assert SECRET.encode() not in between.received


def test_a_connection_that_is_replaced_has_no_less_tls(
    bare_cli: Program, serve: Serve, certificates: Certificates, tmp_path: Path
) -> None:
    """Nobody asked for TLS, but the server had it: what comes behind a cut must have it, too."""
    real = tls_server(serve, certificates)
    source = tmp_path / "source"
    source.write_bytes(bytes(5_000_000))
    trust = {"SSL_CERT_FILE": str(certificates.ca)}
    url = f"nats://anna:{SECRET}@{real.address}"
    bare_cli("add", "b", "-s", url, env=trust).expect(0)
    with Between(real.port, whole=1) as between:
        url = between.url.replace("nats://", f"nats://anna:{SECRET}@")
        bare_cli("put", "b", "k", source, "-s", url, "--timeout", "0.5s", env=trust).expect(5)
        assert between.connections > 1
    assert SECRET.encode() not in between.received


def test_tls_that_is_only_offered_is_used_by_those_who_ask(
    bare_cli: Program, serve: Serve, certificates: Certificates
) -> None:
    """`allow_non_tls`: with `tls://` it is TLS, with `nats://` it need not be."""
    real = tls_server(serve, certificates, "allow_non_tls: true")
    login = ("--user", "anna", "--password", SECRET)
    with Between(real.port) as between:
        url = between.url.replace("nats:", "tls:")
        bare_cli("ls", "-s", url, *login, "--tlsca", certificates.ca).expect(0)
        assert SECRET.encode() not in between.received
    bare_cli("ls", "-s", real.url, *login).expect(0)


def test_an_announced_server_gets_no_credential_without_tls(
    bare_cli: Program, serve: Serve, certificates: Certificates, tmp_path: Path
) -> None:
    """The first one announces another and breaks off in the middle; the other one speaks no TLS."""
    real = tls_server(serve, certificates)
    source = tmp_path / "source"
    source.write_bytes(bytes(5_000_000))
    login = ("--user", "anna", "--password", SECRET, "--tlsca", certificates.ca)
    bare_cli("add", "b", "-s", f"tls://{real.address}", *login).expect(0)
    with FakeServer() as other, Between(real.port, whole=1, announce=other.port) as between:
        url = between.url.replace("nats:", "tls:")
        bare_cli("put", "b", "k", source, "-s", url, *login, "--timeout", "0.5s").expect(5)
    assert other.connections > 0
    for server in (other, between):
        assert SECRET.encode() not in server.received
