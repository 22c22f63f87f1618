"""`natsobj cp`: copy objects, within a bucket or into another one."""

from __future__ import annotations

from natsobj.cli.arguments import grammar, options
from natsobj.cli.session import moves
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("Copy an object", "natsobj cp builds build-42.tar release.tar"),
    (
        "Copy it into another bucket, under the same name",
        "natsobj cp builds build-42.tar releases build-42.tar",
    ),
    ("Copy all that is below a prefix", "natsobj cp -r builds 42 releases latest"),
)

app = grammar.new_app()


@app.command("cp", cls=grammar.Command)
@bridge
async def cp(
    session: Session,
    bucket: options.Bucket,
    names: moves.Names,
    *,
    force: moves.Force = False,
    if_absent: moves.IfAbsent = False,
    recursive: moves.Recursive = False,
    jobs: options.Jobs = None,
    dry_run: moves.DryRun = False,
) -> int:
    """Copy objects, within a bucket or into another one."""
    move = moves.Move(
        change="copied",
        bucket=bucket,
        names=names,
        force=force,
        if_absent=if_absent,
        recursive=recursive,
        dry_run=dry_run,
        jobs=jobs,
    )
    return await move.run(session)
