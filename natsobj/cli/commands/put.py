"""`natsobj put`: store a file, what comes through a pipe, several files, or a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options, sources, target, values
from natsobj.cli.exits import UsageError
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

if TYPE_CHECKING:
    from natsobj.bucket import Bucket
    from natsobj.files import Source
    from natsobj.folders.outcomes import Failed, Skipped
    from natsobj.folders.scan import LocalFile
    from natsobj.models import ObjectMeta
    from natsobj.store import Store

EXAMPLES = (
    ("Store a file", "natsobj put photos 2026/cat.jpg cat.jpg"),
    ("Store the output of a program", "tar c dist | natsobj put builds build-42.tar"),
    ("Store two files, as 2026/cat.jpg and 2026/dog.jpg", "natsobj put photos 2026/ cat.jpg dog.jpg"),
    ("Store it only if there is none yet", "natsobj put builds build-42.tar dist.tar --if-absent"),
    ("Store it for a week", "natsobj put builds build-42.tar dist.tar --ttl 7d"),
    ("Store something big, and go on after a break", "natsobj put --resume builds build-42.tar dist.tar"),
    ("Store a folder, as 42/app.js and so on", "natsobj put -r builds 42 dist"),
    ("Store what has changed in a folder", "natsobj put -r builds latest dist --if-changed"),
)

app = grammar.new_app()


@app.command("put", cls=grammar.Command)
@bridge
async def put(
    session: Session,
    bucket: options.Bucket,
    key: options.KeyToPut,
    files: options.SourceFiles = None,
    *,
    recursive: options.Recursive = False,
    jobs: options.PutJobs = None,
    create: Annotated[bool, typer.Option("--create", help="Create the bucket if it is missing.")] = False,
    if_absent: Annotated[
        bool, typer.Option("--if-absent", help="Store only if there is no such object.")
    ] = False,
    if_match: Annotated[
        str | None,
        typer.Option(
            "--if-match",
            metavar="sha256:HEX",
            parser=values.sha256,
            help="Replace only if the stored digest is this.",
        ),
    ] = None,
    if_revision: Annotated[
        int | None,
        typer.Option(
            "--if-revision", metavar="N", min=0, help="Replace only this revision; 0: only if there is none."
        ),
    ] = None,
    if_changed: Annotated[
        bool, typer.Option("--if-changed", help="Upload only if the content differs.")
    ] = False,
    ttl: Annotated[
        timedelta | None,
        typer.Option(
            "--ttl",
            metavar="DURATION",
            parser=values.object_ttl,
            help="Expire the object after this time, such as 7d; needs a bucket made with --object-ttl.",
        ),
    ] = None,
    description: options.Description = None,
    header: options.Headers = None,
    metadata: options.Metadata = None,
    chunk_size: options.ChunkSize = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue an interrupted run; keep what was stored if interrupted."),
    ] = False,
) -> int:
    """Store a file, standard input, several files or a folder."""
    from natsobj.models import ObjectMeta

    revision = if_revision is not None
    conditions = {"--if-absent": if_absent, "--if-match": if_match, "--if-revision": revision}
    values.exclusive({**conditions, "--if-changed": if_changed})
    values.exclusive({"--recursive": recursive, "--if-match": if_match})
    values.exclusive({"--recursive": recursive, "--if-revision": revision})
    values.exclusive({"--resume": resume, "--recursive": recursive})
    several = key.endswith("/") or len(files or ()) > 1
    values.needs("--recursive or several FILEs", recursive or several, {"--jobs": jobs})
    meta = ObjectMeta(
        description or None, values.grouped(header or ()), dict(metadata or ()), chunk_size, ttl
    )
    how = _How(
        meta=meta,
        create=create,
        if_absent=if_absent,
        if_match=if_match,
        if_revision=if_revision,
        if_changed=if_changed,
        resume=resume,
    )
    named = list(files or ())
    if recursive:
        return await _put_folder(session, bucket, values.utf8(key), named, how, jobs=jobs)
    sources.check_names(bucket, values.key_name(key), named)
    if resume and (len(named) != 1 or not sources.is_file(named[0])):
        raise UsageError("--resume needs one FILE that is a regular one")
    if len(named) > 1:
        return await _put_named(session, bucket, values.utf8(key), named, how, jobs=jobs)
    file = named[0] if named else None
    name, below = values.utf8(key), key.endswith("/")
    if file is not None and below:
        name = sources.inside(name, file)
    with session.hinting(IsADirectoryError, sources.FOLDERS):
        status = await _put_one(session, bucket, name, file, how)
    if file is not None and not below and (note := sources.name_note(bucket, key, file)):
        session.report(f"note: {note}")
    return status


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    """What was asked for besides the names."""

    meta: ObjectMeta
    create: bool
    if_absent: bool
    if_match: str | None
    if_revision: int | None
    if_changed: bool
    resume: bool

    async def bucket(self, store: Store, name: str) -> Bucket:
        """Return the bucket, which is made if it may be missing."""
        from natsobj.cli.session.buckets import create_if_missing
        from natsobj.models import BucketConfig

        if self.create:
            await create_if_missing(store, BucketConfig(name))
        return store.bucket(name)


async def _put_one(session: Session, bucket: str, key: str, file: str | None, how: _How) -> int:
    if how.resume and file is not None:
        return await _go_on(session, bucket, key, file, how)
    from natsobj.cli.output.objects import changed_line, stored_line
    from natsobj.folders.compare import stored_already

    with _open(bucket, key, file) as source:
        if how.if_changed and (isinstance(source, sources.Input) or source.size is None):
            raise UsageError("--if-changed needs a FILE that can be read twice")
        watched = sources.Watched(source)
        session.account(lambda _: watched.account(bucket, key), bucket=bucket)
        if how.create and isinstance(source, sources.Input):
            await source.wait()  # nothing, not even a bucket, for nothing
        async with session.store() as store:
            home = await how.bucket(store, bucket)
            with session.progress() as progress:
                counted = progress.source(watched, key)
                same = await stored_already(home, key, counted) if how.if_changed else None
                info = same or await home.put(
                    key,
                    counted,
                    how.meta,
                    if_absent=how.if_absent,
                    if_match=how.if_match,
                    if_revision=how.if_revision,
                )
            line = changed_line("unchanged", info) if same else stored_line(info, session.elapsed)
            session.done(info, line)
    return exits.DONE


async def _go_on(session: Session, bucket: str, key: str, file: str, how: _How) -> int:
    """Store a file, of which an earlier run may have stored a part."""
    from natsobj.cli.output.objects import changed_line, stored_line
    from natsobj.files.sources import open_regular
    from natsobj.folders.compare import stored_already

    folder, same = target.uploads_folder(os.environ), None
    session.account(lambda _: f"{bucket}/{key} is as it was")
    async with session.store() as store:
        home = await how.bucket(store, bucket)
        with session.progress() as progress:

            def watched(source: Source) -> Source:
                watching = sources.Watched(source)
                session.account(lambda _: watching.account(bucket, key))
                return progress.source(watching, key)

            if how.if_changed:
                with open_regular(file) as source:
                    same = await stored_already(home, key, source)
            info = same or await home.put(
                key,
                Path(file),
                how.meta,
                if_absent=how.if_absent,
                if_match=how.if_match,
                if_revision=how.if_revision,
                resume=folder,
                wrap=watched,
            )
        line = changed_line("unchanged", info) if same else stored_line(info, session.elapsed)
        session.done(info, line)
    return exits.DONE


@contextmanager
def _open(bucket: str, key: str, file: str | None) -> Iterator[Source]:
    """Open what is to be stored."""
    if file is None or file == sources.STDIN:
        with sources.open_input(bucket, key, named=file is not None) as stdin:
            yield stdin
    else:
        with sources.open_file(file) as source:
            yield source


async def _put_folder(
    session: Session, bucket: str, prefix: str, named: Sequence[str], how: _How, *, jobs: int | None
) -> int:
    from natsobj.files.sources import open_regular
    from natsobj.folders.scan import scan

    if len(named) > 1:
        raise UsageError(f"--recursive takes one folder: {named[0]} and {named[1]}")
    folder = values.folder(named[0] if named else None)
    files = scan(folder, prefix, outputs=session.outputs)
    return await _put_many(session, bucket, prefix, files, how, jobs=jobs, opening=open_regular)


async def _put_named(
    session: Session, bucket: str, folder: str, named: Sequence[str], how: _How, *, jobs: int | None
) -> int:
    from natsobj.files.sources import open_regular

    if how.if_match is not None or how.if_revision is not None:
        raise UsageError(f"--if-{'match' if how.if_match else 'revision'} is for one FILE")
    files, opening = sources.named_files(folder, named), open_regular if how.if_changed else sources.open_file
    return await _put_many(session, bucket, folder, files, how, jobs=jobs, opening=opening)


async def _put_many(
    session: Session,
    bucket: str,
    prefix: str,
    files: Iterator[LocalFile | Failed | Skipped],
    how: _How,
    *,
    jobs: int | None,
    opening: Callable[[str], AbstractContextManager[Source]],
) -> int:
    from natsobj.cli.session.batch import Batch, label
    from natsobj.folders.put import put_files

    session.account(lambda _: f"stored nothing below {label(bucket, prefix)}")
    async with session.store() as store:
        home = await how.bucket(store, bucket)
        with session.progress(beside_content=session.json) as progress:
            whole = progress.whole(label(bucket, prefix))
            batch = Batch(session, whole, "stored")
            session.account(batch.account, bucket=bucket)
            outcomes = put_files(
                home,
                whole.files(files),
                how.meta,
                jobs=jobs,
                if_absent=how.if_absent,
                if_changed=how.if_changed,
                read_back=session.json,  # nothing else shows the time
                wrap=whole.source,
                opening=opening,
                told=batch.count,
            )
            return await batch.collect(outcomes)
