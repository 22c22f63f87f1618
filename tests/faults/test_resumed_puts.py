"""A `put --resume` goes on where it was ended, and never commits a digest that is not of the stored bytes."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.chance import MIB, Chance
from tests.faults.proxy import Link, Proxy
from tests.faults.running import END_WITHIN, Running
from tests.faults.site import KEY, Site, objects
from tests.program import Result

SIZE = 24 * MIB
PART = 9 * MIB
OLD = b"as it was"


def source(site: Site) -> Path:
    """The file that is stored."""
    return site.folder / "big.bin"


def resumed(site: Site, *options: str) -> Running:
    """Start a put that goes on."""
    return site.start("put", site.bucket, KEY, source(site), "--resume", *options)


def states(site: Site) -> list[str]:
    """What is written down of uploads."""
    folder = site.cli.home / ".local/state/natsobj/uploads"
    return os.listdir(folder) if folder.exists() else []


async def begun(site: Site, chance: Chance, size: int = SIZE) -> bytes:
    """Make the file, and an object that is to be replaced."""
    data = chance.randbytes(size)
    source(site).write_bytes(data)
    await site.keep(OLD)
    return data


async def stand_still(site: Site, proxy: Proxy, *options: str) -> Running:
    """Start a put whose line stands still when a part has passed, and the program has heard that it has."""
    fired = proxy.at("up", PART, Link.stall_up)
    running = resumed(site, "--timeout", "1s", *options)
    assert await asyncio.to_thread(fired.wait, END_WITHIN)
    await site.put_reached(running, PART - MIB)
    await asyncio.to_thread(proxy.quiet, "down")
    proxy.stall()
    return running


async def done(site: Site, result: Result, data: bytes) -> None:
    """The object is whole, nothing else is stored, and nothing is written down any more."""
    result.expect(0)
    await site.holds(data)
    assert states(site) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_a_put_that_was_ended_moves_only_what_is_missing(
    site: Site, proxy: Proxy, chance: Chance, number: signal.Signals
) -> None:
    """Also when a line that was thought dead delivers chunks late: until then nothing is gone on with.

    What was stored behind the last mark is read back, and each byte passes once at most, up or down.
    """
    data = await begun(site, chance)
    running = await stand_still(site, proxy)
    running.process.send_signal(number)
    result = await running.end()
    if number == signal.SIGINT:
        assert result.code == 130
        assert result.stderr.startswith(f"interrupted: {site.bucket}/{KEY} is as it was; kept ")
        assert result.stderr.endswith(" MiB of 24 MiB; continue with the same command\n")
    early = (await resumed(site, "--timeout", "500ms").end()).expect(5)
    assert "may still be under way" in early.stderr
    proxy.resume()
    assert (await site.verdict()).objects == objects(OLD)
    up, down = proxy.passed["up"], proxy.passed["down"]
    await done(site, await resumed(site).end(), data)
    up, down = proxy.passed["up"] - up, proxy.passed["down"] - down
    assert up < SIZE - PART + 2 * MIB
    assert up + down < SIZE + 2 * MIB


async def test_a_put_goes_on_after_its_patience_and_a_restart(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """Exit 5 keeps what is stored, and the hint says how to go on; the killed server has lost nothing."""
    data = await begun(site, chance)
    running = await stand_still(site, proxy)
    async with site.server_killed():
        result = (await running.end()).expect(5)
        assert " MiB of 24 MiB; continue with the same command)\n" in result.stderr
    passed = proxy.passed["up"]
    await done(site, await resumed(site).end(), data)
    assert proxy.passed["up"] - passed < SIZE - PART + 2 * MIB


async def test_a_put_marks_how_far_it_is(site: Site, proxy: Proxy, chance: Chance) -> None:
    """Of a put that was killed only what it has stored behind its last mark is read back."""
    data = await begun(site, chance, 100 * MIB)
    fired = proxy.at("up", 90 * MIB, Link.cut)
    running = resumed(site)
    assert await asyncio.to_thread(fired.wait, END_WITHIN)
    running.process.kill()
    await running.end()
    passed = dict(proxy.passed)
    await done(site, await resumed(site).end(), data)
    assert proxy.passed["up"] - passed["up"] < 30 * MIB
    assert proxy.passed["down"] - passed["down"] < 30 * MIB


async def test_of_two_puts_at_once_the_second_is_refused(site: Site, proxy: Proxy, chance: Chance) -> None:
    """Exit 6; the first one comes to its end as if nothing had been."""
    data = await begun(site, chance)
    first = await stand_still(site, proxy, "--timeout", "20s")
    assert "under way" in (await resumed(site).end()).expect(6).stderr
    proxy.resume()
    await done(site, await first.end(), data)


@pytest.mark.parametrize("stored", [True, False])
async def test_a_put_that_died_at_its_commit(site: Site, proxy: Proxy, chance: Chance, stored: bool) -> None:
    """Killed behind it or before it: the second run finds the object or makes it, and sends nothing."""
    data = await begun(site, chance)
    started: list[Running] = []

    def strike(link: Link) -> None:
        if stored:
            link.down.open = False
            proxy.later(0.3, started[0].process.kill)
        else:
            started[0].process.kill()
            link.cut()

    fired = proxy.at("up", f"HPUB $O.{site.bucket}.M.".encode(), strike)
    started.append(resumed(site))
    assert await asyncio.to_thread(fired.wait, END_WITHIN)
    await started[0].end()
    proxy.cut()
    passed = proxy.passed["up"]
    (await resumed(site).end()).expect(0)
    assert proxy.passed["up"] - passed < MIB
    await site.holds_after_gc(data)
    assert states(site) == []


async def test_an_object_that_was_renamed_behind_a_lost_commit_keeps_its_chunks(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """Whoever goes on finds no such object, and must not take the chunks for an unfinished upload's."""
    data = await begun(site, chance)
    started: list[Running] = []

    def strike(link: Link) -> None:
        link.down.open = False
        proxy.later(0.3, started[0].process.kill)

    fired = proxy.at("up", f"HPUB $O.{site.bucket}.M.".encode(), strike)
    started.append(resumed(site))
    assert await asyncio.to_thread(fired.wait, END_WITHIN)
    await started[0].end()
    proxy.cut()
    (await site.run("mv", site.bucket, KEY, "elsewhere")).expect(0)
    source(site).write_bytes(b"changed")
    (await resumed(site).end()).expect(0)
    (await site.run("cat", site.bucket, "elsewhere")).expect(0)
    assert (await site.run("cat", site.bucket, "elsewhere")).stdout == data
    assert (await site.run("cat", site.bucket, KEY)).stdout == b"changed"


