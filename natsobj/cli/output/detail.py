"""One thing as people see it on a terminal: a title, then aligned field names and values.

Print it with `soft_wrap=True`, so that nothing is cut. What users named is escaped (`printable`) and never
read as markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from natsobj.cli.output.formats import printable

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["detail", "pairs", "share", "yes"]


def detail(title: str, *fields: tuple[str, str | Sequence[str] | None]) -> Text:
    """Put field names, aligned, before their values: several lines for a list, no line for what is absent."""
    from rich.text import Text

    present = [(name, [value] if isinstance(value, str) else value) for name, value in fields if value]
    indent = max(len(name) for name, _ in present) + 2
    view = Text(no_wrap=True, overflow="ignore")
    view.append(printable(title) + "\n", style="bold")
    for name, values in present:
        for number, value in enumerate(values):
            label = name if number == 0 else ""
            view.append(f"\n{label:>{indent}}  {printable(value)}")
    return view


def pairs(metadata: Mapping[str, str]) -> list[str]:
    """Write metadata, a line for each."""
    return [f"{name}={value}" for name, value in metadata.items()]


def yes(flag: bool) -> str:
    """Write a flag: `yes` or `no`."""
    return "yes" if flag else "no"


def share(used: int | None, limit: int | None) -> str:
    """Say how much of a limit is used; rounded down, for 100 % is full, and not at all without a limit."""
    if used is None or not limit:
        return ""
    percent = 100 * used // limit
    return f", {percent} % used" if percent or not used else ", less than 1 % used"
