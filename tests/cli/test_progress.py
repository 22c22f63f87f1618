"""Transfers that count, and what is seen of them."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from threading import Event

import pytest
from rich.cells import cell_len

from natsobj import Bucket
from natsobj.cli.output import progress
from natsobj.cli.output.meters import CountedSource, Meter, Whole
from natsobj.cli.output.progress import Mode, Timing, keep_end
from natsobj.files import Source

MIB = 1024**2
LINE = re.compile(r"photos/cat\.jpg  1 MiB of 2 MiB  50 %  [\d.]+ [KMGT]?i?B/s(  .* left)?")

open_progress = partial(progress.open_progress, timing=Timing(0.01, 0.01, 0.01))
"""Shows everything at once."""


class Blocks:
    """A source of `count` blocks of 1 MiB."""

    def __init__(self, count: int, *, size_known: bool = True) -> None:
        self.name = "blocks"
        self.size = count * MIB if size_known else None
        self.checked = 0
        self._count = count
        self._given = 0

    async def read(self, size: int, /) -> bytes:
        self._given += 1
        return bytes(size if self._given <= self._count else 0)

    def restart(self) -> None:
        self._given = 0

    def check(self) -> None:
        self.checked += 1


class Item:
    """Something that will be transferred."""

    def __init__(self, size: int) -> None:
        self.size = size


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.drained = 0

    def write(self, view: memoryview, /) -> None:
        self.content += view

    async def drain(self) -> None:
        self.drained += 1

    def restart(self) -> None:
        self.content.clear()


class Stream(io.StringIO):
    """A standard error that says when something was written to it."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self.written = Event()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        length = super().write(text)
        if text:
            self.written.set()
        return length

    def shows(self, text: str) -> bool:
        """Wait until it was written to; say whether `text` is in it."""
        while text not in self.getvalue():
            if not self.written.wait(10):
                return False
            self.written.clear()
        return True


class BrokenStream(Stream):
    """A standard error that nobody reads any more."""

    def write(self, text: str) -> int:
        super().write(text)
        raise BrokenPipeError


def screen(output: str) -> list[str]:
    """Give the lines that a terminal shows in the end; it knows the few sequences that bars are made of."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", output):
        if part == "\r":
            column = 0
        elif part == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part == "\x1b[1A":
            row -= 1
        elif part.startswith("\x1b"):
            assert part.endswith("m"), f"unknown sequence {part!r}"
        else:
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
    return [line for line in lines if line]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that draws and has 80 columns."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


async def stored(source: Source, size: int) -> bytes:
    """Read, and have it acknowledged as a put does."""
    data = await source.read(size)
    if isinstance(source, CountedSource):
        source.acknowledged(len(data))
    return data


async def test_counted_source_is_the_source() -> None:
    """Whoever stores it sees no difference: bytes, name, size, restart and check."""
    blocks = Blocks(2)
    with open_progress("plain", Stream(), color=False) as shown:
        source = shown.source(blocks, "x")
        assert source is not blocks
        assert (source.name, source.size) == ("blocks", 2 * MIB)
        assert [len(await source.read(MIB)) for _ in range(3)] == [MIB, MIB, 0]
        source.restart()
        assert len(await source.read(MIB)) == MIB
        source.check()
        assert blocks.checked == 1


async def test_counted_sink_is_the_sink() -> None:
    """Whoever fetches into it sees no difference: bytes, drain and restart."""
    kept = Kept()
    with open_progress("plain", Stream(), color=False) as shown:
        sink = shown.sink(kept, "x", 3)
        sink.write(memoryview(b"abc"))
        sink.restart()
        sink.write(memoryview(b"def"))
        await sink.drain()
    assert (bytes(kept.content), kept.drained) == (b"def", 1)


@pytest.mark.parametrize("mode", ["none", "auto"])
async def test_nothing_is_wrapped_or_written_where_nothing_is_shown(mode: Mode) -> None:
    """`none`, and `auto` without a terminal, cost nothing."""
    stderr, blocks, kept = Stream(), Blocks(1), Kept()
    with open_progress(mode, stderr, color=True) as shown:
        assert shown.source(blocks, "x") is blocks
        assert shown.sink(kept, "x", 1) is kept
    assert stderr.getvalue() == ""


async def test_auto_draws_nothing_on_a_dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot go back in a line gets no bar."""
    monkeypatch.setenv("TERM", "dumb")
    blocks = Blocks(1)
    with open_progress("auto", Stream(terminal=True), color=True) as shown:
        assert shown.source(blocks, "x") is blocks


