"""What is drawn on a terminal by Rich: details, and tables whose rows appear as they come."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from natsobj.cli.output.table import Table, Total

__all__ = ["draw", "draw_table", "screen"]

T = TypeVar("T")

FIRST_ROWS = 500
"""Rows that decide how wide a table's columns are."""


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
