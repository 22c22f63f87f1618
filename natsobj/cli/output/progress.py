"""How far transfers are: sources and sinks that count, and a thread that shows the counts.

The transfer itself only adds up bytes; a bar is drawn five times a second, a line is written every 10 s.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TextIO

from natsobj.cli.output.meters import CountedSink, CountedSource, Meter, Whole

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.table import Table

    from natsobj.files import Sink, Source

__all__ = ["Mode", "Progress", "Timing", "open_progress"]

Mode = Literal["auto", "bar", "plain", "none"]

BAR_WIDTH = 40
LEAST_BAR_WIDTH = 8
WIDTH_WITH_BAR = 60
"""Columns of a terminal from which on there is a bar."""
LEAST_LABEL_WIDTH = 8
GOOD_LABEL_WIDTH = 16
"""Cells that a name may have rather than the bytes."""
ECHO_WIDTH = 4
"""Cells left free for the `^C` that a terminal echoes: on the next line it would misplace the bar."""


class Timing(NamedTuple):
    """Seconds between what is shown."""

    bar_delay: float = 0.5
    """Until a bar appears: what is done sooner needs none, and does not pay for importing Rich."""
    bar_interval: float = 0.2
    plain_interval: float = 10.0


_TIMING = Timing()


@contextmanager
def open_progress(mode: Mode, stderr: TextIO, *, color: bool, timing: Timing = _TIMING) -> Iterator[Progress]:
    """Show the transfers of the block on `stderr`; a bar is gone without trace when the block ends.

    `auto` is a bar on a terminal and nothing elsewhere; a `bar` that is asked for where no bar can be drawn
    is `plain`. Trouble with `stderr` ends the showing, never the transfer. The cursor is never hidden, so
    nothing needs to be restored however the program ends.
    """
    view = _choose(mode, stderr, color, timing)
    progress = Progress(shown=view is not None)
    if view is None:
        yield progress
        return
    done = Event()
    thread = Thread(target=_show, args=(view, progress, done), name="progress", daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        done.set()
        thread.join()


class Progress:
    """Gives out sources and sinks that count; without a view it gives back what it gets."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._meters: tuple[Meter, ...] = ()

    def source(self, source: Source, label: str) -> Source:
        """Count what is read."""
        return CountedSource(source, self._add(label, source.size)) if self._shown else source

    def sink(self, sink: Sink, label: str, size: int | None) -> Sink:
        """Count what is written."""
        return CountedSink(sink, self._add(label, size)) if self._shown else sink

    def whole(self, label: str, noun: str = "file") -> Whole:
        """Count many transfers as one; what is counted besides bytes has a name."""
        whole = Whole(label, time.monotonic(), shown=self._shown, noun=noun)
        self._meters = (whole,)
        return whole

    def _add(self, label: str, size: int | None) -> Meter:
        meter = Meter(label, size, time.monotonic())
        self._meters = (*(each for each in self._meters if not each.ended), meter)
        return meter

    def meters(self) -> tuple[Meter, ...]:
        """Give the transfers under way, the last ended one until another begins."""
        return self._meters


# Showing


class _View(Protocol):
    delay: float
    interval: float

    def draw(self, meters: tuple[Meter, ...]) -> None: ...

    def close(self) -> None: ...


def _choose(mode: Mode, stderr: TextIO, color: bool, timing: Timing) -> _View | None:
    drawable = stderr.isatty() and os.environ.get("TERM", "") not in {"dumb", "unknown"}
    if mode in {"auto", "bar"} and drawable:
        return _Bar(stderr, color, timing)
    return _Plain(stderr, timing) if mode in {"bar", "plain"} else None


def _show(view: _View, progress: Progress, done: Event) -> None:
    delay = view.delay
    with suppress(OSError, ValueError):  # nobody sees it: the transfer goes on
        while not done.wait(delay):
            if meters := progress.meters():
                view.draw(meters)
                delay = view.interval
    with suppress(OSError, ValueError):
        view.close()


class _Plain:
    """One line for each transfer, for logs."""

    def __init__(self, stderr: TextIO, timing: Timing) -> None:
        self.delay = self.interval = timing.plain_interval
        self._stderr = stderr

    def draw(self, meters: tuple[Meter, ...]) -> None:
        now = time.monotonic()
        lines = ("  ".join((meter.label, *meter.facts(now))) + "\n" for meter in meters)
        self._stderr.write("".join(lines))
        self._stderr.flush()

    def close(self) -> None:
        pass


class _Bar:
    """One Rich bar for each transfer, for terminals; what others write to `sys.stderr` goes above it."""

    def __init__(self, stderr: TextIO, color: bool, timing: Timing) -> None:
        self.delay, self.interval = timing.bar_delay, timing.bar_interval
        self._stderr = stderr
        self._color = color
        self._live: Live | None = None

    def draw(self, meters: tuple[Meter, ...]) -> None:
        if self._live is None:
            self._live = _live(_console(self._stderr, self._color), self._stderr is sys.stderr)
            self._live.start()
        self._live.update(_bars(meters, self._live.console.width), refresh=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.update("")
            self._live.stop()


def _live(console: Console, redirect: bool) -> Live:
    from rich.live import Live

    return Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=redirect
    )


def _console(stderr: TextIO, color: bool) -> Console:
    from rich.console import Console

    class BarConsole(Console):
        def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002
            return False

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return BarConsole(
        file=stderr, force_terminal=True, no_color=not color, color_system="auto" if color else None
    )


def _bars(meters: tuple[Meter, ...], width: int) -> Group:
    from rich.console import Group

    now = time.monotonic()
    return Group(*(_bar(meter, meter.columns(now), width - ECHO_WIDTH) for meter in meters))


def _bar(meter: Meter, facts: list[str], width: int) -> Table:
    """Draw `label  ━━━━━  facts` on one line; where it is short, facts give way to a label and a bar.

    A long label keeps its end, which is the name of the file.
    """
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    has_bar = meter.size is not None and width + ECHO_WIDTH >= WIDTH_WITH_BAR
    least_bar = LEAST_BAR_WIDTH + 2 if has_bar else 0
    if len("  ".join(facts)) > width - GOOD_LABEL_WIDTH - 2 - least_bar and len(facts) > 2:
        facts = facts[1:]
    while len(status := "  ".join(facts)) > width - LEAST_LABEL_WIDTH - 2 - least_bar and len(facts) > 1:
        facts = facts[1:]
    fact = Text(status, no_wrap=True)
    fact.truncate(max(width - 2, 1))
    label = Text(keep_end(meter.label, max(width - fact.cell_len - 2 - least_bar, 0)), no_wrap=True)
    line = Table.grid(padding=(0, 2, 0, 0))
    if not has_bar:
        line.add_row(label, fact)
        return line
    bar = ProgressBar(
        total=meter.size or 1,
        completed=meter.done if meter.size else 1,
        width=min(width - fact.cell_len - label.cell_len - 4, BAR_WIDTH),
        style="bright_black",
        complete_style="cyan",
        finished_style="green",
    )
    line.add_row(label, bar, fact)
    return line


def keep_end(text: str, width: int) -> str:
    """Shorten a text at its beginning; nothing of it where there is no room."""
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:]
    return f"\u2026{text}" if width > 0 else ""
