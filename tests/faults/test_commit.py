"""The moment of the commit: all chunks are stored and the metadata is not, or is and nobody knows.

The proxy sees the publish of the metadata pass, so every one of these faults comes at its moment.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from operator import attrgetter

import pytest

from natsobj import Bucket
from tests.chance import MIB, Chance
from tests.faults.proxy import Action, Link, Proxy
from tests.faults.running import END_WITHIN, Running
from tests.faults.site import KEY, RECOVERED_WITHIN, Site
from tests.program import Result
from tests.standstill import freeze
from tests.verdict import quiet, stream_info

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


# Another writer, while the answer is outstanding


async def beaten(
    site: Site,
    proxy: Proxy,
    running: Callable[[], Running],
    act: Callable[[Bucket], Awaitable[object]],
    *,
    lost: bool,
) -> Result:
    """Run a program whose change gets lost, or its answer does; before it can look another writer acts."""

    def lose(link: Link) -> None:
        link.down.open = False
        if lost:
            link.stall()

    fired = proxy.at("up", f"HPUB $O.{site.bucket}.M.".encode(), lose)
    program = running()
    assert await asyncio.to_thread(fired.wait, END_WITHIN)
    await quiet(site.server.url, site.bucket)
    async with site.opened() as bucket:
        await act(bucket)
    proxy.cut()
    return await program.end(RECOVERED_WITHIN)


@pytest.mark.parametrize("condition", ["", "--if-absent", "--if-match"])
async def test_a_put_that_is_beaten_says_so(site: Site, proxy: Proxy, chance: Chance, condition: str) -> None:
    """The other one's object stands, whole and alone: exit 6 where there was a condition, else 5."""
    old = None if condition == "--if-absent" else chance.content(1, MIB)
    await site.keep(old)
    new, rival = chance.content(1, MIB), chance.content(1, MIB)
    options = [condition] if condition else []
    if condition == "--if-match" and old is not None:
        options.append(f"sha256:{hashlib.sha256(old).hexdigest()}")
    result = await beaten(
        site,
        proxy,
        lambda: site.put(new, chance.turn(("file", "pipe")), *options),
        lambda bucket: bucket.put(KEY, rival),
        lost=chance.turn((True, False), every=2),
    )
    result.expect(6 if condition else 5)
    assert condition or "another writer" in result.stderr
    await site.holds(rival)
    chance.saw(result.code)


async def test_a_put_that_was_stored_and_deleted_again_is_a_success(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """Exit 0, and it tells of the object that it stored, not of the other one's tombstone."""
    await site.keep(chance.content(1, MIB))
    new = chance.content(1, MIB)
    put = partial(site.put, new, "file", "--json")
    result = await beaten(site, proxy, put, lambda bucket: bucket.delete(KEY), lost=False)
    assert json.loads(result.expect(0).stdout)["sha256"] == hashlib.sha256(new).hexdigest()
    await site.holds(None)
    chance.saw(result.code)


async def test_an_rm_that_is_beaten_says_what_it_may_leave(site: Site, proxy: Proxy, chance: Chance) -> None:
    """Exit 5, and the other one's object; the old chunks may be nobody's to remove but gc's."""
    await site.keep(chance.content(1, MIB))
    rival = chance.content(1, MIB)
    rm = partial(site.start, "rm", site.bucket, KEY)
    lost = chance.turn((True, False))
    result = await beaten(site, proxy, rm, lambda bucket: bucket.put(KEY, rival), lost=lost)
    result.expect(5)
    assert "chunks may be left" in result.stderr
    await site.holds_after_gc(rival)
    chance.saw(result.code)


# A leader that dies and takes along what it acknowledged


async def forgotten(site: Site, proxy: Proxy, running: Callable[[], Running]) -> Result:
    """Run a program whose change is taken back behind its back, as its old chunks are to be removed."""
    fired = proxy.at("up", f"STREAM.PURGE.OBJ_{site.bucket}".encode(), Link.stall)
    program = running()
    assert await asyncio.to_thread(fired.wait, END_WITHIN)
    async with site.client() as client:
        js = client.jetstream(timeout=END_WITHIN)
        last = (await stream_info(js, site.bucket)).state.last_seq
        await js.delete_msg(f"OBJ_{site.bucket}", last)
    proxy.cut()
    return await program.end(RECOVERED_WITHIN)


async def test_a_commit_that_is_forgotten_is_made_again(site: Site, proxy: Proxy, chance: Chance) -> None:
    """Exit 0, and the new object; no chunk is removed before it stands."""
    await site.keep(chance.content(1, MIB))
    new = chance.content(1, MIB)
    put = partial(site.put, new, chance.turn(("file", "pipe")))
    (await forgotten(site, proxy, put)).expect(0)
    await site.holds(new)
    chance.saw(0)


async def test_an_rm_that_is_forgotten_leaves_no_broken_object(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """Exit 0, and nothing is there."""
    await site.keep(chance.content(1, MIB))
    (await forgotten(site, proxy, partial(site.start, "rm", site.bucket, KEY))).expect(0)
    await site.holds(None)
    chance.saw(0)


# A signal, and nobody answers


async def interrupted_in_silence(site: Site, running: Running, number: signal.Signals) -> Result:
    """Send a signal to a program whose server stands still, and go on with the server when it has ended."""
    async with site.server_stopped():
        await asyncio.sleep(0.2)
        running.process.send_signal(number)
        result = await running.end()
    result.expect(128 + number)
    return result


async def test_a_signal_at_a_silent_commit_says_what_nobody_knows(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """The signal's exit code, and a line that says that the object may be stored."""
    pid = site.server.pid
    number = chance.turn((signal.SIGINT, signal.SIGTERM))
    old, new = chance.content(1, MIB), chance.content(1, MIB)
    await site.keep(old)

    def stop(link: Link) -> None:
        freeze(pid)
        link.stall()
        proxy.later(0.1, link.resume)

    fired = proxy.at("up", f"HPUB $O.{site.bucket}.M.".encode(), stop)
    running = site.put(new, "file", "--timeout", "1s")
    assert await asyncio.to_thread(fired.wait, END_WITHIN)
    result = await interrupted_in_silence(site, running, number)
    assert "may be changed or not" in result.stderr
    await site.holds_after_gc(old, new)
    chance.saw(result.code)


async def test_a_signal_in_silence_says_what_may_be_left(site: Site, chance: Chance) -> None:
    """The signal's exit code, and a line that says that there may be chunks for gc."""
    number = chance.turn((signal.SIGINT, signal.SIGTERM))
    old, new = chance.content(1, MIB), chance.content(64 * MIB, 96 * MIB)
    await site.keep(old)
    running = site.put(new, chance.turn(("file", "pipe"), every=2), "--timeout", "1s")
    assert await site.put_reached(running, int(0.3 * len(new)))
    result = await interrupted_in_silence(site, running, number)
    assert "chunks may be left" in result.stderr
    await site.holds_after_gc(old)
    chance.saw(result.code)
