"""What every test may ask for: a real server, a store connected to it, a fresh bucket, the program itself."""

from __future__ import annotations

import signal
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nats
import pytest
import trustme
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, Store
from natsobj.errors import BucketNotFound
from natsobj.settings import Settings
from tests.between import Between
from tests.chance import (  # noqa: F401  # pytest finds them here
    chance,
    pytest_addoption,
    pytest_configure_node,
    pytest_generate_tests,
    pytest_report_header,
    pytest_terminal_summary,
)
from tests.program import Program
from tests.servers import PLAIN, NatsServer

Serve = Callable[[str], NatsServer]


def pytest_configure() -> None:
    """Do not hand down that signals are ignored, as they are below `nohup` and in a script's background."""
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(ignored) is signal.SIG_IGN:
            signal.signal(ignored, signal.SIG_DFL)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """One nats-server with JetStream for the whole session."""
    running = NatsServer(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a server of one's own from configuration text: `serve("jetstream {max_file_store: 1M}")`."""
    started: list[NatsServer] = []

    def start(config: str = PLAIN) -> NatsServer:
        running = NatsServer(tmp_path_factory.mktemp("special-server"), config)
        started.append(running)
        running.start()
        return running

    yield start
    for running in started:
        running.stop()


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files of one certificate authority."""

    ca: Path
    server_cert: Path
    """For 127.0.0.1 and localhost."""
    server_key: Path
    client_cert: Path
    client_key: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A certificate authority with a server's and a client's certificate."""
    folder = tmp_path_factory.mktemp("certificates")
    files = Certificates(
        *(folder / name for name in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key"))
    )
    authority = trustme.CA()
    authority.cert_pem.write_to_path(files.ca)
    server_side = authority.issue_cert("127.0.0.1", "localhost")
    server_side.cert_chain_pems[0].write_to_path(files.server_cert)
    server_side.private_key_pem.write_to_path(files.server_key)
    client_side = authority.issue_cert("client@example.org", common_name="client")
    client_side.cert_chain_pems[0].write_to_path(files.client_cert)
    client_side.private_key_pem.write_to_path(files.client_key)
    return files


@pytest.fixture
async def store(server: NatsServer) -> AsyncIterator[Store]:
    """A store connected to the session's server."""
    async with Store(Settings(servers=(server.url,))) as connected:
        yield connected


@pytest.fixture
def bucket_name() -> str:
    """A name that no bucket has yet."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def bucket(store: Store, bucket_name: str) -> AsyncIterator[Bucket]:
    """A fresh bucket, gone after the test."""
    yield await store.create_bucket(BucketConfig(bucket_name))
    with suppress(BucketNotFound):
        await store.delete_bucket(bucket_name)


@pytest.fixture
async def between(server: NatsServer) -> AsyncIterator[Between]:
    """What stands between a store and the session's server, for tests that meddle with single messages."""
    async with Between(server.port) as standing:
        yield standing


@pytest.fixture
async def behind(between: Between, bucket: Bucket) -> AsyncIterator[Bucket]:
    """The fresh bucket, reached through `between`."""
    async with Store(Settings(servers=(between.url,))) as connected:
        yield connected.bucket(bucket.name)


@pytest.fixture
async def client(server: NatsServer) -> AsyncIterator[Client]:
    """A plain nats-py connection: to look behind the library, or to break what is stored."""
    connected = await nats.connect(server.url)
    yield connected
    await connected.close()


@pytest.fixture
def cli(server: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The `natsobj` command, pointed at the session's server by NATS_URL, with a home of its own."""
    return Program(tmp_path_factory.mktemp("home"), server.url)


@pytest.fixture
def bare_cli(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The `natsobj` command that knows of no server."""
    return Program(tmp_path_factory.mktemp("home"), None)
