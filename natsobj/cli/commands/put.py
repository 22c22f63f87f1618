"""`natsobj put`: store a file, what comes through a pipe, or a folder."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli import grammar, options
from natsobj.cli.exits import UsageError
from natsobj.cli.runtime import Session, bridge

if TYPE_CHECKING:
    from natsobj.bucket import Bucket
    from natsobj.models import ObjectMeta
    from natsobj.store import Store

EXAMPLES = (
    ("Store a file", "natsobj put photos 2026/cat.jpg cat.jpg"),
    ("Store what a program writes", "tar c dist | natsobj put builds build-42.tar"),
    ("Store it only if nobody has done so", "natsobj put builds build-42.tar dist.tar --if-absent"),
    ("Store a folder, as 42/app.js and so on", "natsobj put -r builds 42 dist"),
)

app = grammar.new_app()


@app.command("put", cls=grammar.Command)
@bridge
async def put(
    session: Session,
    bucket: options.Bucket,
    key: options.KeyOrPrefix,
    file: options.SourceFile = None,
    *,
    recursive: options.Recursive = False,
    jobs: options.Jobs = None,
    create: Annotated[bool, typer.Option("--create", help="Create the bucket if it is missing.")] = False,
    if_absent: Annotated[bool, typer.Option("--if-absent", help="Only if there is no such object.")] = False,
    if_match: Annotated[
        str | None,
        typer.Option(
            "--if-match",
            metavar="sha256:HEX",
            parser=options.sha256,
            help="Only in the place of this content.",
        ),
    ] = None,
    description: options.Description = None,
    header: options.Headers = None,
    metadata: options.Metadata = None,
    chunk_size: options.ChunkSize = None,
) -> None:
    """Store a file, standard input or a folder."""
    from natsobj.models import ObjectMeta

    options.exclusive({"--if-absent": if_absent, "--if-match": if_match})
    options.exclusive({"--recursive": recursive, "--if-match": if_match})
    options.needs("--recursive", recursive, {"--jobs": jobs})
    meta = ObjectMeta(description or None, options.grouped(header or ()), dict(metadata or ()), chunk_size)
    if recursive:
        folder, prefix = options.folder(file), options.utf8(key)
        await _put_folder(
            session, bucket, prefix, folder, meta, create=create, if_absent=if_absent, jobs=jobs
        )
    else:
        key = options.key_name(key)
        if file is None and session.stdin_is_terminal:
            raise UsageError("standard input is a terminal: name a FILE, or - to store what you type")
        await _put_file(
            session, bucket, key, file, meta, create=create, if_absent=if_absent, if_match=if_match
        )


async def _put_file(
    session: Session,
    bucket: str,
    key: str,
    file: str | None,
    meta: ObjectMeta,
    *,
    create: bool,
    if_absent: bool,
    if_match: str | None,
) -> None:
    from natsobj.cli.render import stored_line
    from natsobj.files import open_source

    with open_source(file) as source:
        async with session.store() as store:
            home = await _home(store, bucket, create=create)
            with session.progress() as progress:
                info = await home.put(
                    key, progress.source(source, key), meta, if_absent=if_absent, if_match=if_match
                )
            session.done(info, stored_line(info, session.elapsed))


async def _put_folder(
    session: Session,
    bucket: str,
    prefix: str,
    folder: str,
    meta: ObjectMeta,
    *,
    create: bool,
    if_absent: bool,
    jobs: int | None,
) -> None:
    from natsobj.cli.folders import collect, label
    from natsobj.tree import JOBS, put_files, scan

    files = scan(folder, prefix, outputs=session.outputs)
    async with session.store() as store:
        home = await _home(store, bucket, create=create)
        with session.progress() as progress:
            whole = progress.whole(label(bucket, prefix))
            outcomes = put_files(
                home, whole.files(files), meta, jobs=jobs or JOBS, if_absent=if_absent, wrap=whole.source
            )
            await collect(session, outcomes, whole, "stored")


async def _home(store: Store, bucket: str, *, create: bool) -> Bucket:
    """Return the bucket, which is made if it may be missing."""
    from natsobj.errors import BucketExists
    from natsobj.models import BucketConfig

    if create:
        with suppress(BucketExists):
            await store.create_bucket(BucketConfig(bucket))
    return store.bucket(bucket)
