"""`natsobj sync`: make a bucket match a folder, or a folder match a bucket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli.arguments import grammar, options, suggest, values
from natsobj.cli.arguments.sides import Sides, sides
from natsobj.cli.exits import UsageError
from natsobj.cli.output import console
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.buckets import create_if_missing
from natsobj.cli.session.session import Session
from natsobj.errors import BucketNotFound

if TYPE_CHECKING:
    from natsobj.bucket import Bucket
    from natsobj.cli.output.actions import Action
    from natsobj.cli.output.meters import Whole
    from natsobj.cli.session.sync_batch import SyncBatch
    from natsobj.folders.filters import Filter
    from natsobj.folders.outcomes import Outcome
    from natsobj.store import Store

EXAMPLES = (
    ("Store what has changed in a folder, below www/", "natsobj sync dist site:www"),
    ("The same, and delete what the folder lacks", "natsobj sync dist site:www --delete"),
    ("Show what that would do", "natsobj sync dist site:www --delete -n"),
    ("Fetch what has changed in a whole bucket", "natsobj sync site: copy"),
    ("Leave out what is not public", "natsobj sync dist site:www --exclude '*.map' --exclude 'drafts/*'"),
)

app = grammar.new_app()

Globs = list[str] | None


@app.command("sync", cls=grammar.Command)
@bridge
async def sync(
    session: Session,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="The source: a local folder, or BUCKET:PREFIX (BUCKET: for the whole bucket).",
            parser=values.file_name,
            autocompletion=suggest.complete_side,
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="DST",
            help="The destination: BUCKET:PREFIX, or a local folder.",
            parser=values.file_name,
            autocompletion=suggest.complete_side,
        ),
    ],
    *,
    delete: Annotated[
        bool,
        typer.Option(
            "--delete",
            help="Delete from DST what SRC lacks, once everything else has succeeded; links, empty folders "
            "and temporary files stay. A missing or empty SRC is exit 2 then; without it a missing folder is "
            "exit 1, and an empty prefix exit 4.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be done.")] = False,
    match: Annotated[
        Globs,
        typer.Option(
            "--match",
            metavar="GLOB",
            parser=values.utf8,
            help="Only paths that match, below the folder and PREFIX; * also matches /. Repeatable.",
        ),
    ] = None,
    exclude: Annotated[
        Globs,
        typer.Option(
            "--exclude", metavar="GLOB", parser=values.utf8, help="Leave paths that match alone. Repeatable."
        ),
    ] = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create the bucket of DST if it is missing.")
    ] = False,
    jobs: options.SyncJobs = None,
) -> int:
    """Make a bucket match a folder, or a folder match a bucket."""
    from natsobj.folders.filters import Filter

    both = sides(source, target)
    if create and not both.up:
        raise UsageError(f"--create is for a bucket that is DST, not for {source}")
    only = Filter(match or (), exclude or ())
    run = _Run(both=both, only=only, delete=delete, dry_run=dry_run, create=create, jobs=jobs)
    async with session.store() as store:
        with session.hinting(BucketNotFound, both.of_remote):
            return await run.run(session, store)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What was asked for."""

    both: Sides
    only: Filter
    delete: bool
    dry_run: bool
    create: bool
    jobs: int | None

    async def run(self, session: Session, store: Store) -> int:
        """Do it, tell of it, and give the exit code."""
        from natsobj.cli.session.batch import label
        from natsobj.cli.session.sync_batch import SyncBatch

        both = self.both
        far = label(both.bucket, both.prefix)
        ways = (both.folder, far) if both.up else (far, both.folder)
        shows = session.json or self.dry_run or not session.stdout_is_terminal
        home = await self._home(store)
        with session.progress(beside_content=shows) as progress:
            whole = progress.whole(far)
            batch = SyncBatch(
                session, whole, " to ".join(ways), up=both.up, delete=self.delete, dry_run=self.dry_run
            )
            session.account(batch.account, bucket=both.bucket if both.up else None)
            outcomes = self._outcomes(session, home, whole, batch)
            with batch.summing_up():
                await self._show(session, batch.actions(outcomes), shown=shows)
        return session.status

    async def _home(self, store: Store) -> Bucket:
        """Return the bucket, which is made if it may be missing."""
        from natsobj.models import BucketConfig

        if self.create and not self.dry_run:
            return (await create_if_missing(store, BucketConfig(self.both.bucket)))[0]
        return store.bucket(self.both.bucket)

    def _outcomes(
        self, session: Session, home: Bucket, whole: Whole, batch: SyncBatch
    ) -> AsyncGenerator[Outcome, None]:
        from natsobj.folders.sync_down import sync_to_folder
        from natsobj.folders.sync_up import sync_to_bucket

        both = self.both
        if both.up:
            return sync_to_bucket(
                home,
                both.folder,
                both.prefix,
                delete=self.delete,
                dry_run=self.dry_run,
                only=self.only,
                jobs=self.jobs,
                outputs=session.outputs,
                found=whole.files,
                wrap=whole.source,
                told=batch.count,
            )
        return sync_to_folder(
            home,
            both.prefix,
            both.folder,
            delete=self.delete,
            dry_run=self.dry_run,
            only=self.only,
            jobs=self.jobs,
            found=whole.objects,
            wrap=whole.sink,
            told=batch.count,
        )

    async def _show(self, session: Session, actions: AsyncGenerator[Action, None], *, shown: bool) -> None:
        """Give each action to programs, and to people those that change something where nothing is done."""
        from natsobj.cli.output.actions import action_json, action_line, action_row
        from natsobj.cli.output.formats import json_line

        async def wanted() -> AsyncGenerator[Action, None]:
            async for action in actions:
                if shown and not (session.draws_tables and action.action == "skip"):
                    yield action

        if session.json:
            await console.write_lines(
                wanted(), lambda action: json_line(action_json(action)), promptly=not self.dry_run
            )
        else:
            line = action_line if session.stdout_is_terminal else action_row
            await console.write_lines(wanted(), line, promptly=not self.dry_run)