async def test_a_put_that_is_hit_again_and_again(site: Site, proxy: Proxy, chance: Chance) -> None:
    """Killed, told to stop, cut, half delivered, the server killed: in the end the object is the file."""
    data = await begun(site, chance, 40 * MIB)

    def kill(running: Running) -> None:
        running.process.kill()

    def stop(running: Running) -> None:
        running.process.send_signal(signal.SIGINT)

    def cut(_: Running) -> None:
        proxy.cut()

    def late(running: Running) -> None:
        proxy.half(after=chance.uniform(0.0, 0.5))
        running.process.kill()

    for _ in range(4):
        reached = functools.partial(
            passed, proxy.at("up", chance.randrange(MIB, 12 * MIB), lambda _link: None)
        )
        running = resumed(site)
        await running.until(reached)
        if chance.choice((True, False, False)):
            async with site.server_killed():
                chance.choice((kill, stop))(running)
        else:
            chance.choice((kill, stop, cut, late))(running)
        result = await running.end()
        chance.saw(result.code)
    await done_after_gc(site, await resumed(site).end(), data)


async def passed(event: threading.Event) -> bool:
    """Say whether the proxy has seen it."""
    return event.is_set()


async def done_after_gc(site: Site, result: Result, data: bytes) -> None:
    """The object is whole; what was given up by a process that was killed is gone after gc."""
    result.expect(0)
    await site.holds_after_gc(data)
    assert states(site) == []
