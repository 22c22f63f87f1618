"""`natsobj rm`: delete objects, or a whole bucket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options, values
from natsobj.cli.exits import UsageError
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

if TYPE_CHECKING:
    from natsobj.bucket import Bucket
    from natsobj.folders.outcomes import Done, Failed, Skipped
    from natsobj.models import ObjectInfo

EXAMPLES = (
    ("Delete two objects", "natsobj rm photos cat.jpg dog.jpg"),
    ("Delete an object if it is there", "natsobj rm -f photos cat.jpg"),
    ("Show which backups are older than a month", "natsobj rm backups --older-than 30d -n"),
    ("Delete everything that matches", "natsobj rm photos --match '*.tmp' --force"),
    ("Delete a bucket with everything in it", "natsobj rm --bucket photos"),
)

app = grammar.new_app()


@app.command("rm", cls=grammar.Command)
@bridge
async def rm(
    session: Session,
    bucket: options.Bucket,
    keys: options.Keys = None,
    *,
    whole_bucket: Annotated[bool, typer.Option("--bucket", help="Delete the bucket itself.")] = False,
    match: Annotated[
        str | None,
        typer.Option(
            "--match",
            metavar="GLOB",
            parser=values.utf8,
            help="Delete all names that match; * also matches /.",
        ),
    ] = None,
    older_than: options.Older = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            "-f",
            help="Ignore missing objects; delete a bucket without asking. --match and --older-than need it.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", "-n", help="Only show which objects would be deleted."),
    ] = False,
) -> int:
    """Delete objects, or a whole bucket."""
    if whole_bucket and keys:
        raise UsageError("--bucket deletes the whole bucket and takes no KEY")
    which = {"--match": match, "--older-than": older_than}
    many = any(value is not None for value in which.values())
    values.exclusive({"--dry-run": dry_run, "--bucket": whole_bucket})
    for option, value in which.items():
        values.exclusive({option: value is not None, "--bucket": whole_bucket})
        values.exclusive({option: value is not None, "a KEY": keys})
    if whole_bucket:
        return await _delete_bucket(session, bucket, force=force)
    if many:
        return await _delete_many(session, bucket, match, older_than, force=force, dry_run=dry_run)
    if keys and dry_run:
        return await _show_objects(session, bucket, keys, force=force)
    if keys:
        return await _delete_objects(session, bucket, keys, force=force)
    raise UsageError("missing argument KEY, or --bucket to delete the bucket itself")


async def _delete_objects(session: Session, bucket: str, keys: Sequence[str], *, force: bool) -> int:
    from natsobj.cli.output.formats import count
    from natsobj.cli.output.objects import deleted_line
    from natsobj.errors import ObjectNotFound

    names, deleted = list(dict.fromkeys(keys)), 0

    def account(settled: bool) -> str:
        if len(names) > 1:
            return f"deleted {deleted:,} of {count(len(names), 'object')}{'' if settled else ' at least'}"
        what = f"{bucket}/{names[0]}"
        return f"{what} is as it was" if settled else f"{what} may be deleted or not"

    session.account(account, bucket=bucket)
    async with session.store() as store:
        home = store.bucket(bucket)

        async def delete(key: str) -> ObjectInfo:
            return await home.delete(key, search=True, unreadable=force)

        def done(info: ObjectInfo) -> None:
            nonlocal deleted
            deleted += 1
            session.done(info, deleted_line(info))

        return await session.batch(names, delete, done, forgive=(ObjectNotFound,) if force else ())


async def _show_objects(session: Session, bucket: str, keys: Sequence[str], *, force: bool) -> int:
    from natsobj.cli.output.plans import one_by_one, show_plan
    from natsobj.errors import ObjectNotFound

    found: list[ObjectInfo] = []
    async with session.store() as store:
        home = store.bucket(bucket)
        forgive = (ObjectNotFound,) if force else ()
        names = list(dict.fromkeys(keys))
        await session.batch(names, lambda key: home.info(key, search=True), found.append, forgive=forgive)
        return await show_plan(session, one_by_one(found), "deleted")


async def _delete_many(
    session: Session,
    bucket: str,
    match: str | None,
    older_than: timedelta | None,
    *,
    force: bool,
    dry_run: bool,
) -> int:
    from natsobj.cli.output.plans import show_plan
    from natsobj.cli.session.batch import Batch
    from natsobj.folders.ages import of_age
    from natsobj.folders.delete import delete_objects

    if not (force or dry_run):
        raise UsageError("deleting many objects needs --force (--dry-run shows which)")
    async with session.store() as store:
        home = store.bucket(bucket)
        wanted = await of_age(home, older_than=older_than, newer_than=None)
        found = _found(home, values.matcher(match), wanted)
        if dry_run:
            return await show_plan(session, found, "deleted")
        await home.check_writable()
        with session.progress(beside_content=session.json) as progress:
            whole = progress.whole(bucket, "object")
            batch = Batch(session, whole, "deleted")
            session.account(batch.account, bucket=bucket)

            def told(done: Done) -> None:
                batch.count(done)
                whole.done += done.info.size

            return await batch.collect(delete_objects(home, whole.objects(found), told=told))


async def _found(
    home: Bucket, match: Callable[[str], bool], wanted: Callable[[ObjectInfo], bool]
) -> AsyncGenerator[ObjectInfo | Failed | Skipped, None]:
    from natsobj.folders.outcomes import Failed
    from natsobj.models import ObjectInfo

    async with aclosing(home.entries()) as entries:
        async for entry in entries:
            if not isinstance(entry, ObjectInfo):
                if match(entry.where):
                    yield Failed(entry.where, entry)
            elif not entry.deleted and match(entry.name) and wanted(entry):
                yield entry


async def _delete_bucket(session: Session, bucket: str, *, force: bool) -> int:
    from natsobj.cli.output.buckets import changed_bucket_json, deleted_bucket_line
    from natsobj.cli.session.buckets import status_if_allowed

    if not force and not session.stdin_is_terminal:
        raise UsageError(f"without a terminal, deleting a bucket needs --force: {bucket}")
    asked = False
    session.account(lambda _: f"bucket {bucket} {'may be deleted or not' if asked else 'is as it was'}")
    async with session.store() as store:
        info = None
        if not force or session.json:
            home = store.bucket(bucket)
            info = await status_if_allowed(home) if force else await home.status(lenient=True)
        if not force:
            from natsobj.cli.output.plans import bucket_question

            if await session.ask(bucket_question("delete", bucket, info)) != bucket:
                return session.give_up(f"not deleted: that is not the bucket's name: {bucket}")
        asked = True
        await store.delete_bucket(bucket)
        session.tell(changed_bucket_json(info, bucket), deleted_bucket_line(bucket))
    return exits.DONE
