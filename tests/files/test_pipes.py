"""Streams that can wait for ever: order, bounds, ends, and nobody who has to wait for them."""

from __future__ import annotations

import asyncio
import io
import os
import random
import select
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from natsobj.files import Sink, Source
from natsobj.files.pipes import QUEUE_SIZE, PipeSink, PipeSource
from tests.streams import (
    ENVIRONMENT,
    MIB,
    TIMEOUT,
    Pipe,
    in_thread,
    open_pipe,
    read_to_end,
    script,
    within,
    write_to_end,
)

STALLED = 0.5
"""Seconds without any movement after which a side is taken to be waiting; bounds hold whatever it is."""

BLOCK = 128 * 1024


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe, closed after the test."""
    with open_pipe() as ends:
        yield ends


def source_of(pipe: Pipe) -> PipeSource:
    """Read a pipe's other end."""
    descriptor = pipe.reader.fileno()
    return PipeSource(lambda: descriptor, "the pipe")


def sink_of(pipe: Pipe) -> PipeSink:
    """Write a pipe's other end."""
    descriptor = pipe.writer.fileno()
    return PipeSink(lambda: descriptor, "the pipe")


def read_all(reader: io.FileIO) -> bytes:
    """Read to the end, as a program at the other side does."""
    return b"".join(iter(lambda: reader.read(MIB), b""))


# Reading


@pytest.mark.parametrize("size", [1 << 10, 100_003, 128 << 10, 3 * MIB])
async def test_all_that_is_written_into_a_pipe_is_read_in_order(pipe: Pipe, size: int) -> None:
    """64 MiB in exact parts of any size (4 MiB in the smallest)."""
    data = random.Random(size).randbytes(64 * MIB if size > 1 << 10 else 4 * MIB)
    source = source_of(pipe)
    assert isinstance(source, Source)
    assert source.size is None
    writing = in_thread(write_to_end, pipe.writer, data)
    assert b"".join(await read_to_end(source, size)) == data
    await within(writing)
    source.check()


async def test_an_exact_part_waits_until_it_is_whole(pipe: Pipe) -> None:
    """A slow writer does not make small chunks, and what comes at once is not lost between two reads."""
    source = source_of(pipe)
    reading = asyncio.create_task(within(source.read(6)))
    for part in (b"a", b"bc", b"de"):
        pipe.writer.write(part)
        await asyncio.sleep(0)
        assert not reading.done()
    pipe.writer.write(b"fghi")
    assert await reading == b"abcdef"
    pipe.writer.close()
    assert await read_to_end(source, 2) == [b"gh", b"i"]


async def test_an_empty_pipe_has_no_parts(pipe: Pipe) -> None:
    """The end may come at once, and it is the end for good."""
    pipe.writer.close()
    assert await read_to_end(source_of(pipe)) == []


async def test_a_read_of_nothing_takes_nothing(pipe: Pipe) -> None:
    """And what is there stays there."""
    source = source_of(pipe)
    write_to_end(pipe.writer, b"abc")
    assert await within(source.read(1)) == b"a"
    assert await within(source.read(0)) == b""
    assert await within(source.read(9)) == b"bc"


async def test_a_pipe_is_not_read_further_ahead_than_the_queue_is_long(pipe: Pipe) -> None:
    """Whoever writes faster than the server stores has to wait; nothing is lost by that."""
    source = source_of(pipe)
    os.set_blocking(pipe.writer.fileno(), False)
    os.write(pipe.writer.fileno(), b"\0")
    assert await within(source.read(1)) == b"\0"
    taken = 0
    while select.select([], [pipe.writer], [], STALLED)[1]:
        taken += os.write(pipe.writer.fileno(), bytes([taken % 251]) * 4096)
    one_block_and_what_the_pipe_holds = 256 * 1024 + 64 * 1024
    assert taken <= QUEUE_SIZE + 2 * one_block_and_what_the_pipe_holds
    pipe.writer.close()
    assert sum(map(len, await read_to_end(source, 4096))) == taken


async def test_a_pipe_can_be_read_only_once(pipe: Pipe) -> None:
    """Its name stands in the error."""
    with pytest.raises(io.UnsupportedOperation, match="the pipe can be read only once"):
        source_of(pipe).restart()


async def test_a_source_that_cannot_be_opened_is_an_error_of_the_read(tmp_path: Path) -> None:
    """Of every read, and not of the thread that opens it."""
    missing = tmp_path / "missing"
    source = PipeSource(lambda: os.open(missing, os.O_RDONLY), "the stream", close=True)
    for _ in range(2):
        with pytest.raises(FileNotFoundError) as caught:
            await within(source.read(1))
        assert caught.value.filename == "the stream"


