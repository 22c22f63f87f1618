"""Lists of objects and buckets as people see them on a terminal.

Print them with `soft_wrap=True`: nothing is cut or broken then, and where the terminal is too narrow it is
the terminal that wraps. What users named is escaped (`printable`) and never read as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from natsobj.cli.formats import format_size, format_time, printable
from natsobj.models import BucketInfo, ObjectInfo

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

__all__ = ["Table", "bucket_table", "object_table"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, and what happens to a cell that is wider than the column."""

    heading: str
    right: bool = False
    least: int = 0
    """Cells to have even when the first rows need fewer, or when the terminal has no room for more."""
    wide: Literal["overflow", "own line", "wrap"] = "overflow"
    """Columns other than `overflow` yield where the terminal is too narrow."""


BUCKET_COLUMNS = (
    Column("Bucket", wide="own line"),
    Column("Description", wide="wrap"),
    Column("Created"),
    Column("Size", right=True, least=len("1023 MiB")),
    Column("Last Update", least=len("2026-11-20 14:54:02")),
)
OBJECT_COLUMNS = (
    Column("Name", least=16, wide="own line"),
    Column("Size", right=True, least=len("1023 MiB")),
    Column("Chunks", right=True, least=len("819,200")),
    Column("Digest", least=12),
    Column("Modified"),
)


SPARE = 24
"""Cells that names may have beyond the least where the terminal is too narrow for the table at all."""


class Table(Generic[T]):
    """A framed table in the manner of Rich, whose rows can be drawn as they come.

    Print it whole, as any renderable, or in parts: `start`, `more` as often as there are rows, `end`. The
    columns are as wide as the first rows need and the terminal allows. A name that is wider gets a line of
    its own above the rest of its row: nothing is ever cut, and names are never broken.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[T], Sequence[str]],
        first: Iterable[T],
        *,
        more_follow: bool = False,
    ) -> None:
        self._columns = columns
        self._cells = cells
        self._first = [cells(item) for item in first]
        self._more_follow = more_follow

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        yield self.start(options)
        yield self.end()

    def start(self, options: ConsoleOptions) -> Text:
        """Draw the upper frame, the headings and the first rows, to fit `Console.options`."""
        from rich import box
        from rich.text import Text

        self._box = box.ROUNDED.substitute(options)
        self._widths = self._measure(options.max_width)
        frame = self._frame()
        words = [column.heading for column in self._columns]
        headings = Text(self._line(words))
        headings.highlight_words(words, style="bold")
        lines = [self._box.get_row(frame, "head"), *map(self._row, self._first)]
        return Text("\n", no_wrap=True, overflow="ignore").join(
            [Text(self._box.get_top(frame)), headings, Text("\n".join(lines))]
        )

    def more(self, items: Iterable[T]) -> Text:
        """Draw further rows, at least one, of a table that was told that `more_follow`."""
        from rich.text import Text

        assert self._more_follow
        rows = "\n".join(self._row(self._cells(item)) for item in items)
        return Text(rows, no_wrap=True, overflow="ignore")

    def end(self) -> Text:
        """Draw the lower frame."""
        from rich.text import Text

        return Text(self._box.get_bottom(self._frame()), no_wrap=True, overflow="ignore")

    def _measure(self, room: int) -> list[int]:
        """Give each column what its cells need; where the room is short, the last ones that can yield do.

        Texts of which there are none yield wholly: a width of 0 is a column that is not shown.
        """
        from rich.cells import cell_len

        widths, least = [], []
        for column, *cells in zip(self._columns, *self._first, strict=True):
            needed, floor = max(map(cell_len, cells), default=0), max(column.least, len(column.heading))
            width = max(needed, floor if self._more_follow else len(column.heading))
            empty = needed == 0 and column.wide == "wrap" and not self._more_follow
            widths.append(width)
            least.append(width if column.wide == "overflow" else 0 if empty else min(width, floor))
        if _total(least) > room:  # then every row takes two lines anyway
            room = _total(least) + SPARE
        for index in reversed(range(len(widths))):
            excess = max(_total(widths) - room, 0)
            if excess:
                widths[index] = max(widths[index] - excess, least[index]) if least[index] else 0
        return widths

    def _row(self, cells: Sequence[str]) -> str:
        """Draw one row: a single line but for names and texts that are too wide for their columns."""
        from rich.cells import cell_len

        lines, stacks = [], []
        for cell, column, width in zip(cells, self._columns, self._widths, strict=True):
            stack = [cell]
            if column.wide != "overflow" and cell_len(cell) > width:
                if column.wide == "own line":
                    lines.append(self._own_line(cell))
                    stack = []
                else:
                    stack = _wrap(cell, width)
            stacks.append(stack)
        lines += (self._line(parts) for parts in zip_longest(*stacks, fillvalue=""))
        return "\n".join(lines)

    def _line(self, cells: Sequence[str]) -> str:
        padded = []
        for cell, column, width in zip(cells, self._columns, self._widths, strict=True):
            if width:
                padded.append(_pad(cell, width, right=column.right))
        return f"{self._box.mid_left} {f' {self._box.mid_vertical} '.join(padded)} {self._box.mid_right}"

    def _own_line(self, cell: str) -> str:
        return f"{self._box.mid_left} {_pad(cell, _total(self._widths) - 4)} {self._box.mid_right}"

    def _frame(self) -> list[int]:
        return [width + 2 for width in self._widths if width]


def _total(widths: Sequence[int]) -> int:
    """Count the cells of a whole line, frame included; a column of no width is not shown."""
    return sum(width + 3 for width in widths if width) + 1


def _wrap(text: str, width: int) -> list[str]:
    """Break a text between words, and inside those that are wider than `width` cells."""
    from rich.cells import cell_len, chop_cells

    lines = [""]
    for word in text.split():
        for part in chop_cells(word, width):
            if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(part) > width:
                lines.append(part)
            else:
                lines[-1] = f"{lines[-1]} {part}".lstrip()
    return lines


def _pad(cell: str, width: int, *, right: bool = False) -> str:
    from rich.cells import cell_len

    space = " " * (width - cell_len(cell))
    return space + cell if right else cell + space


def object_table(
    infos: Iterable[ObjectInfo], *, long: bool = False, more_follow: bool = False
) -> Table[ObjectInfo]:
    """Draw objects; `long` shows whole digests, `more_follow` leaves room for rows that come later."""
    digits = None if long else 12
    return Table(OBJECT_COLUMNS, lambda info: _object_cells(info, digits), infos, more_follow=more_follow)


def bucket_table(infos: Iterable[BucketInfo], *, more_follow: bool = False) -> Table[BucketInfo]:
    """Draw buckets; `more_follow` leaves room for rows that come later."""
    return Table(BUCKET_COLUMNS, _bucket_cells, infos, more_follow=more_follow)


def _object_cells(info: ObjectInfo, digits: int | None) -> Sequence[str]:
    name, modified = printable(info.name), format_time(info.modified)
    if info.deleted:
        return f"{name} (deleted)", format_size(0), "0", "", modified
    if info.link is not None:
        name = f"{name} -> {printable(str(info.link))}"
    return name, format_size(info.size), f"{info.chunks:,}", (info.sha256 or "")[:digits], modified


def _bucket_cells(info: BucketInfo) -> Sequence[str]:
    return (
        printable(info.bucket),
        printable(info.description or ""),
        format_time(info.created),
        format_size(info.size),
        "never" if info.last_update is None else format_time(info.last_update),
    )
