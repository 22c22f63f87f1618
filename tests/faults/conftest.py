"""The site of each fault: a server of the faults' own, for it is killed; a fresh bucket; an empty folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from natsobj import BucketConfig
from tests.faults.proxy import Proxy
from tests.faults.site import Pace, Site, open_site
from tests.servers import NatsServer


@pytest.fixture(scope="session")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """The server that faults happen to; each of them brings it back."""
    running = NatsServer(tmp_path_factory.mktemp("victim"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def pace() -> Pace:
    """What undisturbed runs took in this session."""
    return Pace()


@pytest.fixture
async def site(victim: NatsServer, bucket_name: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A fresh bucket on the victim, gone after the test."""
    async with open_site(victim, BucketConfig(bucket_name), tmp_path) as site:
        yield site


@pytest.fixture
def proxy(site: Site) -> Iterator[Proxy]:
    """A proxy in front of the victim, and the program uses it."""
    with Proxy(site.server.port) as running:
        site.url = running.url
        yield running
        site.close()
