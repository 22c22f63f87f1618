"""`natsobj seal`: make a bucket read-only for good."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options
from natsobj.cli.exits import UsageError
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("Seal a bucket: its name must be typed", "natsobj seal releases-2026"),
    ("Seal it in a script", "natsobj seal releases-2026 --force"),
)

app = grammar.new_app()


@app.command("seal", cls=grammar.Command)
@bridge
async def seal(
    session: Session,
    bucket: options.Bucket,
    *,
    force: Annotated[bool, typer.Option("--force", "-f", help="Do not ask.")] = False,
) -> int:
    """Make a bucket read-only, permanently."""
    from natsobj.cli.output.buckets import changed_bucket_line
    from natsobj.cli.output.plans import bucket_question

    if not force and not session.stdin_is_terminal:
        raise UsageError(f"without a terminal, sealing a bucket needs --force: {bucket}")
    asked = False
    session.account(lambda _: f"bucket {bucket} {'may be sealed or not' if asked else 'is as it was'}")
    async with session.store() as store:
        home = store.bucket(bucket)
        info = await home.status()
        if not info.sealed:
            if not force:
                question = bucket_question("seal", bucket, info, "It can never be written again. ")
                if await session.ask(question) != bucket:
                    return session.give_up(f"not sealed: that is not the bucket's name: {bucket}")
            asked = True
            await home.seal()
            info = await home.status()
        session.done(replace(info, cluster=None), changed_bucket_line("sealed", info))
    return exits.DONE
