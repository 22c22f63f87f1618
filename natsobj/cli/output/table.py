"""Tables as people see them on a terminal.

A row is one line. Where the names need the room, the other columns give way, step by step; a name is never
cut or broken. Print tables with `soft_wrap=True`: where a name alone is wider than the terminal, it is the
terminal that wraps. What users named is escaped (`printable`) and never read as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from natsobj.cli.output.formats import count, format_size

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

__all__ = ["DAYS", "GAP", "MINUTES", "SIZE", "Column", "Layout", "Table", "Total"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, and what happens to a cell that is wider than the column."""

    heading: str
    right: bool = False
    least: int = 0
    """Cells to have even when the first rows need fewer, for rows that come later."""
    wide: Literal["overflow", "own line", "wrap", "cut"] = "overflow"
    """How a cell that has no room is shown; one `own line` a table: the name."""


PAGE = 500
"""Rows that are drawn at once."""

GAP = "  "
"""What is between the columns of a table that has no room for a frame."""

Step = tuple[int, int]
"""A column that gives way, by its number, and the cells that it keeps: 0 takes it away."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table, and which of them give way, in this order, where names need the room."""

    columns: tuple[Column, ...]
    steps: tuple[Step, ...] = ()


SIZE = Column("Size", right=True, least=len("1023 MiB"))
MINUTES, DAYS = len("2026-11-20 14:54"), len("2026-11-20")
"""What is left of a time that gives way."""


class Table(Generic[T]):
    """A framed table in the manner of Rich, whose rows can be drawn as they come.

    Print it whole, as any renderable, or in parts: `start`, `more` as often as there are rows, `end`. The
    columns are as wide as the first rows need and the terminal allows. A name that is wider than the whole
    terminal, or that comes later and is wider than its column, gets a line of its own above its row.
    """

    def __init__(
        self,
        layout: Layout,
        cells: Callable[[T], Sequence[str]],
        first: Iterable[T],
        *,
        more_follow: bool = False,
        style: Callable[[T], str] = lambda _: "",
    ) -> None:
        self._layout = layout
        self._columns = layout.columns
        self._cells = cells
        self._style = style
        self._first = [(cells(item), style(item)) for item in first]
        self._more_follow = more_follow

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        yield self.start(options)
        yield from self.rest()
        if self.framed:
            yield self.end()

    def start(self, options: ConsoleOptions) -> Text:
        """Draw the upper frame, the headings and the first rows, to fit `Console.options`."""
        from rich import box
        from rich.text import Text

        self._box = box.ROUNDED.substitute(options)
        self._measure(options.max_width)
        words = [column.heading for column in self._columns]
        headings = Text(self._line(words))
        headings.highlight_words(words, style="bold")
        lines = [headings, *self._rows(self._first[:PAGE])]
        if self.framed:
            frame = self._frame()
            lines[:1] = [Text(self._box.get_top(frame)), headings, Text(self._box.get_row(frame, "head"))]
        return Text("\n", no_wrap=True, overflow="ignore").join(lines)

    def rest(self) -> Iterator[Text]:
        """Draw those of the first rows that `start` did not, page by page: long texts need much memory."""
        from rich.text import Text

        for begin in range(PAGE, len(self._first), PAGE):
            page = self._rows(self._first[begin : begin + PAGE])
            yield Text("\n", no_wrap=True, overflow="ignore").join(page)

    def more(self, items: Iterable[T]) -> Text:
        """Draw further rows, at least one, of a table that was told that `more_follow`."""
        from rich.text import Text

        assert self._more_follow
        rows = ((self._cells(item), self._style(item)) for item in items)
        return Text("\n", no_wrap=True, overflow="ignore").join(self._rows(rows))

    def end(self) -> Text:
        """Draw the lower frame; a table without a frame has a blank line there."""
        from rich.text import Text

        bottom = self._box.get_bottom(self._frame()) if self.framed else ""
        return Text(bottom, no_wrap=True, overflow="ignore")

    def _rows(self, rows: Iterable[tuple[Sequence[str], str]]) -> list[Text]:
        """Draw rows, those without a style together: a text for each would take long for 20,000."""
        from rich.text import Text

        drawn: list[Text] = []
        plain: list[str] = []
        for cells, style in rows:
            row = self._row(cells)
            if not style:
                plain.append(row)
                continue
            if plain:
                drawn.append(Text("\n".join(plain)))
                plain = []
            drawn.append(self._styled(row, style))
        return [*drawn, Text("\n".join(plain))] if plain else drawn

    def _styled(self, row: str, style: str) -> Text:
        """Colour a row but for its frame."""
        from rich.text import Text

        text = Text()
        bar = self._box.mid_vertical if self.framed else "\n"
        for number, part in enumerate(row.split(bar)):
            text.append(bar if number else "")
            text.append(part, style=style)
        return text

    # How wide the columns are

    def _measure(self, room: int) -> None:
        """Take the first step of the layout at which all names that can have room have it.

        A column of texts of which there are none is the first to go, and the frame is the last.
        """
        from rich.cells import cell_len

        needed = [self._need(number) for number in range(len(self._columns))]
        own = next(number for number, column in enumerate(self._columns) if column.wide == "own line")
        stages = _stages(needed, [*self._without_texts(), *self._layout.steps])
        barest, framed = stages[-1]
        most = room - _total([*barest[:own], 1, *barest[own + 1 :]], framed=framed) + 1
        names = (cell_len(cells[own]) for cells, _ in self._first)
        name = max([cell_len(self._columns[own].heading), *(width for width in names if width <= most)])
        if self._more_follow:
            name = max(name, min(self._columns[own].least, most))
        for widths, framed in stages:
            widths[own] = name
            if _total(widths, framed=framed) <= room:
                break
        for number, need in enumerate(needed):  # what a column gave that nobody needed in the end
            if 0 < widths[number] < need and number != own:
                spare = max(room - _total(widths, framed=framed), 0)
                widths[number] = self._regrown(number, widths[number] + spare, need)
        self._widths, self.framed = widths, framed
        self._short = [width < need for width, need in zip(widths, needed, strict=True)]

    def _regrown(self, number: int, most: int, need: int) -> int:
        """Give a shortened column the widest of its forms that fits; texts have one for each width."""
        if need <= most or self._columns[number].wide in {"cut", "wrap"}:
            return min(need, most)
        return max(width for column, width in self._layout.steps if column == number and width <= most)

    def _need(self, number: int) -> int:
        from rich.cells import cell_len

        column = self._columns[number]
        widths = [cell_len(cells[number]) for cells, _ in self._first]
        return max([len(column.heading), column.least if self._more_follow else 0, *widths])

    def _without_texts(self) -> Iterator[Step]:
        for number, column in enumerate(self._columns):
            texts = column.wide in {"cut", "wrap"} and not self._more_follow
            if texts and not any(cells[number] for cells, _ in self._first):
                yield number, 0

    # Lines

    def _row(self, cells: Sequence[str]) -> str:
        """Draw one row: a single line but for names and texts that are too wide for their columns."""
        from rich.cells import cell_len

        lines: list[str] = []
        stacks: list[list[str]] = []
        for number, (cell, column) in enumerate(zip(cells, self._columns, strict=True)):
            width, stack = self._widths[number], [cell]
            if width and cell_len(cell) > width:
                if column.wide == "own line":
                    lines.append(self._own_line(cell))
                    stack = []
                elif column.wide == "wrap":
                    stack = _wrap(cell, width)
                elif column.wide == "cut":
                    stack = [_cut(cell, width)]
                elif self._short[number]:
                    stack = [cell[:width]]
            stacks.append(stack)
        alone = sum(1 for width in self._widths if width) == 1
        if not (lines and alone):
            lines += (self._line(parts) for parts in zip_longest(*stacks, fillvalue=""))
        return "\n".join(lines)

    def _line(self, cells: Sequence[str]) -> str:
        padded = []
        for cell, column, width in zip(cells, self._columns, self._widths, strict=True):
            if width:
                padded.append(_pad(cell, width, right=column.right))
        if not self.framed:
            return GAP.join(padded).rstrip()
        return f"{self._box.mid_left} {f' {self._box.mid_vertical} '.join(padded)} {self._box.mid_right}"

    def _own_line(self, cell: str) -> str:
        if not self.framed:
            return cell
        return f"{self._box.mid_left} {_pad(cell, _total(self._widths) - 4)} {self._box.mid_right}"

    def _frame(self) -> list[int]:
        return [width + 2 for width in self._widths if width]


