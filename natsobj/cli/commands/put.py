"""`natsobj put`: store a file or what comes through a pipe."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from natsobj.cli import grammar, options
from natsobj.cli.exits import UsageError
from natsobj.cli.runtime import Session, bridge

EXAMPLES = (
    ("Store a file", "natsobj put photos 2026/cat.jpg cat.jpg"),
    ("Store what a program writes", "tar c dist | natsobj put builds build-42.tar"),
    ("Store it only if nobody has done so", "natsobj put builds build-42.tar dist.tar --if-absent"),
)

app = grammar.new_app()


@app.command("put", cls=grammar.Command)
@bridge
async def put(
    session: Session,
    bucket: options.Bucket,
    key: options.Key,
    file: options.SourceFile = None,
    *,
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
    """Store a file or standard input under a key."""
    from natsobj.cli.render import stored_line
    from natsobj.errors import BucketExists
    from natsobj.files import open_source
    from natsobj.models import BucketConfig, ObjectMeta

    options.exclusive({"--if-absent": if_absent, "--if-match": if_match})
    if file is None and session.stdin_is_terminal:
        raise UsageError("standard input is a terminal: name a FILE, or - to store what you type")
    meta = ObjectMeta(description or None, options.grouped(header or ()), dict(metadata or ()), chunk_size)
    with open_source(file) as source:
        async with session.store() as store:
            if create:
                with suppress(BucketExists):
                    await store.create_bucket(BucketConfig(bucket))
            with session.progress() as progress:
                info = await store.bucket(bucket).put(
                    key, progress.source(source, key), meta, if_absent=if_absent, if_match=if_match
                )
            session.done(info, stored_line(info, session.elapsed))
