"""The connection: how it opens, what it says when it cannot, and that nothing waits for ever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta

import nkeys  # type: ignore[import-untyped]
import pytest
from nats.aio.client import Client

from natsobj import Store
from natsobj.connection import Connection
from natsobj.connection.address import Addresses
from natsobj.errors import (
    AuthenticationFailed,
    BucketNotFound,
    CertificateError,
    InvalidArgument,
    JetStreamUnavailable,
    PermissionDenied,
    RequestTimeout,
    ServerUnavailable,
)
from natsobj.models import BucketConfig
from natsobj.settings import Settings
from tests.conftest import Certificates, Serve
from tests.servers import PLAIN, NatsServer

SHORT = timedelta(seconds=1)


async def names(settings: Settings) -> list[str]:
    """Connect and ask for the buckets."""
    async with Store(settings) as store:
        return await store.bucket_names()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of somebody who accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"nats://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def dead() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"nats://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_refused_connection_is_told_at_once(dead: str) -> None:
    """A dead port is `ServerUnavailable` with the reason, long before the timeout."""
    with pytest.raises(ServerUnavailable, match="connection refused"):
        async with asyncio.timeout(3):
            await names(Settings(servers=(dead,)))


async def test_a_silent_server_is_given_up_after_the_timeout(silent: str) -> None:
    """Somebody who accepts and says nothing is `ServerUnavailable`."""
    with pytest.raises(ServerUnavailable, match="no answer"):
        async with asyncio.timeout(3):
            await names(Settings(servers=(silent,), timeout=SHORT))


async def test_a_stranger_is_no_nats_server() -> None:
    """A port that speaks another protocol is named as such."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as stranger:
        port = stranger.sockets[0].getsockname()[1]
        with pytest.raises(ServerUnavailable, match="not a NATS server"):
            await names(Settings(servers=(f"nats://127.0.0.1:{port}",), timeout=SHORT))


async def test_the_second_of_two_servers_serves(dead: str, server: NatsServer) -> None:
    """A list of addresses is tried until one answers."""
    assert isinstance(await names(Settings(servers=(dead, server.url))), list)


async def test_any_of_the_servers_may_be_about_to_die(dead: str, silent: str, server: NatsServer) -> None:
    """One that hangs up, or says nothing, in the middle of the handshake costs a part of the timeout."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as dying:
        port = dying.sockets[0].getsockname()[1]
        servers = (f"nats://127.0.0.1:{port}", dead, silent, server.url)
        for _ in range(20):  # they are tried in any order
            assert isinstance(await names(Settings(servers=servers, timeout=SHORT)), list)


async def test_a_wrong_password_is_not_a_missing_server(serve: Serve) -> None:
    """Wrong and missing credentials are `AuthenticationFailed`, right ones work."""
    url = serve(PLAIN + "\nauthorization { user: anna, password: secret }").url
    assert await names(Settings(servers=(url,), user="anna", password="secret")) == []
    for settings in (Settings(servers=(url,), user="anna", password="wrong"), Settings(servers=(url,))):
        with pytest.raises(AuthenticationFailed) as failed:
            await names(settings)
        assert "wrong" not in str(failed.value)


async def test_a_token_opens_the_door(serve: Serve) -> None:
    """Token authentication works, and a wrong token is refused."""
    url = serve(PLAIN + '\nauthorization { token: "s3cr3t" }').url
    assert await names(Settings(servers=(url,), token="s3cr3t")) == []
    with pytest.raises(AuthenticationFailed):
        await names(Settings(servers=(url,), token="other"))


async def test_an_nkey_opens_the_door(serve: Serve) -> None:
    """An nkey seed signs the server's nonce."""
    seed = nkeys.encode_seed(bytes(range(32)), nkeys.PREFIX_BYTE_USER)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    url = serve(PLAIN + f"\nauthorization {{ users: [ {{ nkey: {public} }} ] }}").url
    assert await names(Settings(servers=(url,), seed=seed.decode())) == []
    with pytest.raises(AuthenticationFailed):
        await names(Settings(servers=(url,)))


def tls_config(certificates: Certificates, extra: str = "") -> str:
    """The configuration of a TLS server."""
    files = f'cert_file: "{certificates.server_cert}", key_file: "{certificates.server_key}"'
    return f'{PLAIN}\ntls {{ {files}, ca_file: "{certificates.ca}" {extra} }}'


async def test_tls_needs_a_trusted_certificate(serve: Serve, certificates: Certificates) -> None:
    """With the right authority it works, without it the certificate is named as the reason."""
    address = serve(tls_config(certificates)).address
    trusting = Settings(servers=(f"tls://{address}",), tls_ca=certificates.ca)
    assert await names(trusting) == []
    for scheme in ("tls", "nats"):
        with pytest.raises(CertificateError, match="not trusted"):
            await names(Settings(servers=(f"{scheme}://{address}",)))


async def test_mutual_tls_needs_our_certificate(serve: Serve, certificates: Certificates) -> None:
    """With a client certificate it works; without one the server refuses, which is no missing server."""
    address = serve(tls_config(certificates, ", verify: true")).address
    ours = Settings(
        servers=(f"tls://{address}",),
        tls_ca=certificates.ca,
        tls_cert=certificates.client_cert,
        tls_key=certificates.client_key,
    )
    assert await names(ours) == []
    with pytest.raises(CertificateError):
        await names(Settings(servers=(f"tls://{address}",), tls_ca=certificates.ca, timeout=SHORT))


async def test_tls_may_come_before_the_first_word(serve: Serve, certificates: Certificates) -> None:
    """`tls_first` talks to a server that speaks only after the handshake."""
    address = serve(tls_config(certificates, ", handshake_first: true")).address
    settings = Settings(servers=(f"tls://{address}",), tls_ca=certificates.ca, tls_first=True)
    assert await names(settings) == []


