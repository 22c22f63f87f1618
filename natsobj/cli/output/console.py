"""The two consoles: standard output for results, in bytes; standard error for everything said to people."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from natsobj.cli import exits
from natsobj.cli.output.formats import printable

if TYPE_CHECKING:
    from logging import LogRecord

    from rich.console import Console, RenderableType

    from natsobj.cli.output.table import Table, Total

__all__ = [
    "STDERR",
    "STDIN",
    "STDOUT",
    "colored",
    "draw",
    "draw_table",
    "encode",
    "files_behind",
    "is_terminal",
    "listen",
    "prepare",
    "report_error",
    "say",
    "say_block",
    "say_raw",
    "screen",
    "traceback_of",
    "write",
    "write_lines",
]

T = TypeVar("T")

STDIN, STDOUT, STDERR = range(3)
BLOCK_SIZE = 64 * 1024
"""Bytes of short lines that are written at once."""

FIRST_ROWS = 500
"""Rows that decide how wide a table's columns are."""


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

    block = bytearray()
    with _named():
        async with open_stdout() as sink:
            async for item in items:
                block += encode(line(item) + end)
                if promptly or len(block) >= BLOCK_SIZE:
                    sink.write(memoryview(bytes(block)))
                    block.clear()
                    await sink.drain()
            sink.write(memoryview(bytes(block)))


LOOK = 0.5
"""Seconds between looks whether anybody reads standard output."""


async def while_read(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Pass on items that are slow to come, as long as standard output is no pipe that nobody reads any more.

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


def screen(color: bool) -> Console:
    """Make a Rich console of standard output, which is a terminal."""
    from rich.console import Console

    return Console(
        file=sys.stdout,
        force_terminal=True,
        no_color=not color,
        color_system="auto" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
    )


def draw(view: RenderableType, *, color: bool) -> None:
    """Show something on the terminal, and a blank line, for another may follow; nothing is cut."""
    screen(color).print(view, soft_wrap=True, end="\n\n")


async def draw_table(
    items: AsyncIterator[T],
    make: Callable[..., Table[T]],
    *,
    color: bool,
    first: int = FIRST_ROWS,
    total: Total[T] | None = None,
) -> bool:
    """Show a table whose rows appear as they come; False when there was none, and nothing was shown.

    Args:
        first: rows that decide how wide the columns are.
        total: what is counted, for the line below.
    """
    console = screen(color)
    rows: list[T] = []
    table: Table[T] | None = None
    async for item in items:
        rows.append(item)
        if total is not None:
            total.add(item)
        if len(rows) < (first if table is None else FIRST_ROWS):
            continue
        if table is None:
            table = make(rows, more_follow=True)
            _begin(console, table)
        else:
            console.print(table.more(rows), soft_wrap=True)
        rows = []
    if table is None and not rows:
        return False
    if table is None:
        table = make(rows)
        _begin(console, table)
    elif rows:
        console.print(table.more(rows), soft_wrap=True)
    if table.framed:
        console.print(table.end(), soft_wrap=True)
    if total is not None:
        console.print(total.line(), soft_wrap=True)
    return True


def _begin(console: Console, table: Table[T]) -> None:
    console.print(table.start(console.options), soft_wrap=True)
    for page in table.rest():
        console.print(page, soft_wrap=True)


# Standard error


def say(text: str) -> None:
    """Write a line to people; a standard error that nobody reads stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()


def say_block(text: str) -> None:
    """Write several lines to people, such as a traceback or a help page."""
    say_raw("".join(f"{printable(line)}\n" for line in text.rstrip("\n").split("\n")))


def say_raw(text: str) -> None:
    """Write something as it is: nothing in it may come from outside."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


def report_error(
    error: Exception, *, as_json: bool, debug: bool, one_of: str | None = None, hinted: bool = True
) -> None:
    """Say what went wrong, where and what to do, on one line; wrong usage is always text.

    Args:
        one_of: it concerns this one of several, which is no wrong usage whatever it is.
        hinted: say what to do; False where that was just said. A note on the error itself is always said.
    """
    if debug:
        say_block(traceback_of(error))
    message = exits.message(error)
    hint = exits.hint(error) if hinted or getattr(error, "__notes__", None) else None
    if one_of is not None and not exits.names(error, one_of):
        message = f"{one_of}: {message}"
    if as_json and (one_of is not None or exits.exit_code(error) != exits.USAGE):
        from natsobj.cli.output.objects import json_line

        say(json_line({"error": {"code": exits.error_code(error), "message": message, "hint": hint}}))
    else:
        say(f"natsobj: {message}" + (f" ({hint})" if hint else ""))


def traceback_of(error: BaseException) -> str:
    """Give the traceback of an error, without credentials."""
    import traceback

    return exits.without_credentials("".join(traceback.format_exception(error)))


def listen(*, verbose: bool, debug: bool, quiet: bool, keep: Callable[[LogRecord, str], bool]) -> None:
    """Show what the library logs: its warnings, and more when asked to.

    Args:
        keep: takes a record that is not to be said now, or does not.
    """
    import logging

    class ToPeople(logging.Handler):
        last = ""

        def emit(self, record: LogRecord) -> None:
            text = exits.without_credentials(record.getMessage())
            repeated, self.last = text == self.last and not debug, text
            if not repeated and not keep(record, text):
                say(f"natsobj: {text}")
            if record.exc_info and record.exc_info[1] is not None:
                say_block(traceback_of(record.exc_info[1]))

    logger = logging.getLogger("natsobj")
    usual = logging.CRITICAL if quiet else logging.WARNING
    logger.setLevel(logging.DEBUG if debug else logging.INFO if verbose else usual)
    logger.addHandler(ToPeople())
    logger.propagate = False
    others = logging.getLogger()
    others.setLevel(logging.WARNING if debug else logging.CRITICAL)
    others.addHandler(ToPeople())
