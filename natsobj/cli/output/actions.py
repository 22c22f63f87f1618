"""What a sync does, as text: fields and rows for programs, lines for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from natsobj.cli.output.formats import escape_tsv, format_size, printable

__all__ = ["ACTION_FIELDS", "Action", "action_json", "action_line", "action_row"]

ACTION_FIELDS = ("action", "name", "size")


@dataclass(frozen=True, slots=True)
class Action:
    """What was done about one object or its file, or would be."""

    action: Literal["put", "get", "delete", "skip"]
    name: str
    """The object's, also where only a file is deleted."""
    size: int


def action_json(action: Action) -> dict[str, object]:
    """Give an action's JSON fields."""
    return {"action": action.action, "name": action.name, "size": action.size}


def action_row(action: Action) -> str:
    """Write `action size name` between tabs."""
    return f"{action.action}\t{action.size}\t{escape_tsv(action.name)}"


def action_line(action: Action) -> str:
    """Write an action for people, the name last: `delete    10 MiB  www/old.js`."""
    return f"{action.action:<6}  {format_size(action.size):>8}  {printable(action.name)}"
