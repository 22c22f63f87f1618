"""`natsobj watch`: print changes as they happen."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli.arguments import grammar, options, values
from natsobj.cli.output import console
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

if TYPE_CHECKING:
    from natsobj.models import Change

EXAMPLES = (
    ("Print changes below 2026/", "natsobj watch photos 2026/"),
    (
        "Pass on the names alone",
        "natsobj watch inbox --json | jq --unbuffered -r .name",
    ),
    ("Print what is there first, then changes", "natsobj watch photos --history"),
)

app = grammar.new_app()


@app.command("watch", cls=grammar.Command)
@bridge
async def watch(
    session: Session,
    bucket: options.Bucket,
    prefix: options.Prefix = None,
    *,
    history: Annotated[bool, typer.Option("--history", help="Print what is already there first.")] = False,
    until_current: Annotated[
        bool, typer.Option("--until-current", help="With --history, exit after what is already there.")
    ] = False,
) -> int:
    """Print changes as they happen."""
    from natsobj.cli.output.changes import change_json, change_line, change_row
    from natsobj.cli.output.formats import json_line

    values.needs("--history", history, {"--until-current": until_current or None})
    line = change_line if session.stdout_is_terminal else change_row
    async with session.store() as store:
        changes = store.bucket(bucket).watch(prefix or "", history=history, on_unreadable=session.fail)
        await console.write_lines(
            _told(changes, until_current=until_current),
            (lambda change: json_line(change_json(change))) if session.json else line,
            promptly=True,
        )
    return session.status


async def _told(
    changes: AsyncGenerator[Change | None, None], *, until_current: bool
) -> AsyncGenerator[Change, None]:
    """Pass changes on, to the end of what is there or for as long as somebody reads them."""
    async with aclosing(console.while_read(changes)) as read:
        async for change in read:
            if change is not None:
                yield change
            elif until_current:
                return