@pytest.mark.parametrize("mode", ["plain", "bar"])
async def test_lines_say_size_percent_rate_and_time_left(mode: Mode) -> None:
    """What logs get, also where a bar was asked for and cannot be drawn."""
    stderr = Stream()
    with open_progress(mode, stderr, color=True) as shown:
        source = shown.source(Blocks(2), "photos/cat.jpg")
        await stored(source, MIB)
        assert stderr.shows("50 %")
    lines = stderr.getvalue().splitlines()
    assert LINE.fullmatch(lines[-1])
    assert "\x1b" not in stderr.getvalue()


async def test_lines_for_a_pipe_say_bytes_and_rate() -> None:
    """An unknown size has no percentage and no end."""
    stderr = Stream()
    with open_progress("plain", stderr, color=True) as shown:
        source = shown.source(Blocks(2, size_known=False), "x")
        await stored(source, MIB)
        assert stderr.shows("1 MiB")
    assert re.fullmatch(r"x  1 MiB  [\d.]+ [KMGT]?i?B/s", stderr.getvalue().splitlines()[-1])


async def test_lines_count_what_a_sink_got() -> None:
    """Fetching is shown as storing is."""
    stderr = Stream()
    with open_progress("plain", stderr, color=True) as shown:
        shown.sink(Kept(), "photos/cat.jpg", 2 * MIB).write(memoryview(bytes(MIB)))
        assert stderr.shows("50 %")
    assert LINE.fullmatch(stderr.getvalue().splitlines()[-1])


async def test_labels_are_escaped() -> None:
    """A key is user data: one harmless line, no markup."""
    stderr = Stream()
    with open_progress("plain", stderr, color=True) as shown:
        shown.source(Blocks(2), "a\n\x1b[2J[bold]")
        assert stderr.shows("0 %")
    assert stderr.getvalue().startswith(r"a\n\x1b[2J[bold]  0 B of 2 MiB  0 %  0 B/s")


async def test_only_transfers_under_way_are_shown() -> None:
    """An ended one makes room for the next; the last stays until the end."""
    with open_progress("plain", Stream(), color=False) as shown:
        first, empty = shown.source(Blocks(1), "first"), shown.source(Blocks(0), "empty")
        sink = shown.sink(Kept(), "sink", 1)
        sink.write(memoryview(b"x"))
        assert [meter.label for meter in shown.meters()] == ["first", "empty", "sink"]
        await stored(first, 2 * MIB)
        await stored(first, 1)
        await stored(empty, 1)
        shown.source(Blocks(1), "next")
        assert [meter.label for meter in shown.meters()] == ["next"]


@pytest.mark.parametrize("color", [True, False])
async def test_bar_is_gone_when_the_transfer_is_done(color: bool) -> None:
    """The report stands alone, and the cursor was never hidden."""
    stderr = Stream(terminal=True)
    with open_progress("auto", stderr, color=color) as shown:
        source = shown.source(Blocks(2), "[bold]x[/x]")
        await stored(source, MIB)
        assert stderr.shows("50 %")
        assert "━" in stderr.getvalue()
        assert any("[bold]x[/x]  " in line for line in screen(stderr.getvalue()))
    stderr.write("stored photos/cat.jpg\n")
    assert screen(stderr.getvalue()) == ["stored photos/cat.jpg"]
    assert "\x1b[?25" not in stderr.getvalue()
    assert color or not re.search(r"\x1b\[[\d;]+m", stderr.getvalue())


