"""`natsobj put`: store a file, what comes through a pipe, or a folder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
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
    ("Store what has changed in a folder", "natsobj put -r builds latest dist --if-changed"),
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
    if_changed: Annotated[
        bool, typer.Option("--if-changed", help="Only if the stored content is another one.")
    ] = False,
    description: options.Description = None,
    header: options.Headers = None,
    metadata: options.Metadata = None,
    chunk_size: options.ChunkSize = None,
) -> None:
    """Store a file, standard input or a folder."""
    from natsobj.models import ObjectMeta

    options.exclusive({"--if-absent": if_absent, "--if-match": if_match, "--if-changed": if_changed})
    options.exclusive({"--recursive": recursive, "--if-match": if_match})
    options.needs("--recursive", recursive, {"--jobs": jobs})
    meta = ObjectMeta(description or None, options.grouped(header or ()), dict(metadata or ()), chunk_size)
    how = _How(meta=meta, create=create, if_absent=if_absent, if_match=if_match, if_changed=if_changed)
    if recursive:
        await _put_folder(session, bucket, options.utf8(key), options.folder(file), how, jobs=jobs)
    else:
        await _put_file(session, bucket, options.key_name(key), file, how)


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    """What was asked for besides the names."""

    meta: ObjectMeta
    create: bool
    if_absent: bool
    if_match: str | None
    if_changed: bool

    async def bucket(self, store: Store, name: str) -> Bucket:
        """Return the bucket, which is made if it may be missing."""
        from natsobj.errors import BucketExists
        from natsobj.models import BucketConfig

        if self.create:
            with suppress(BucketExists):
                await store.create_bucket(BucketConfig(name))
        return store.bucket(name)


async def _put_file(session: Session, bucket: str, key: str, file: str | None, how: _How) -> None:
    from natsobj.cli.render import changed_line, stored_line
    from natsobj.files.sources import open_source
    from natsobj.folders.compare import stored_already

    if file is None and session.stdin_is_terminal:
        raise UsageError("standard input is a terminal: name a FILE, or - to store what you type")
    with open_source(file) as source:
        if how.if_changed and (file in (None, "-") or source.size is None):
            raise UsageError("--if-changed needs a FILE that can be read twice")
        async with session.store() as store:
            home = await how.bucket(store, bucket)
            with session.progress() as progress:
                counted = progress.source(source, key)
                same = await stored_already(home, key, counted) if how.if_changed else None
                info = same or await home.put(
                    key, counted, how.meta, if_absent=how.if_absent, if_match=how.if_match
                )
            line = changed_line("unchanged", info) if same else stored_line(info, session.elapsed)
            session.done(info, line)


async def _put_folder(
    session: Session, bucket: str, prefix: str, folder: str, how: _How, *, jobs: int | None
) -> None:
    from natsobj.cli.folders import collect, label
    from natsobj.folders.tree import JOBS, put_files, scan

    files = scan(folder, prefix, outputs=session.outputs)
    async with session.store() as store:
        home = await how.bucket(store, bucket)
        with session.progress(beside_content=session.json) as progress:
            whole = progress.whole(label(bucket, prefix))
            outcomes = put_files(
                home,
                whole.files(files),
                how.meta,
                jobs=jobs or JOBS,
                if_absent=how.if_absent,
                if_changed=how.if_changed,
                read_back=session.json,  # nothing else shows the time
                wrap=whole.source,
            )
            await collect(session, outcomes, whole, "stored")
