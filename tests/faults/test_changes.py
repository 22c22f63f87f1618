"""Somebody else changes the bucket or the object in the middle of a transfer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from natsobj import Bucket, BucketConfig, Store
from natsobj.errors import BucketExists
from natsobj.settings import Settings
from tests.behind import api
from tests.chance import MIB, Chance
from tests.faults.proxy import Link, Proxy
from tests.faults.site import KEY, Site, Source, objects
from tests.program import Result

SOURCES: tuple[Source, ...] = ("file", "pipe")

NOTICED_WITHIN = 15.0
"""Seconds from the change to the end of the program; it takes one where the machine is not busy."""

SEALED = 10109
"""The server's error for whatever would change a sealed stream."""

TARGET_BEFORE = b"the file as it was"


# The bucket


async def test_a_bucket_sealed_in_the_middle_keeps_the_old_object(site: Site, chance: Chance) -> None:
    """Exit 6. The server lets nobody purge a sealed bucket: what was stored before stays in it for good."""
    source = chance.turn(SOURCES)
    old, new = chance.content(1, MIB), chance.content(40 * MIB, 64 * MIB)
    await site.keep(old)
    running = site.put(new, source)
    assert await site.put_reached(running, int(chance.random() * 0.5 * len(new)))
    async with site.client() as client:
        info = await api(client, f"STREAM.INFO.OBJ_{site.bucket}")
        config = info["config"]
        assert isinstance(config, dict)
        await api(client, f"STREAM.UPDATE.OBJ_{site.bucket}", **{**config, "sealed": True})
    (await running.end(NOTICED_WITHIN)).expect(6)
    assert (await site.verdict()).objects == objects(old)
    async with site.client() as client:
        answer = await client.request(f"$JS.API.STREAM.PURGE.OBJ_{site.bucket}", timeout=5)
    assert json.loads(answer.data)["error"]["err_code"] == SEALED
    chance.saw(6)


@pytest.mark.parametrize("verb", ["put", "get"])
async def test_a_bucket_deleted_in_the_middle_is_said_to_be_missing(
    site: Site, chance: Chance, verb: str
) -> None:
    """Exit 3, and a local file is as it was."""
    way = chance.turn(SOURCES)
    data = chance.content(40 * MIB, 64 * MIB)

    async def attempt(part: float) -> bool:
        site.target.write_bytes(TARGET_BEFORE)
        async with Store(Settings(servers=(site.server.url,))) as store:
            with suppress(BucketExists):  # it is gone when the fault came too late
                await store.create_bucket(BucketConfig(site.bucket))
            await site.keep(None if verb == "put" else data)
            running = site.put(data, way) if verb == "put" else site.get(way)
            reached = site.put_reached if verb == "put" else site.get_reached
            if not await reached(running, int(part * 0.5 * len(data))):
                await running.end()
                return False
            await store.delete_bucket(site.bucket)
        result = await running.end(NOTICED_WITHIN)
        if result.code == 0:  # it came behind the end
            return False
        result.expect(3)
        if verb == "get":
            site.fetched(result, way, data, TARGET_BEFORE)
        chance.saw(3)
        return True

    await chance.until_hit(attempt)


# The object that is read


async def changed_while_read(
    site: Site, proxy: Proxy, chance: Chance, into: Source, change: Callable[[Bucket], Awaitable[object]]
) -> tuple[Result, bytes]:
    """Start a get, stop its bytes on the way, change the object, and let the bytes go on; how it ended."""
    data = chance.content(48 * MIB, 64 * MIB)
    await site.keep(data)
    site.target.write_bytes(TARGET_BEFORE)
    stopped = proxy.at("down", chance.randrange(100_000, 20 * MIB), Link.stall)
    running = site.get(into)
    assert await asyncio.to_thread(stopped.wait, NOTICED_WITHIN)
    async with site.opened() as bucket:
        await change(bucket)
    assert running.alive
    proxy.resume()
    result = await running.end(NOTICED_WITHIN)
    chance.saw(result.code)
    return result, data


async def test_a_file_starts_over_when_its_object_is_replaced(
    site: Site, proxy: Proxy, chance: Chance
) -> None:
    """Exit 0 and the new content, whole; no consumer stays."""
    new = chance.content(1, 24 * MIB)
    result, _ = await changed_while_read(site, proxy, chance, "file", lambda bucket: bucket.put(KEY, new))
    site.fetched(result.expect(0), "file", new)
    await site.holds(new)


async def test_a_stream_ends_when_its_object_is_replaced(site: Site, proxy: Proxy, chance: Chance) -> None:
    """Exit 5, for what was written cannot be unsent; it is a beginning of the old content."""
    new = chance.content(1, 24 * MIB)
    result, data = await changed_while_read(site, proxy, chance, "pipe", lambda bucket: bucket.put(KEY, new))
    site.fetched(result.expect(5), "pipe", data)
    assert "changed" in result.stderr
    await site.holds(new)


@pytest.mark.parametrize("into", SOURCES)
async def test_get_of_an_object_that_is_deleted_meanwhile(
    site: Site, proxy: Proxy, chance: Chance, into: Source
) -> None:
    """Exit 4; the file is as it was."""
    result, data = await changed_while_read(site, proxy, chance, into, lambda bucket: bucket.delete(KEY))
    site.fetched(result.expect(4), into, data, TARGET_BEFORE)
    assert "deleted" in result.stderr
    await site.holds(None)


async def test_an_object_replaced_again_and_again_is_one_of_its_versions(site: Site, chance: Chance) -> None:
    """While others write without a pause a file is a whole version (0) or as it was (5), within a minute."""
    versions = [chance.content(8 * MIB, 16 * MIB) for _ in range(3)]
    await site.keep(versions[0])
    site.target.write_bytes(TARGET_BEFORE)
    running = site.get("file")
    async with site.opened() as bucket:
        n = 0
        while running.alive:
            n += 1
            await bucket.put(KEY, versions[n % 3])
    result = await running.end()
    assert result.code in (0, 5)
    fetched = site.target.read_bytes()
    assert fetched in (versions if result.code == 0 else [TARGET_BEFORE])
    await site.holds(versions[n % 3])
    chance.saw(result.code)
