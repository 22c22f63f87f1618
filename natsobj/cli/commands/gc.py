"""`natsobj gc`: remove chunks that no object refers to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

if TYPE_CHECKING:
    from natsobj.cli.output.checks import Swept
    from natsobj.models import Orphan, Tombstone

EXAMPLES = (
    ("Show what would be removed", "natsobj gc photos --dry-run"),
    ("Remove what crashed uploads left behind", "natsobj gc photos"),
    ("Also forget what was deleted a month ago", "natsobj gc photos --tombstones --older-than 30d"),
)

app = grammar.new_app()


@app.command("gc", cls=grammar.Command)
@bridge
async def gc(
    session: Session,
    bucket: options.Bucket,
    *,
    older_than: options.OlderThan = None,
    tombstones: Annotated[
        bool, typer.Option("--tombstones", help="Also remove the records of deleted objects.")
    ] = False,
    unreadable: Annotated[
        bool, typer.Option("--unreadable", help="Also remove records that cannot be read.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only show what would be removed.")
    ] = False,
) -> int:
    """Remove chunks that no object refers to."""
    from natsobj.checks.orphans import remove_orphans
    from natsobj.cli.output.checks import FOUND, Swept

    age, swept = timedelta(hours=24) if older_than is None else older_than, Swept(dry_run=dry_run)
    session.account(lambda _: swept.account(bucket))
    async with session.store() as store:
        found = remove_orphans(
            store.bucket(bucket),
            older_than=age,
            tombstones=tombstones,
            unreadable=unreadable,
            dry_run=dry_run,
        )
        await session.show_all(_old(found, swept), FOUND)
    session.report(swept.line(bucket, age, session.elapsed))
    return exits.TEMPORARY if swept.left else exits.DONE


async def _old(
    found: AsyncGenerator[Orphan | Tombstone, None], swept: Swept
) -> AsyncGenerator[Orphan | Tombstone, None]:
    """Count everything, and leave out what is too young to be anybody's business."""
    from natsobj.models import Orphan

    async with aclosing(found):
        async for each in found:
            swept.add(each)
            if not (isinstance(each, Orphan) and each.young):
                yield each
