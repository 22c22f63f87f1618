"""Changes as text: fields and rows for programs, lines for people."""

from __future__ import annotations

from natsobj.cli.output.formats import escape_tsv, format_size, format_time, printable, rfc3339
from natsobj.cli.output.objects import OBJECT_FIELDS, object_json
from natsobj.models import Change

__all__ = ["CHANGE_FIELDS", "change_json", "change_line", "change_row"]

CHANGE_FIELDS = ("event", "time", *OBJECT_FIELDS)


def change_json(change: Change) -> dict[str, object]:
    """Give a change's JSON fields: what happened and when, and the object's own."""
    info = change.info
    return {"event": change.event, "time": rfc3339(info.modified), **object_json(info)}


def change_row(change: Change) -> str:
    """Write `time event size sha256 name` between tabs; what was deleted has no size and no digest."""
    info = change.info
    size, sha256 = (0, "") if info.deleted else (info.size, info.sha256 or "")
    return f"{rfc3339(info.modified)}\t{change.event}\t{size}\t{sha256}\t{escape_tsv(info.name)}"


def change_line(change: Change) -> str:
    """Write a change for people, the name last: `2026-11-20 14:54:02  put      10 MiB  photos/cat.jpg`."""
    info = change.info
    size = "" if info.deleted else "link" if info.link else format_size(info.size)
    return f"{format_time(info.modified)}  {change.event:<6}  {size:>8}  {printable(info.name)}"
