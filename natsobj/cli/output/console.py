"""The two consoles: standard output for results, in bytes; standard error for everything said to people."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from typing import TypeVar

from natsobj.cli.output.formats import printable

__all__ = [
    "STDERR",
    "STDIN",
    "STDOUT",
    "colored",
    "encode",
    "files_behind",
    "is_terminal",
    "prepare",
    "say",
    "say_block",
    "say_error",
    "say_raw",
    "while_read",
    "write",
    "write_lines",
]

T = TypeVar("T")

STDIN, STDOUT, STDERR = range(3)
BLOCK_SIZE = 64 * 1024
"""Characters of short lines that are written at once."""


def prepare() -> None:
    """Put something harmless where a standard stream is closed, before a socket takes its number."""
    wrong_way = {STDIN: os.O_WRONLY, STDOUT: os.O_RDONLY, STDERR: os.O_WRONLY}
    for descriptor, flags in wrong_way.items():
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)
    if sys.stdin is None:
        sys.stdin = open(STDIN, closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(STDOUT, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(STDERR, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def is_terminal(descriptor: int) -> bool:
    """Say whether a standard stream is a terminal."""
    return os.isatty(descriptor)


def files_behind(descriptors: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Give device and inode of those streams that are files."""
    for status in map(os.fstat, descriptors):
        if stat.S_ISREG(status.st_mode):
            yield status.st_dev, status.st_ino


def colored(choice: str, descriptor: int) -> bool:
    """Say whether a stream gets colour: `always`, `never`, or what suits the stream and the environment."""
    if choice != "auto":
        return choice == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return is_terminal(descriptor) and not plain


# Standard output


def encode(text: str) -> bytes:
    """Make UTF-8 of a text, whatever the locale and whatever is in it."""
    return text.encode(errors="backslashreplace")


@contextlib.contextmanager
def _named() -> Iterator[None]:
    """Say in an error which file it was that could not be written."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or "standard output"
        raise


def write(text: str) -> None:
    """Write a whole result and send it off."""
    with _named():
        sys.stdout.buffer.write(encode(text))
        sys.stdout.buffer.flush()


async def write_lines(
    items: AsyncIterator[T], line: Callable[[T], str], end: str = "\n", *, promptly: bool = False
) -> None:
    """Write a line for each item as they come; a slow reader does not hold up the event loop.

    Args:
        promptly: send each one off at once, for they are slow to come.
    """
    from natsobj.files.targets import open_stdout

    block: list[str] = []
    size = 0
    with _named():
        async with open_stdout() as sink:
            async for item in items:
                text = line(item) + end
                block.append(text)
                size += len(text)
                if promptly or size >= BLOCK_SIZE:
                    sink.write(memoryview(encode("".join(block))))
                    block.clear()
                    size = 0
                    await sink.drain()
            sink.write(memoryview(encode("".join(block))))


LOOK = 0.5
"""Seconds between looks whether anybody reads standard output."""


async def while_read(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Yield items that arrive slowly, until standard output is a pipe that nobody reads any more.

    Raises:
        BrokenPipeError: it is one.
    """
    import asyncio

    async with contextlib.aclosing(items):
        while True:
            coming = asyncio.ensure_future(anext(items, _END))
            try:
                while not (await asyncio.wait({coming}, timeout=LOOK))[0]:
                    _check_reader()
            except BaseException:
                coming.cancel()
                await asyncio.wait({coming})
                raise
            item = coming.result()
            if isinstance(item, _End):
                return
            yield item


class _End:
    """Behind the last item."""


_END = _End()


def _check_reader() -> None:
    import select

    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(STDOUT, 0)
        if any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0)):
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE), "standard output")


# Standard error


def say(text: str) -> None:
    """Write a line to people; a standard error that nobody reads stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()


def say_error(text: str, *, color: bool) -> None:
    """Write a line about something that failed; the name before it stands out where there is colour."""
    name = "\x1b[1;31mnatsobj:\x1b[0m" if color else "natsobj:"
    say_raw(f"{name} {printable(text)}\n")


def say_block(text: str) -> None:
    """Write several lines to people, such as a traceback or a help page."""
    say_raw("".join(f"{printable(line)}\n" for line in text.rstrip("\n").split("\n")))


def say_raw(text: str) -> None:
    """Write something as it is: nothing in it may come from outside."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
