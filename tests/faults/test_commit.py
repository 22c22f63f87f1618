"""The moment of the commit: all chunks are stored and the metadata is not, or is and nobody knows.

The proxy sees the publish of the metadata pass, so every one of these faults comes at its moment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from operator import attrgetter

import pytest

from tests.chance import MIB, Chance
from tests.faults.proxy import Action, Link, Proxy
from tests.faults.running import END_WITHIN, Running
from tests.faults.site import RECOVERED_WITHIN, Site
from tests.verdict import quiet

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


async def caught_at_commit(
    site: Site, proxy: Proxy, chance: Chance, action: Action
) -> tuple[bytes | None, bytes, Running, threading.Event]:
    """Start a put, over an old object in every second run; something is to happen right before its commit."""
    old = chance.content(1, MIB) if chance.turn((True, False)) else None
    await site.keep(old)
    new = chance.content(1, 8 * MIB)
    fired = proxy.at("up", f"HPUB $O.{site.bucket}.M.".encode(), action)
    return old, new, site.put(new, chance.turn(("file", "pipe"), every=2)), fired


async def test_a_lost_commit_is_sent_again(site: Site, proxy: Proxy, chance: Chance) -> None:
    """The connection is cut right before the metadata reaches the server: exit 0."""
    _, new, running, fired = await caught_at_commit(site, proxy, chance, Link.cut)
    (await running.end(RECOVERED_WITHIN)).expect(0)
    assert fired.is_set()
    assert proxy.connections > 1
    await site.holds(new)
    chance.saw(0)


async def test_a_commit_whose_ack_is_lost_is_decided_by_looking(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """It reaches the server, but no answer comes back; some time later the connection is cut: exit 0."""
    seconds = chance.choice((0.0, chance.uniform(0, 0.005), chance.uniform(0, 0.3)))

    def lose_the_answer(link: Link) -> None:
        link.down.open = False
        proxy.later(seconds, link.cut)

    _, new, running, fired = await caught_at_commit(site, proxy, chance, lose_the_answer)
    (await running.end(RECOVERED_WITHIN)).expect(0)
    assert fired.is_set()
    assert proxy.connections > 1
    await site.holds(new)
    chance.saw(0)


async def test_a_commit_that_arrives_late_counts_once(site: Site, proxy: Proxy, chance: Chance) -> None:
    """The first one is delivered when the second one was already sent on another connection: exit 0."""

    def late(link: Link) -> None:
        link.half(after=chance.uniform(0.0, 0.5), next_link=True)

    _, new, running, fired = await caught_at_commit(site, proxy, chance, late)
    (await running.end(RECOVERED_WITHIN)).expect(0)
    assert fired.is_set()
    await asyncio.to_thread(proxy.delivered)
    await quiet(site.server.url, site.bucket)
    await site.holds(new)
    chance.saw(0)


async def test_a_commit_without_an_answer_is_asked_for_again(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """Silence from the moment of the commit on, before or behind it: another connection, exit 0."""
    before = chance.turn((True, False), every=4)

    def fall_silent(link: Link) -> None:
        link.down.open = False
        if before:
            link.stall()

    old, new = chance.content(1, MIB), chance.content(1, 8 * MIB)
    await site.keep(old)
    fired = proxy.at("up", f"HPUB $O.{site.bucket}.M.".encode(), fall_silent)
    running = site.put(new, "file", "--timeout", "1s")
    (await running.end(RECOVERED_WITHIN)).expect(0)
    assert fired.is_set()
    await site.holds(new)
    chance.saw(0)


@pytest.mark.parametrize("number", SIGNALS, ids=attrgetter("name"))
async def test_a_signal_at_the_commit_leaves_one_whole_object(
    site: Site, proxy: Proxy, chance: Chance, number: signal.Signals
) -> None:
    """0 and the new object, or the signal's exit code and the old one; after SIGKILL either of them.

    The commit passes at once, or is on the way while the signal comes.
    """
    seconds = chance.choice((0.0, chance.uniform(0, 0.005)))
    on_the_way = chance.turn((False, True), every=4)
    started: list[Running] = []

    def strike(link: Link) -> None:
        proxy.later(seconds, lambda: started[0].process.send_signal(number))
        if on_the_way:
            link.stall()
            proxy.later(0.2, link.resume)

    old, new, running, fired = await caught_at_commit(site, proxy, chance, strike)
    started.append(running)
    result = await running.end()
    assert fired.is_set()
    chance.saw(result.code)
    if number == signal.SIGKILL:
        await site.holds_after_gc(*((new,) if result.code == 0 else (new, old)))
    else:
        assert result.code in (0, 128 + number)
        await site.holds(new if result.code == 0 else old)


async def test_a_signal_while_nobody_knows_of_the_commit(site: Site, proxy: Proxy, chance: Chance) -> None:
    """The answer is lost and then somebody presses Ctrl-C: the exit code tells what is stored."""
    number = chance.turn((signal.SIGINT, signal.SIGTERM))
    started: list[Running] = []

    def lose_and_strike(link: Link) -> None:
        link.down.open = False
        proxy.later(0.05, lambda: started[0].process.send_signal(number))
        proxy.later(0.3, link.cut)

    old, new, running, fired = await caught_at_commit(site, proxy, chance, lose_and_strike)
    started.append(running)
    result = await running.end(RECOVERED_WITHIN)
    assert fired.is_set()
    assert result.code in (0, 128 + number)
    await site.holds(new if result.code == 0 else old)
    chance.saw(result.code)


async def test_a_server_killed_at_the_commit(site: Site, proxy: Proxy, chance: Chance) -> None:
    """kill -9 of the server a moment later, back after a second: exit 0 and the new object.

    A purge right before a kill -9 can be undone by it: what it was to remove is gc's then.
    """
    seconds = chance.choice((0.0, chance.uniform(0, 0.01)))
    pid = site.server.pid

    def strike(_link: Link) -> None:
        proxy.later(seconds, lambda: os.kill(pid, signal.SIGKILL))

    _, new, running, fired = await caught_at_commit(site, proxy, chance, strike)
    assert await asyncio.to_thread(fired.wait, END_WITHIN)
    async with site.server_killed():
        await asyncio.sleep(chance.uniform(0.1, 1.0))
    (await running.end(RECOVERED_WITHIN)).expect(0)
    await site.holds_after_gc(new)
    chance.saw(0)
