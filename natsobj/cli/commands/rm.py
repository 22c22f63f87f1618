"""`natsobj rm`: delete objects, or a whole bucket."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli import grammar, options
from natsobj.cli.exits import UsageError
from natsobj.cli.runtime import Session, bridge

if TYPE_CHECKING:
    from natsobj.models import ObjectInfo

EXAMPLES = (
    ("Delete two objects", "natsobj rm photos cat.jpg dog.jpg"),
    ("Delete an object if it is there", "natsobj rm -f photos cat.jpg"),
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
    force: Annotated[
        bool,
        typer.Option("--force", "-f", help="Missing objects are no error; a bucket goes without asking."),
    ] = False,
) -> None:
    """Delete objects, or a whole bucket."""
    if whole_bucket and keys:
        raise UsageError("contradicting arguments: --bucket deletes the whole bucket and takes no KEY")
    if whole_bucket:
        await _delete_bucket(session, bucket, force=force)
    elif keys:
        await _delete_objects(session, bucket, keys, force=force)
    else:
        raise UsageError("missing argument KEY, or --bucket to delete the bucket itself")


async def _delete_objects(session: Session, bucket: str, keys: Sequence[str], *, force: bool) -> None:
    from natsobj.cli.formats import count
    from natsobj.cli.render import deleted_line
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
        forgiven = (ObjectNotFound,) if force else ()

        async def delete(key: str) -> ObjectInfo | None:
            with suppress(*forgiven):
                return await home.delete(key, search=True, unreadable=force)
            return None

        def done(info: ObjectInfo | None) -> None:
            nonlocal deleted
            if info is not None:
                deleted += 1
                session.done(info, deleted_line(info))

        await session.batch(names, delete, done)


async def _delete_bucket(session: Session, bucket: str, *, force: bool) -> None:
    from natsobj.cli.formats import count
    from natsobj.cli.render import changed_bucket_json, deleted_bucket_line
    from natsobj.errors import PermissionDenied

    if not force and not session.stdin_is_terminal:
        raise UsageError(f"without a terminal, deleting a bucket needs --force: {bucket}")
    asked = False
    session.account(lambda _: f"bucket {bucket} {'may be deleted or not' if asked else 'is as it was'}")
    async with session.store() as store:
        info = None
        if not force or session.json:
            with suppress(*((PermissionDenied,) if force else ())):  # who may delete need not be able to look
                info = await store.bucket(bucket).status(lenient=True)
        if not force:
            objects = count(info.objects, "object") if info and info.objects is not None else "all it keeps"
            question = f"delete bucket {bucket} with {objects}? Type its name: "
            if await session.ask(question) != bucket:
                session.give_up(f"not deleted, for that is not its name: {bucket}")
                return
        asked = True
        await store.delete_bucket(bucket)
        session.tell(changed_bucket_json(info, bucket), deleted_bucket_line(bucket))