async def test_an_error_in_the_middle_is_no_end() -> None:
    """A terminal that goes away: half an input is never stored as if it were all."""
    ours, theirs = os.openpty()
    source = PipeSource(lambda: ours, "the terminal", close=True)
    os.write(theirs, b"abc")
    assert await within(source.read(3)) == b"abc"
    os.close(theirs)
    with pytest.raises(OSError, match="the terminal"):
        await within(source.read(3))


async def test_a_cancelled_read_loses_nothing_and_leaves_the_loop_free(pipe: Pipe) -> None:
    """The next read goes on where the cancelled one was."""
    source = source_of(pipe)
    os.write(pipe.writer.fileno(), b"abc")
    assert await within(source.read(1)) == b"a"
    for _ in range(3):
        reading = asyncio.create_task(source.read(5))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(reading)
    write_to_end(pipe.writer, b"defg")
    assert await within(source.read(5)) == b"bcdef"
    assert await within(source.read(5)) == b"g"


async def test_a_pipe_that_somebody_made_non_blocking_is_read_all_the_same(pipe: Pipe) -> None:
    """The setting belongs to all who share the pipe: nothing there now is not the end, and no error."""
    os.set_blocking(pipe.reader.fileno(), False)
    source = source_of(pipe)
    data = random.Random(5).randbytes(3 * MIB)
    reading = asyncio.create_task(read_to_end(source))
    await in_thread(write_to_end, pipe.writer, data, 10_000)
    assert b"".join(await within(reading)) == data


async def test_many_pipes_are_read_at_once() -> None:
    """Each has a thread and a queue of its own."""
    contents = [random.Random(number).randbytes(MIB) for number in range(8)]
    with ExitStack() as stack:
        pipes = [stack.enter_context(open_pipe()) for _ in contents]
        writing = [
            in_thread(write_to_end, pipe.writer, data) for pipe, data in zip(pipes, contents, strict=True)
        ]
        read = await asyncio.gather(*(read_to_end(source_of(pipe)) for pipe in pipes))
        assert [b"".join(parts) for parts in read] == contents
        await asyncio.gather(*writing)


# Writing


@pytest.mark.parametrize("size", [1 << 10, 100_003, 128 << 10, 3 * MIB])
async def test_all_that_is_given_to_a_sink_comes_out_in_order(pipe: Pipe, size: int) -> None:
    """64 MiB in parts of any size (4 MiB in the smallest); the view is used again at once, as a lane does."""
    data = random.Random(size).randbytes(64 * MIB if size > 1 << 10 else 4 * MIB)
    reading = in_thread(read_all, pipe.reader)
    reused = bytearray(size)
    async with asyncio.timeout(TIMEOUT):
        with sink_of(pipe) as sink:
            assert isinstance(sink, Sink)
            for start in range(0, len(data), size):
                part = data[start : start + size]
                reused[: len(part)] = part
                sink.write(memoryview(reused)[: len(part)])
                await sink.drain()
            await sink.flush()
    pipe.writer.close()
    assert await within(reading) == data


async def test_an_empty_part_is_no_end(pipe: Pipe) -> None:
    """An object may have a chunk without bytes."""
    with sink_of(pipe) as sink:
        sink.write(memoryview(b""))
        sink.write(memoryview(b"a"))
        sink.write(memoryview(b""))
        await within(sink.flush())
        sink.write(memoryview(b"b"))
        await within(sink.flush())
    pipe.writer.close()
    assert read_all(pipe.reader) == b"ab"


async def test_a_sink_without_parts_is_flushed_at_once(pipe: Pipe) -> None:
    """There is nothing to wait for."""
    with sink_of(pipe) as sink:
        await within(sink.drain())
        await within(sink.flush())


