"""Something is full: the local disk, the bucket, the server, the server's ingest queue."""

from __future__ import annotations

import os
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from natsobj import BucketConfig
from tests.chance import MIB, Chance
from tests.conftest import Serve
from tests.faults.site import KEY, Site, Source, open_site

SOURCES: tuple[Source, ...] = ("file", "pipe")

OLD = bytes(range(256)) * 4096
"""1 MiB."""


# The local disk. A small file system of a test's own would need root; so a file may grow only up to a limit
# of the process (the write fails half done, as on a full disk, but with EFBIG), and /dev/full gives ENOSPC.


async def test_get_onto_a_full_disk_leaves_the_file(site: Site, chance: Chance) -> None:
    """Exit 1, the old file, no temporary one, no consumer."""
    data = chance.content()
    limit = chance.randrange(len(data))
    await site.keep(data)
    site.target.write_bytes(b"as it was")

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    running = site.start("get", site.bucket, KEY, site.target, "-f", before=full)
    result = await running.end()
    assert result.code == 1
    assert result.stderr.startswith(f"natsobj: {site.target}: ")
    assert result.stderr.count("\n") == 1
    site.fetched(result, "file", data, b"as it was")
    await site.holds(data)
    chance.saw(result.code)


@pytest.mark.parametrize("target", [["/dev/full", "-f"], []], ids=["device", "stdout"])
async def test_get_onto_a_full_device_says_so(site: Site, target: list[str]) -> None:
    """Exit 1 with the system's words; no consumer stays."""
    await site.keep(OLD * 32)
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        result = await site.start("get", site.bucket, KEY, *target, read_output=False, stdout=full).end()
    finally:
        os.close(full)
    assert result.code == 1
    assert "No space left on device" in result.stderr
    await site.holds(OLD * 32)


# The bucket and the server


@pytest.fixture(params=["bucket", "server"])
async def full_site(
    request: pytest.FixtureRequest, serve: Serve, bucket_name: str, tmp_path: Path
) -> AsyncIterator[Site]:
    """A bucket that takes 8 MiB, or one on a server that does."""
    limited = request.param == "bucket"
    server = serve("jetstream: enabled" if limited else "jetstream {max_file_store: 8M}")
    config = BucketConfig(bucket_name, max_bytes=8 * MIB if limited else None)
    async with open_site(server, config, tmp_path) as site:
        yield site


async def test_put_into_what_is_full_changes_nothing(full_site: Site, chance: Chance) -> None:
    """Exit 6, the old object, no chunks of the new one; and there is room for a smaller one."""
    source = chance.turn(SOURCES)
    await full_site.keep(OLD)
    (await full_site.put(chance.content(8 * MIB, 24 * MIB), source).end()).expect(6)
    await full_site.holds(OLD)
    smaller = chance.content(1, 4 * MIB)
    (await full_site.put(smaller, source).end()).expect(0)
    await full_site.holds(smaller)
    chance.saw(6)


# The ingest queue


@pytest.fixture(params=["max_buffered_size: 1M", "max_buffered_size: 256K", "max_buffered_msgs: 8"])
async def busy_site(
    request: pytest.FixtureRequest, serve: Serve, bucket_name: str, tmp_path: Path
) -> AsyncIterator[Site]:
    """A server that says "too many requests" early."""
    server = serve(f"jetstream {{{request.param}}}")
    async with open_site(server, BucketConfig(bucket_name), tmp_path) as site:
        yield site


async def test_too_many_requests_are_waited_out(busy_site: Site, chance: Chance) -> None:
    """The server refuses chunks that come too fast: exit 0, every byte, no chunk too many."""
    source = chance.turn(SOURCES)
    data = chance.content(24 * MIB, 48 * MIB)
    await busy_site.keep(None)
    result = await busy_site.put(data, source).end()
    result.expect(0)
    await busy_site.holds(data)
    chance.saw(result.code)
