"""Faults while a bucket is made to match a folder, and a folder a bucket."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from tests.chance import Chance
from tests.faults.proxy import Proxy
from tests.faults.running import Running
from tests.faults.site import Pace, Site

FILES = 40
SIZE = 200_000
SURPLUS = {f"gone/{number}": b"gone" for number in range(5)}

Fault = Callable[[Running, Site, Proxy, Chance], Awaitable[None]]


async def kill_server(_: Running, site: Site, __: Proxy, chance: Chance) -> None:
    """The server is killed and comes back."""
    async with site.server_killed():
        await asyncio.sleep(chance.uniform(0.1, 1.0))


async def cut(_: Running, __: Site, proxy: Proxy, chance: Chance) -> None:
    """The connection breaks; what was under way may arrive."""
    chance.choice((proxy.cut, proxy.half))()


async def interrupt(running: Running, _: Site, __: Proxy, ___: Chance) -> None:
    """Ctrl-C."""
    running.process.send_signal(signal.SIGINT)


async def kill(running: Running, _: Site, __: Proxy, ___: Chance) -> None:
    """No time for anything."""
    running.process.send_signal(signal.SIGKILL)


FAULTS: Mapping[Fault, tuple[int, ...]] = {kill_server: (0,), cut: (0,), interrupt: (0, 130), kill: (0, -9)}
"""What a sync ends with."""


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder that has these files."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def read(folder: Path) -> dict[str, bytes]:
    """What a folder has, but for temporary files."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".natsobj"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


async def store(site: Site, files: Mapping[str, bytes]) -> None:
    """Have these objects and no others."""
    async with site.opened() as bucket:
        for info in [info async for info in bucket.list()]:
            if info.name not in files:
                await bucket.delete(info.name)
        await asyncio.gather(*(bucket.put(name, data) for name, data in files.items()))


async def stored(site: Site) -> dict[str, str | None]:
    """The digests of the objects, as read back."""
    return dict((await site.verdict()).objects)


def digests(files: Mapping[str, bytes]) -> dict[str, str | None]:
    """The digests of files."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def check(
    found: Mapping[str, object], old: Mapping[str, object], new: Mapping[str, object], *, done: bool
) -> None:
    """All that is there is old or new and whole; what the source lacks is there while anything is not new."""
    assert set(found) <= set(old) | set(new)
    for name, data in found.items():
        assert data in (old.get(name), new.get(name)), name
    assert all(name in found for name in set(old) & set(new))
    gone = {name: data for name, data in old.items() if name not in new}
    complete = all(found.get(name) == data for name, data in new.items())
    if not complete:
        assert {name: found.get(name) for name in gone} == gone
    assert not done or found == new


async def begun(running: Running, proxy: Proxy) -> None:
    """Wait until the program asks for the bucket: before, it has no connection to lose."""
    asked = proxy.at("up", b"STREAM.INFO", lambda _: None)

    async def has_asked() -> bool:
        return asked.is_set()

    assert await running.until(has_asked)


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_sync_deletes_nothing_before_all_is_there_and_the_next_one_finishes(
    site: Site,
    proxy: Proxy,
    pace: Pace,
    chance: Chance,
    *,
    fault: Fault,
    up: bool,
) -> None:
    """Whatever happens meanwhile; what is there is old or new, and whole."""
    new = {f"{number}": chance.randbytes(SIZE) for number in range(FILES)}
    old = {**{f"{number}": new[f"{number}"] if number % 2 else b"old" for number in range(10)}, **SURPLUS}
    folder = site.folder / "tree"
    sides = (folder, f"{site.bucket}:") if up else (f"{site.bucket}:", folder)

    async def prepare() -> None:
        await store(site, old if up else new)
        write(folder, new if up else old)

    async def attempt(part: float) -> bool:
        await prepare()
        ready, end = await pace.of(f"sync {up}", lambda: site.start("sync", *sides, "--delete"))
        await prepare()
        running = site.start("sync", *sides, "--delete")
        await running.ready_for_signals()
        await begun(running, proxy)
        await asyncio.sleep(part * (end - ready))
        hit = running.alive
        await fault(running, site, proxy, chance)
        result = await running.end()
        assert result.code in FAULTS[fault], result
        done = result.code == 0 and fault is not kill_server  # which may forget what it had acknowledged
        if up:
            check(await stored(site), digests(old), digests(new), done=done)
        else:
            check(read(folder), old, new, done=done)
        (await site.start("sync", *sides, "--delete").end()).expect(0)
        assert await stored(site) == digests(new)
        assert read(folder) == new
        if fault is not kill:  # which may leave what could as well be somebody's who is still fetching
            assert not list(folder.rglob(".*"))
        if hit:
            chance.saw(result.code)
        return hit

    await chance.until_hit(attempt)
