"""`natsobj mv`: rename objects, or move them into another bucket."""

from __future__ import annotations

from natsobj.cli.arguments import grammar, options
from natsobj.cli.session import moves
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("Rename an object", "natsobj mv photos cat.jpg 2026/cat.jpg"),
    ("Move it into a folder", "natsobj mv photos cat.jpg 2026/"),
    ("Move it into another bucket", "natsobj mv inbox scan.pdf archive 2026/scan.pdf"),
    (
        "Show what a prefix would become, then rename it",
        "natsobj mv -rn photos 2025 old && natsobj mv -r photos 2025 old",
    ),
)

app = grammar.new_app()


@app.command("mv", cls=grammar.Command)
@bridge
async def mv(
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
    """Rename objects, or move them into another bucket."""
    move = moves.Move(
        change="moved",
        bucket=bucket,
        names=names,
        force=force,
        if_absent=if_absent,
        recursive=recursive,
        dry_run=dry_run,
        jobs=jobs,
    )
    return await move.run(session)