async def test_bar_is_gone_when_the_transfer_is_interrupted() -> None:
    """Ctrl-C leaves a clean line."""
    stderr = Stream(terminal=True)
    with suppress(KeyboardInterrupt), open_progress("bar", stderr, color=True) as shown:
        await stored(shown.source(Blocks(2), "x"), MIB)
        assert stderr.shows("50 %")
        raise KeyboardInterrupt
    assert screen(stderr.getvalue()) == []


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
@pytest.mark.parametrize("label", ["a", "n" * 300, "日本語" * 50])
async def test_bar_never_takes_more_than_its_line(
    columns: int, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar that wrapped could not be taken back; room for the echo of Ctrl-C is left."""
    monkeypatch.setenv("COLUMNS", str(columns))
    stderr = Stream(terminal=True)
    with open_progress("bar", stderr, color=True) as shown:
        await stored(shown.source(Blocks(2), label), MIB)
        assert stderr.shows("\x1b[2K")
    drawn = re.sub(r"\x1b\[[\d;]*m", "", stderr.getvalue())
    lines = [line for line in re.split(r"\r|\n|\x1b\[\w+", drawn) if line.strip()]
    assert lines
    assert max(cell_len(line) for line in lines) <= columns - 4


async def test_notes_appear_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said meanwhile is not mixed with the bar and stays when the bar is gone."""
    stderr = Stream(terminal=True)
    monkeypatch.setattr(sys, "stderr", stderr)
    with open_progress("bar", stderr, color=True) as shown:
        await stored(shown.source(Blocks(2), "x"), MIB)
        assert stderr.shows("50 %")
        sys.stderr.write("natsobj: old chunks are [not] removed yet\n")
    assert screen(stderr.getvalue()) == ["natsobj: old chunks are [not] removed yet"]
    assert sys.stderr is stderr


async def test_bar_leaves_stdout_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results never go where the bar is."""
    stderr, stdout = Stream(terminal=True), Stream()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(sys, "stdout", stdout)
    with open_progress("bar", stderr, color=True) as shown:
        await stored(shown.source(Blocks(2), "x"), MIB)
        assert stderr.shows("50 %")
        sys.stdout.write("result\n")
    assert stdout.getvalue() == "result\n"
    assert "result" not in stderr.getvalue()


@pytest.mark.parametrize(("mode", "terminal"), [("plain", False), ("bar", True)])
async def test_a_broken_stderr_never_ends_a_transfer(mode: Mode, terminal: bool) -> None:
    """Progress is a courtesy: the transfer goes on without it."""
    stderr = BrokenStream(terminal=terminal)
    with open_progress(mode, stderr, color=True) as shown:
        source = shown.source(Blocks(2), "x")
        await stored(source, MIB)
        assert stderr.written.wait(10)
        assert len(await stored(source, MIB)) == MIB


async def test_a_short_transfer_shows_nothing() -> None:
    """What is done before anybody could read it leaves no trace."""
    stderr = Stream(terminal=True)
    with progress.open_progress("auto", stderr, color=True, timing=Timing(bar_delay=60)) as shown:
        await stored(shown.source(Blocks(1), "x"), MIB)
    assert stderr.getvalue() == ""


def test_rate_is_the_mean_of_the_last_seconds() -> None:
    """A transfer that stalls is seen to stall, and one that was slow long ago is not slow now."""
    meter, rate = Meter("x", 1000 * MIB, start=0), 0.0
    for second in range(1, 101):
        meter.done += MIB if second <= 50 else 9 * MIB
        rate = meter.sample(second)
    assert rate == 9 * MIB
    assert meter.facts(100) == ["500 MiB of 1000 MiB", "50 %", "9 MiB/s", "56 s left"]
    assert [int(meter.sample(second)) for second in (105, 111)] == [0, 0]
    assert meter.facts(112) == ["500 MiB of 1000 MiB", "50 %", "0 B/s"]


def test_rate_is_never_negative_after_a_restart() -> None:
    """What starts over counts from zero."""
    meter = Meter("x", 10, start=0)
    meter.done = 8
    meter.sample(1)
    meter.restart()
    assert meter.facts(2) == ["0 B of 10 B", "0 %", "0 B/s"]


@pytest.mark.parametrize(("size", "done"), [(0, 0), (5, 5), (5, 9)])
def test_percentage_ends_at_one_hundred(size: int, done: int) -> None:
    """An empty object is complete, and one that grew is not more than complete."""
    meter = Meter("x", size, start=0)
    meter.done = done
    assert meter.facts(1)[1] == "100 %"


# Many as one


async def test_many_transfers_are_counted_as_one() -> None:
    """Bytes and files; both totals are known when all have been found, and what starts over counts once."""
    whole = Whole("photos/", 0, shown=True)
    items = whole.files(iter([Item(2 * MIB), Item(MIB), Item(0)]))
    first, second = whole.source(Blocks(2)), whole.sink(Kept())
    assert next(items).size == 2 * MIB
    await stored(first, MIB)
    await stored(first, MIB)
    whole.settle()
    second.write(memoryview(bytes(MIB)))
    assert whole.facts(1) == ["3 MiB", "1 file", "3 MiB/s"]
    assert len(list(items)) == 2
    assert whole.facts(1) == ["3 MiB of 3 MiB", "1 of 3 files", "100 %", "3 MiB/s", "0 s left"]
    second.restart()
    assert whole.facts(2)[:3] == ["2 MiB of 3 MiB", "1 of 3 files", "66 %"]


async def test_objects_are_counted_as_they_are_listed() -> None:
    """What comes is what was given, and the list is closed with the count."""
    closed = False

    async def listed() -> AsyncGenerator[Item, None]:
        nonlocal closed
        try:
            for size in (1, 2, 3):
                yield Item(size)
        finally:
            closed = True

    whole = Whole("photos/", 0, shown=False)
    assert [item.size async for item in whole.objects(listed())] == [1, 2, 3]
    assert whole.facts(1)[:2] == ["0 B of 6 B", "0 of 3 files"]
    async with aclosing(whole.objects(listed())) as items:
        await anext(items)
        closed = False
    assert closed


def test_what_needs_no_transfer_is_not_waited_for() -> None:
    """It is dealt with, and its bytes are taken out of the total."""
    whole = Whole("photos/", 0, shown=True)
    items = whole.files(iter([Item(10), Item(20), Item(30)]))
    next(items)
    whole.settle(saved=10)
    assert len(list(items)) == 2
    whole.settle(saved=20)
    assert whole.facts(1)[:3] == ["0 B of 30 B", "2 of 3 files", "0 %"]


def test_nothing_is_wrapped_for_many_where_nothing_is_shown() -> None:
    """As for a single one."""
    blocks, kept = Blocks(1), Kept()
    with open_progress("none", Stream(), color=True) as shown:
        whole = shown.whole("photos/")
        assert whole.source(blocks) is blocks
        assert whole.sink(kept) is kept


async def test_many_transfers_are_one_line() -> None:
    """However many there are at once."""
    stderr = Stream()
    with open_progress("plain", stderr, color=False) as shown:
        whole = shown.whole("photos/2026/")
        list(whole.files(iter([Item(MIB), Item(3 * MIB)])))
        await stored(whole.source(Blocks(1)), MIB)
        await stored(whole.source(Blocks(3)), MIB)
        whole.settle()
        assert stderr.shows("50 %")
    line = stderr.getvalue().splitlines()[-1]
    assert line.startswith("photos/2026/  2 MiB of 4 MiB  1 of 2 files  50 %  ")


async def test_a_put_counts_what_is_acknowledged(monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    """What is read may wait for the line: nothing is done before the server says so, and then all of it."""
    with open_progress("plain", Stream(), color=False) as shown:
        source = shown.source(Blocks(3), "x")
        assert len(await source.read(MIB)) == MIB
        assert shown.meters()[0].done == 0
        source.restart()
        await bucket.put("x", source)
        assert shown.meters()[0].done == 3 * 128 * 1024  # three chunks


def test_columns_do_not_jump() -> None:
    """From the first byte to the last each fact stands where it stood."""
    meter = Meter("x", 1500 * MIB, 0.0)
    whole = Whole("x", 0.0, shown=True)
    whole.expect(1200, 1500 * MIB)
    for each in (meter, whole):
        widths = set()
        for second, done in enumerate((0, 1, 1023, 5 * MIB, 999 * MIB, 1023 * MIB, 1500 * MIB), start=1):
            each.done = done
            widths.add(tuple(len(column) for column in each.columns(second)))
            whole.settle()
        assert len(widths) == 1


@pytest.mark.parametrize(("columns", "has_bar"), [(59, False), (60, True), (80, True), (200, True)])
async def test_there_is_a_bar_from_60_columns_on_and_a_name_keeps_its_end(
    columns: int, has_bar: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a path is the file; and nothing is red that is well."""
    monkeypatch.setenv("COLUMNS", str(columns))
    stderr = Stream(terminal=True)
    with open_progress("bar", stderr, color=True) as shown:
        await stored(shown.source(Blocks(2), f"photos/{'x' * 300}/cat.jpg"), MIB)
        assert stderr.shows("50 %")
    drawn = stderr.getvalue()
    assert "cat.jpg" in drawn
    assert "\u2026" in drawn
    assert ("\u2501" in drawn) is has_bar
    assert not re.search(r"\x1b\[[\d;]*\b(31|91|38;5;197)m", drawn)


def test_a_long_text_keeps_its_end() -> None:
    """In cells of the terminal, of which some characters take two."""
    assert keep_end("photos/cat.jpg", 14) == "photos/cat.jpg"
    assert keep_end("photos/cat.jpg", 8) == "\u2026cat.jpg"
    assert keep_end("\u65e5\u672c\u8a9e", 4) == "\u2026\u8a9e"
    assert keep_end("photos", 0) == ""
