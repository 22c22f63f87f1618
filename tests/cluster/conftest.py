"""Three servers, a bucket with a replica on each, and the program that is given all their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from natsobj import BucketConfig
from tests.chance import Chance
from tests.crowd import Arena
from tests.faults.site import Site, open_site
from tests.program import Program
from tests.servers import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three servers that faults happen to; each of them makes the cluster whole again."""
    running = Cluster(tmp_path_factory.mktemp("cluster"))
    asyncio.run(running.start())
    yield running
    running.stop()


@pytest.fixture
async def site(cluster: Cluster, chance: Chance, bucket_name: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A fresh bucket with three replicas, looked at by any node."""
    config = BucketConfig(bucket_name, replicas=3)
    async with open_site(chance.choice(cluster.nodes), config, tmp_path) as site:
        site.url = cluster.url
        await cluster.until_current(f"OBJ_{bucket_name}")
        yield site
        await cluster.until_current(f"OBJ_{bucket_name}")  # also where the test failed


@pytest.fixture
async def arena(cluster: Cluster, site: Site) -> AsyncIterator[Arena]:
    """The same for races; each program goes to any node."""
    async with site.opened() as bucket:
        yield Arena(bucket, Program(site.cli.home, cluster.url), site.server.url)
