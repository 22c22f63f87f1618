"""How one kind of thing is shown: the functions that make JSON, rows, details and tables of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

    from natsobj.cli.output.table import Table, Total

__all__ = ["ListRendering", "Rendering"]


@dataclass(frozen=True, slots=True)
class Rendering:
    """How one thing is shown by itself."""

    fields: Callable[[Any], dict[str, object]]
    """Its JSON fields."""
    detail: Callable[[Any], Text]
    """What people see of it."""


@dataclass(frozen=True, slots=True)
class ListRendering:
    """How many things of a kind are shown."""

    plural: str
    """What they are called."""
    fields: Callable[[Any], dict[str, object]]
    """The JSON fields of one."""
    row: Callable[[Any], str]
    """One between tabs, for programs."""
    table: Callable[..., Table[Any]]
    """What people see of them."""
    name: Callable[[Any], str]
    """What one is called."""
    json_line: Callable[[Any], str] | None = field(default=None, kw_only=True)
    """The line of JSON that the fields of one make, where there is a quicker way to it."""
    total: Callable[[], Total[Any] | None] = field(default=lambda: None, kw_only=True)
    """What counts them, for the line below the table."""
    lean: Callable[[Any], Any] = field(default=lambda model: model, kw_only=True)
    """Makes one that has what a table needs and no more."""
    first: int = field(default=500, kw_only=True)
    """Rows that decide how wide the columns of a table are."""
