"""A `get --resume` goes on where it was ended: what is missing is moved, and the whole is verified."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chance import MIB, Chance
from tests.faults.proxy import Link, Proxy
from tests.faults.running import END_WITHIN, Running
from tests.faults.site import CHUNK, KEY, Site
from tests.program import Result

SIZE = 24 * MIB
PART = 9 * MIB


def resumed(site: Site, *options: str, before: Callable[[], None] | None = None) -> Running:
    """Start a get that goes on."""
    return site.start("get", site.bucket, KEY, site.target, "--resume", *options, before=before)


def beside(site: Site) -> list[Path]:
    """What lies beside the target."""
    return [path for path in site.target.parent.iterdir() if path != site.target]


def kept(site: Site) -> int:
    """The bytes that lie beside the target."""
    (path,) = beside(site)
    return path.stat().st_size


async def stand_still(site: Site, proxy: Proxy, *options: str) -> Running:
    """Start a get whose line stands still when a part has come."""
    fired = proxy.at("down", PART, Link.stall)
    running = resumed(site, "--timeout", "1s", *options)
    assert await asyncio.to_thread(fired.wait, END_WITHIN)

    async def arrived() -> bool:
        return sum(path.stat().st_size for path in beside(site)) > PART - MIB

    assert await running.until(arrived)
    return running


def whole(site: Site, result: Result, data: bytes) -> None:
    """The file is the object, and nothing lies beside it."""
    result.expect(0)
    assert site.target.read_bytes() == data
    assert beside(site) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_a_get_that_was_ended_moves_only_what_is_missing(
    site: Site, proxy: Proxy, chance: Chance, number: signal.Signals
) -> None:
    """The line says how to go on; the second run fetches the rest, and the old file stands until the end."""
    data = chance.randbytes(SIZE)
    await site.keep(data)
    site.target.write_bytes(b"as it was")
    running = await stand_still(site, proxy, "-f")
    running.process.send_signal(number)
    result = await running.end()
    assert site.target.read_bytes() == b"as it was"
    if number != signal.SIGKILL:
        assert result.code == 128 + number
        assert result.stderr.startswith(f"interrupted: {site.target} is as it was; kept ")
        assert result.stderr.endswith(" MiB of 24 MiB; continue with the same command\n")
    missing, passed = SIZE - kept(site), proxy.passed["down"]
    whole(site, await resumed(site, "-f").end(), data)
    assert proxy.passed["down"] - passed < missing + 2 * CHUNK


async def test_a_get_goes_on_after_its_patience_and_a_restart(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """Exit 5 keeps what has come, its hint says how to go on, and a server that was killed is no obstacle."""
    data = chance.randbytes(SIZE)
    await site.keep(data)
    running = await stand_still(site, proxy)
    async with site.server_killed():
        result = (await running.end()).expect(5)
        assert " MiB of 24 MiB; continue with the same command)\n" in result.stderr
        assert kept(site) > PART - MIB
    whole(site, await resumed(site).end(), data)


async def test_a_get_goes_on_when_the_disk_has_room_again(site: Site, chance: Chance) -> None:
    """The second try finds the disk as full as the first one; what has come stays, and the third goes on."""
    data = chance.randbytes(SIZE)
    await site.keep(data)

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (PART, PART))

    for _ in range(2):
        result = (await resumed(site, before=full).end()).expect(1)
        assert "kept 9 MiB of 24 MiB; continue with the same command" in result.stderr
        assert kept(site) == PART
    whole(site, await resumed(site).end(), data)


async def test_of_two_gets_at_once_the_second_is_refused(site: Site, proxy: Proxy, chance: Chance) -> None:
    """Exit 6, whether the object is the same or was replaced; the first one is not disturbed."""
    data = chance.randbytes(SIZE)
    await site.keep(data)
    first = await stand_still(site, proxy, "--timeout", "20s")
    assert "under way" in (await resumed(site).end()).expect(6).stderr
    await site.keep(data + b"another")
    assert "under way" in (await resumed(site).end()).expect(6).stderr
    first.process.kill()
    await first.end()
    whole(site, await resumed(site).end(), data + b"another")
