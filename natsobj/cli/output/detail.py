"""One thing as people see it on a terminal: a title, then aligned field names and values.

Print it with `soft_wrap=True`, so that nothing is cut. What users named is escaped (`printable`) and never
read as markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from natsobj.cli.output.formats import printable

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Marked", "Value", "detail", "limited", "pairs", "yes"]

NEARLY_FULL, FULL = 90, 98
"""Percent of a limit from which on its line has a colour."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A value that people should look at; what it means is said by its text, too."""

    text: str
    style: str = ""


Value = str | Marked


def detail(title: str, *fields: tuple[str, Value | Sequence[Value] | None]) -> Text:
    """Put field names, aligned, before their values: several lines for a list, no line for what is absent."""
    from rich.text import Text

    present = [(name, [value] if isinstance(value, Value) else value) for name, value in fields if value]
    indent = max(len(name) for name, _ in present) + 2
    view = Text(no_wrap=True, overflow="ignore")
    view.append(printable(title) + "\n", style="bold")
    for name, values in present:
        for number, value in enumerate(values):
            label = name if number == 0 else ""
            marked = value if isinstance(value, Marked) else Marked(value)
            view.append(f"\n{label:>{indent}}  ")
            view.append(printable(marked.text), style=marked.style or None)
    return view


def pairs(metadata: Mapping[str, str]) -> list[str]:
    """Write metadata, a line for each."""
    return [f"{name}={value}" for name, value in metadata.items()]


def yes(flag: bool) -> str:
    """Write a flag: `yes` or `no`."""
    return "yes" if flag else "no"


def limited(text: str, used: int | None, limit: int | None) -> Marked:
    """Say behind a limit how much of it is used: rounded down, for 100 % is full; nothing without a limit."""
    if used is None or not limit:
        return Marked(text)
    percent = 100 * used // limit
    style = "red" if percent >= FULL else "yellow" if percent >= NEARLY_FULL else ""
    used_up = f"{percent} % used" if percent or not used else "less than 1 % used"
    return Marked(f"{text}, {used_up}", style)