async def test_a_stopped_reader_stops_whoever_drains(pipe: Pipe) -> None:
    """The queue stays below its size and one part; the event loop goes on, and then so does the transfer."""
    given = 0
    with sink_of(pipe) as sink:
        for number in range(100):
            sink.write(memoryview(bytes([number]) * BLOCK))
            given += BLOCK
            try:
                async with asyncio.timeout(STALLED):
                    await sink.drain()
            except TimeoutError:
                break
        assert QUEUE_SIZE < given <= QUEUE_SIZE + 2 * BLOCK
        reading = in_thread(read_all, pipe.reader)
        await within(sink.drain())
        await within(sink.flush())
    pipe.writer.close()
    assert await within(reading) == b"".join(bytes([number]) * BLOCK for number in range(given // BLOCK))


async def test_draining_does_not_wait_for_the_last_byte(pipe: Pipe) -> None:
    """Only `flush` does."""
    with sink_of(pipe) as sink:
        sink.write(memoryview(bytes(MIB)))
        await within(sink.drain())
        flushing = asyncio.create_task(sink.flush())
        await asyncio.sleep(0)
        assert not flushing.done()
        assert len(await within(in_thread(pipe.reader.read, 1))) == 1
        reading = in_thread(read_all, pipe.reader)
        await within(flushing)
    pipe.writer.close()
    assert len(await within(reading)) == MIB - 1


@pytest.mark.parametrize("size", [1, QUEUE_SIZE + 1, 4 * QUEUE_SIZE])
async def test_a_reader_that_went_away_is_a_broken_pipe(pipe: Pipe, size: int) -> None:
    """Every drain and flush says so from then on."""
    pipe.reader.close()
    with sink_of(pipe) as sink:
        sink.write(memoryview(bytes(size)))
        with pytest.raises(BrokenPipeError):
            await within(sink.flush())
        with pytest.raises(BrokenPipeError) as caught:
            await within(sink.drain())
    assert caught.value.filename == "the pipe"


async def test_a_reader_that_goes_away_wakes_whoever_drains(pipe: Pipe) -> None:
    """`| head -c 1` in the middle of a transfer."""
    with sink_of(pipe) as sink:
        sink.write(memoryview(bytes(2 * QUEUE_SIZE)))
        draining = asyncio.create_task(sink.drain())
        assert await in_thread(pipe.reader.read, 1) == b"\0"
        assert not draining.done()
        pipe.reader.close()
        with pytest.raises(BrokenPipeError):
            await within(draining)


async def test_a_sink_that_cannot_be_opened_is_an_error_of_the_flush(tmp_path: Path) -> None:
    """It names the stream as its user does."""
    with PipeSink(lambda: os.open(tmp_path, os.O_WRONLY), "the stream", close=True) as sink:
        sink.write(memoryview(b"a"))
        with pytest.raises(IsADirectoryError) as caught:
            await within(sink.flush())
    assert caught.value.filename == "the stream"


async def test_what_was_sent_cannot_be_taken_back(pipe: Pipe) -> None:
    """Whoever reads would get a mixture."""
    with sink_of(pipe) as sink, pytest.raises(io.UnsupportedOperation):
        sink.restart()


async def test_a_cancelled_drain_leaves_the_loop_free_and_the_sink_usable(pipe: Pipe) -> None:
    """Nothing is written twice, nothing is left out."""
    data = random.Random(6).randbytes(2 * QUEUE_SIZE)
    with sink_of(pipe) as sink:
        sink.write(memoryview(data))
        for _ in range(3):
            draining = asyncio.create_task(sink.drain())
            await asyncio.sleep(0)
            draining.cancel()
            with pytest.raises(asyncio.CancelledError):
                await within(draining)
        reading = in_thread(read_all, pipe.reader)
        await within(sink.flush())
    pipe.writer.close()
    assert await within(reading) == data


async def test_a_pipe_that_somebody_made_non_blocking_is_written_all_the_same(pipe: Pipe) -> None:
    """A full pipe is waited for, and is no error."""
    os.set_blocking(pipe.writer.fileno(), False)
    data = random.Random(7).randbytes(3 * MIB)
    reading = in_thread(read_all, pipe.reader)
    with sink_of(pipe) as sink:
        sink.write(memoryview(data))
        await within(sink.flush())
    pipe.writer.close()
    assert await within(reading) == data


# The end of the program

ABANDON_STDIN = """
import asyncio
from natsobj.files.sources import open_source

async def main():
    with open_source(None) as source:
        await source.read(1)
        reading = asyncio.create_task(source.read(1))
        await asyncio.sleep(0)
        reading.cancel()
    print("done")

asyncio.run(main())
"""

ABANDON_STDOUT = """
import asyncio, sys
from natsobj.files.targets import open_stdout

async def main():
    async with open_stdout() as sink:
        sink.write(memoryview(bytes(10_000_000)))
        try:
            async with asyncio.timeout(0.1):
                await sink.drain()
        except TimeoutError:
            raise KeyboardInterrupt

try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_the_end_of_the_program_does_not_wait_for_its_stdin() -> None:
    """A transfer that failed ends although nobody closes the pipe that it read."""
    with subprocess.Popen(
        script(ABANDON_STDIN),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"a")
        process.stdin.flush()
        assert process.wait(TIMEOUT) == 0
        assert (process.stdout.read(), process.stderr.read()) == (b"done\n", b"")


def test_the_end_of_the_program_does_not_wait_for_its_reader() -> None:
    """Ctrl-C ends a transfer whose reader has stopped (a pager)."""
    with subprocess.Popen(
        script(ABANDON_STDOUT), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.wait(TIMEOUT) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b""
