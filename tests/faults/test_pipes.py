"""Pipes: slow ones are waited for, however long; ends and deaths of the other side are told apart."""

from __future__ import annotations

import asyncio
import sys
from typing import IO

from tests.chance import MIB, Chance
from tests.faults.site import KEY, Site

TIMEOUTS = 6
SHORT = ("--timeout", "500ms")
LONGER = 0.5 * TIMEOUTS + 0.3
"""Seconds: longer than a server may be silent with that timeout."""


async def read(stream: IO[bytes] | None, size: int = -1) -> bytes:
    """Read from the program without stopping the test's own loop."""
    assert stream is not None
    return await asyncio.to_thread(stream.read, size)


async def write(stream: IO[bytes] | None, data: bytes) -> None:
    """Write to the program, likewise."""
    assert stream is not None
    await asyncio.to_thread(stream.write, data)
    await asyncio.to_thread(stream.flush)


async def test_a_reader_that_stops_for_long_gets_everything(site: Site, chance: Chance) -> None:
    """Nobody reads standard output for longer than six timeouts: exit 0, every byte; no consumer stays."""
    data = chance.content(40 * MIB, 64 * MIB)
    await site.keep(data)
    running = site.get("pipe", *SHORT, read_output=False)
    first = await read(running.process.stdout, chance.randint(1, 20 * MIB))
    await asyncio.sleep(LONGER)
    assert running.alive
    rest = await read(running.process.stdout)
    (await running.end()).expect(0)
    assert first + rest == data
    await site.holds(data)
    chance.saw(0)


async def test_a_reader_that_goes_away_ends_the_program_silently(site: Site, chance: Chance) -> None:
    """Exit 141 and not a word; no consumer stays."""
    data = chance.content(40 * MIB, 64 * MIB)
    await site.keep(data)
    running = site.get("pipe", read_output=False)
    await read(running.process.stdout, chance.choice((1, chance.randint(1, 20 * MIB))))
    assert running.process.stdout is not None
    running.process.stdout.close()
    result = await running.end()
    assert (result.code, result.stderr) == (141, "")
    await site.holds(data)
    chance.saw(result.code)


async def test_a_writer_that_stops_for_long_is_waited_for(site: Site, chance: Chance) -> None:
    """Nothing comes through standard input for longer than six timeouts: exit 0 and the whole object."""
    data = chance.content()
    await site.keep(None)
    running = site.put(None, "pipe", *SHORT)
    pause = chance.choice((0, chance.randint(1, len(data) - 1)))
    await write(running.process.stdin, data[:pause])
    await asyncio.sleep(LONGER)
    assert running.alive
    await write(running.process.stdin, data[pause:])
    assert running.process.stdin is not None
    running.process.stdin.close()
    (await running.end()).expect(0)
    await site.holds(data)
    chance.saw(0)


WRITER = """
import os, sys, time
data = open(sys.argv[1], "rb").read()
while data:
    data = data[os.write(1, data):]
time.sleep(1000)
"""


async def test_a_writer_that_dies_is_the_end_of_the_input(site: Site, chance: Chance) -> None:
    """A pipe does not tell a death from an end: what was written is stored; the shell knows (pipefail)."""
    data = chance.content()
    await site.keep(None)
    file = site.folder / "written.bin"
    file.write_bytes(data)
    running = site.put(None, "pipe")
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(file), stdout=running.process.stdin
    )
    assert running.process.stdin is not None
    running.process.stdin.close()
    assert await site.put_reached(running, len(data) // 2)
    writer.kill()
    await writer.wait()
    result = await running.end()
    result.expect(0)
    found = await site.verdict()
    size = found.records[KEY]["size"]
    assert isinstance(size, int)
    await site.holds(data[:size])
    assert size >= len(data) // 2
    chance.saw(result.code)


async def test_a_file_that_changes_while_it_is_stored_is_no_object(site: Site, chance: Chance) -> None:
    """It grows, shrinks or is rewritten in the middle: exit 5, the old object, no chunks of the new one."""
    change = chance.turn(("grow", "shrink", "rewrite"))
    old = chance.content(1, MIB)

    async def attempt(part: float) -> bool:
        await site.keep(old)
        data = chance.content(32 * MIB, 48 * MIB)
        running = site.put(data)
        hit = await site.put_reached(running, int(part * 0.5 * len(data)))
        with (site.folder / "source.bin").open("r+b") as file:
            if change == "grow":
                file.seek(0, 2)
                file.write(b"more")
            elif change == "shrink":
                file.truncate(len(data) - 1)
            else:
                file.write(data[::-1])
        result = await running.end()
        if result.code == 0:
            await site.holds(data)
            return False
        result.expect(5)
        await site.holds(old)
        if hit:
            chance.saw(result.code)
        return hit

    await chance.until_hit(attempt)
