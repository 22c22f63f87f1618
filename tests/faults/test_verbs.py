"""Faults while objects are copied, moved and watched."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from natsobj import BucketConfig, NatsobjError, Store
from natsobj.settings import Settings
from tests.chance import MIB, Chance
from tests.faults.proxy import Proxy
from tests.faults.running import Running
from tests.faults.site import KEY, Pace, Site
from tests.verdict import verdict

Fault = Callable[[Site, Proxy, Chance], Awaitable[None]]


async def kill_server(site: Site, _: Proxy, chance: Chance) -> None:
    """The server is killed and comes back."""
    async with site.server_killed():
        await asyncio.sleep(chance.uniform(0.1, 1.0))


async def cut(_: Site, proxy: Proxy, chance: Chance) -> None:
    """The connection breaks; what was under way may arrive."""
    chance.choice((proxy.cut, proxy.half))()


FAULTS = (kill_server, cut)


@pytest.fixture
async def other(site: Site) -> AsyncIterator[str]:
    """Another bucket on the same server."""
    name = f"{site.bucket}-other"
    async with Store(Settings(servers=(site.server.url,))) as store:
        await store.create_bucket(BucketConfig(name))
    yield name
    async with Store(Settings(servers=(site.server.url,))) as store:
        await store.delete_bucket(name)


async def begun(running: Running, proxy: Proxy) -> None:
    """Wait until the program asks for the object: before, it has no connection to lose."""
    asked = proxy.at("up", b"STREAM.MSG.GET", lambda _: None)

    async def has_asked() -> bool:
        return asked.is_set()

    assert await running.until(has_asked)


async def empty(site: Site, bucket: str) -> None:
    """Take everything out of a bucket that a test stores there."""
    async with Store(Settings(servers=(site.server.url,))) as store:
        for info in [info async for info in store.bucket(bucket).list()]:
            await store.bucket(bucket).delete(info.name)


@pytest.mark.parametrize("verb", ["mv", "cp"])
@pytest.mark.parametrize("fault", [*FAULTS, None], ids=["kill", "cut", "signal"])
async def test_at_every_moment_one_name_leads_to_the_bytes(
    site: Site,
    proxy: Proxy,
    chance: Chance,
    *,
    pace: Pace,
    other: str,
    verb: str,
    fault: Fault | None,
) -> None:
    """0: it is whole there (and gone here, if it was moved); else it is whole here. Nothing is left over."""
    data = chance.randbytes(16 * MIB)
    digest = hashlib.sha256(data).hexdigest()

    def begin() -> Running:
        return site.start(verb, site.bucket, KEY, other, "there")

    async def attempt(part: float) -> bool:
        await site.keep(data)
        ready, end = await pace.of(f"{verb} {len(data)}", begin)
        await site.keep(data)
        await empty(site, other)
        running = begin()
        await begun(running, proxy)
        await asyncio.sleep(part * (end - ready))
        hit = running.alive
        if fault is None:
            running.process.send_signal(signal.SIGTERM)
        else:
            await fault(site, proxy, chance)
        result = await running.end()
        assert result.code in ((0, 143) if fault is None else (0,)), result
        here, there = await verdict(site.server.url, site.bucket), await verdict(site.server.url, other)
        whole = {"there": digest}
        if result.code == 0:
            assert there.objects == whole
            assert here.objects == ({KEY: digest} if verb == "cp" else {})
        else:
            assert here.objects == {KEY: digest} or there.objects == whole
            assert there.objects in ({}, whole)
        assert (here.orphans, there.orphans, here.consumers, there.consumers) == ({}, {}, 0, 0)
        if hit:
            chance.saw(result.code)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("fault", FAULTS, ids=["kill", "cut"])
async def test_a_rename_is_made_or_not(
    site: Site, proxy: Proxy, pace: Pace, chance: Chance, fault: Fault
) -> None:
    """One name has the bytes in the end, and no other name, and no chunk, is left."""
    digest = hashlib.sha256(b"content").hexdigest()

    async def attempt(part: float) -> bool:
        await empty(site, site.bucket)
        await site.keep(b"content")
        start = time.monotonic()
        running = site.start("mv", site.bucket, KEY, "there")
        await begun(running, proxy)
        await asyncio.sleep(part * 0.02)
        hit = running.alive
        await fault(site, proxy, chance)
        result = await running.end()
        assert result.code == 0, result
        found = await site.verdict()
        assert (found.objects, found.orphans) == ({"there": digest}, {})
        if hit:
            chance.saw(result.code, time.monotonic() - start)
        return hit

    await chance.until_hit(attempt)


@pytest.mark.parametrize("fault", FAULTS, ids=["kill", "cut"])
async def test_watch_tells_every_change_once(site: Site, proxy: Proxy, chance: Chance, fault: Fault) -> None:
    """Each object that is there in the end was told in its last revision; no revision was told twice."""
    await site.keep(b"first")
    watch = site.start("watch", site.bucket, "--history", "--json")

    async def told(text: bytes) -> bool:
        return text in watch.received

    assert await watch.until(lambda: told(b'"name":"the/key"'))
    faults = asyncio.create_task(_several(fault, site, proxy, chance))
    number = 0
    while not faults.done() or number < 30:
        try:
            async with site.opened() as bucket:
                await bucket.put(f"{number % 20}", str(number).encode())
                number += 1
        except NatsobjError:  # the server is away
            await asyncio.sleep(0.05)
    await faults
    async with site.opened() as bucket:
        await bucket.put("last", b"")
        there = {(info.name, info.revision) async for info in bucket.list()}
    assert await watch.until(lambda: told(b'"name":"last"'))
    watch.process.send_signal(signal.SIGINT)
    result = await watch.end()
    assert (result.code, result.stderr) == (130, "")
    changes = [json.loads(line) for line in result.stdout.splitlines()]
    counted = Counter((each["name"], each["revision"], each["time"]) for each in changes)
    assert max(counted.values()) == 1
    assert there <= {(each["name"], each["revision"]) for each in changes}
    assert (await site.verdict()).consumers == 0
    chance.saw(result.code)


async def _several(fault: Fault, site: Site, proxy: Proxy, chance: Chance) -> None:
    for _ in range(3):
        await asyncio.sleep(chance.uniform(0.1, 0.5))
        await fault(site, proxy, chance)