def _stages(needed: Sequence[int], steps: Iterable[Step]) -> list[tuple[list[int], bool]]:
    """Give the widths after each step, framed, and those after all of them without a frame."""
    stages = [list(needed)]
    for number, width in steps:
        widths = list(stages[-1])
        widths[number] = min(widths[number], width)
        stages.append(widths)
    return [*((widths, True) for widths in stages), (list(stages[-1]), False)]


def _total(widths: Sequence[int], *, framed: bool = True) -> int:
    """Count the cells of a whole line, frame included; a column of no width is not shown."""
    shown = [width for width in widths if width]
    between = 3 * len(shown) + 1 if framed else len(GAP) * (len(shown) - 1)
    return sum(shown) + between


def _cut(text: str, width: int) -> str:
    from rich.cells import set_cell_size

    return f"{set_cell_size(text, width - 1).rstrip()}…"


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


@dataclass(slots=True)
class Total(Generic[T]):
    """What a list has, counted for the line below its table."""

    noun: str
    size: Callable[[T], int]
    is_deleted: Callable[[T], bool] = lambda _: False
    number: int = 0
    deleted: int = 0
    bytes: int = 0

    def add(self, item: T) -> None:
        """Count one."""
        gone = self.is_deleted(item)
        self.deleted += gone
        self.number += not gone
        self.bytes += self.size(item)

    def line(self) -> str:
        """Say it: `40 objects  1.2 GiB  2 deleted`."""
        facts = [count(self.number, self.noun), format_size(self.bytes)]
        return GAP.join([*facts, *([f"{self.deleted:,} deleted"] if self.deleted else [])])