async def test_a_plain_server_never_sees_credentials_meant_for_tls(server: NatsServer) -> None:
    """Where TLS was asked for and is not offered, nothing is sent."""
    settings = Settings(servers=(f"tls://{server.address}",), user="anna", password="secret")
    with pytest.raises(ServerUnavailable, match="does not offer TLS"):
        await names(settings)


async def test_a_file_that_is_no_certificate_is_named(server: NatsServer, certificates: Certificates) -> None:
    """A wrong TLS file is an argument's fault, not the server's."""
    settings = Settings(
        servers=(server.url,), tls_cert=certificates.client_key, tls_key=certificates.client_cert
    )
    with pytest.raises(InvalidArgument, match="not a certificate"):
        await names(settings)


async def test_a_server_without_jetstream_says_so(serve: Serve) -> None:
    """No JetStream is temporary: it may be switched on."""
    with pytest.raises(JetStreamUnavailable):
        await names(Settings(servers=(serve("").url,)))


async def test_a_wrong_domain_says_so(server: NatsServer) -> None:
    """A domain that nobody serves is named by its prefix."""
    with pytest.raises(JetStreamUnavailable, match="nowhere"):
        await names(Settings(servers=(server.url,), api_prefix="$JS.nowhere.API"))


PERMISSIONS = """
authorization { users: [
  { user: all, password: p }
  { user: reader, password: p, permissions: { publish: ["$JS.API.STREAM.INFO.OBJ_b",
    "$JS.API.STREAM.MSG.GET.OBJ_b", "$JS.API.DIRECT.GET.OBJ_b", "$JS.API.DIRECT.GET.OBJ_b.>"],
    subscribe: ["_INBOX.>"] } }
  { user: deaf, password: p, permissions: { subscribe: ["nothing"] } }
] }
"""


async def test_a_denied_subject_is_told_at_once(serve: Serve) -> None:
    """What the permissions forbid fails within a moment and names the subject, never by a timeout."""
    from tests.sinks import Buffer

    url = serve(PLAIN + PERMISSIONS).url
    content = bytes(5_000_000)
    async with Store(Settings(servers=(url,), user="all", password="p")) as store:
        bucket = await store.create_bucket(BucketConfig("b"))
        await bucket.put("k", content)
    async with Store(Settings(servers=(url,), user="reader", password="p")) as store, asyncio.timeout(4):
        with pytest.raises(PermissionDenied, match=r"\$JS\.API\.STREAM\.NAMES"):
            await store.bucket_names()
        with pytest.raises(PermissionDenied, match=r"\$O\.b\.C\."):
            await store.bucket("b").put("k", content)
        sink = Buffer()  # no consumers for this user: Direct Get serves
        await store.bucket("b").get("k", sink)
        assert sink.data == content
    async with Store(Settings(servers=(url,), user="deaf", password="p")) as store, asyncio.timeout(4):
        with pytest.raises(PermissionDenied, match="_INBOX"):
            await store.bucket("b").info("k")


async def test_an_inbox_prefix_is_used(serve: Serve) -> None:
    """Answers arrive under the prefix that the permissions allow."""
    users = '{ user: u, password: p, permissions: { subscribe: ["mine.>"] } }'
    url = serve(PLAIN + f"\nauthorization {{ users: [ {users} ] }}").url
    settings = Settings(servers=(url,), user="u", password="p", inbox_prefix="mine")
    assert await names(settings) == []


async def test_a_lost_connection_ends_all_waiting(serve: Serve) -> None:
    """When the server dies, a request fails at once and later ones do not even start."""
    server = serve(PLAIN)
    connection = await Connection.open(Settings(servers=(server.url,)))
    listened = asyncio.Event()

    def listen(*_: object) -> None:
        listened.set()

    try:
        async with asyncio.timeout(3), connection.subscribe(listen) as silence:
            waiting = asyncio.create_task(connection.request(silence))
            await listened.wait()
            server.kill()
            with pytest.raises(ServerUnavailable):
                await waiting
            with pytest.raises(ServerUnavailable):
                await connection.request("anything")
    finally:
        connection.abort()


async def test_an_answer_that_never_comes_is_a_timeout(server: NatsServer, client: Client) -> None:
    """Silence is `RequestTimeout`, after the patience and not much later."""
    await client.subscribe("silence")
    await client.flush()
    connection = await Connection.open(Settings(servers=(server.url,)))
    try:
        with pytest.raises(RequestTimeout, match="silence"):
            async with asyncio.timeout(3):
                await connection.request("silence", timeout=0.2)
    finally:
        await connection.close()


async def test_opening_and_closing_leaves_no_tasks(server: NatsServer) -> None:
    """After the context there is nothing left running."""
    before = asyncio.all_tasks()
    async with Store(Settings(servers=(server.url,))) as store:
        with pytest.raises(BucketNotFound):
            await store.bucket("missing").info("k")
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_an_announced_server_that_refuses_us_is_no_reason_to_give_up(serve: Serve) -> None:
    """What is told is what became of the servers that were given; the others were extra chances."""
    refusing = serve(PLAIN + "\nauthorization { user: anna, password: secret }")
    given = serve(PLAIN)
    settings = Settings(servers=(given.url,), timeout=SHORT)
    addresses = Addresses(settings)
    connection = await Connection.open(settings, addresses)
    addresses.learn([refusing.address], connection.address)
    connection.abort()
    given.kill()
    with pytest.raises(ServerUnavailable, match="connection refused"):
        await Connection.open(settings, addresses)
    given.start()
    (await Connection.open(settings, addresses)).abort()
