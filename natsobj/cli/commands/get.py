"""`natsobj get`: fetch an object to a file or a pipe, or many into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options, values
from natsobj.cli.exits import UsageError
from natsobj.cli.output.console import STDOUT
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from natsobj.bucket import Bucket
    from natsobj.cli.output.progress import Progress
    from natsobj.files import Sink
    from natsobj.models import ObjectInfo

EXAMPLES = (
    ("Fetch into a file", "natsobj get photos 2026/cat.jpg cat.jpg"),
    ("Fetch into a folder, as cat.jpg", "natsobj get photos 2026/cat.jpg pictures/"),
    (
        "Fetch something big, and continue after an interruption",
        "natsobj get --resume builds build-42.tar build-42.tar",
    ),
    ("Pass it on", "natsobj get builds build-42.tar | tar x"),
    ("Show the last mebibyte of a log of 10 MiB", "natsobj get logs app.log --offset 9M | less"),
    ("Fetch everything below 2026/ into a folder", "natsobj get -r photos 2026 pictures"),
    ("Fetch the pictures of a whole bucket", "natsobj get -r photos '' pictures --match '*.jpg'"),
)

app = grammar.new_app()


@app.command("get", cls=grammar.Command)
@bridge
async def get(
    session: Session,
    bucket: options.Bucket,
    key: options.KeyOrPrefix,
    file: options.TargetFile = None,
    *,
    recursive: options.Recursive = False,
    jobs: options.Jobs = None,
    match: Annotated[
        str | None,
        typer.Option(
            "--match",
            metavar="GLOB",
            parser=values.utf8,
            help="With -r, only names that match; * also matches /.",
        ),
    ] = None,
    older_than: options.OlderBelow = None,
    newer_than: options.NewerBelow = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace FILE if it exists.")] = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Succeed if FILE exists, and keep it.")
    ] = False,
    if_changed: Annotated[
        bool, typer.Option("--if-changed", help="Replace FILE only if its content differs.")
    ] = False,
    offset: options.Offset = None,
    length: options.Length = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue an interrupted run; keep what was fetched if interrupted."),
    ] = False,
) -> int:
    """Fetch an object to a file or a pipe, or many into a folder."""
    values.exclusive({"--force": force, "--skip-existing": skip_existing})
    values.exclusive({"--skip-existing": skip_existing, "--if-changed": if_changed})
    for name, given in (("--offset", offset is not None), ("--length", length is not None)):
        values.exclusive({name: given, "--recursive": recursive})
        values.exclusive({name: given, "--if-changed": if_changed})
        values.exclusive({name: given, "--resume": resume})
    values.exclusive({"--resume": resume, "--recursive": recursive})
    values.needs(
        "--recursive",
        recursive,
        {"--jobs": jobs, "--match": match, "--older-than": older_than, "--newer-than": newer_than},
    )
    existing = _Existing(force=force, skip=skip_existing, if_changed=if_changed)
    if recursive:
        values.prefix_text(key)
        return await _get_folder(
            session,
            bucket,
            values.utf8(key),
            values.folder(file),
            existing,
            match=match,
            ages=(older_than, newer_than),
            jobs=jobs,
        )
    part = _Part(offset, length)
    return await _get_file(session, bucket, values.key_name(key), file, existing, part=part, resume=resume)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Existing:
    """What shall be done about files that exist."""

    force: bool
    skip: bool
    if_changed: bool

    @property
    def may_be_replaced(self) -> bool:
        return self.force or self.if_changed


@dataclass(frozen=True, slots=True)
class _Part:
    """Which bytes are wanted."""

    offset: int | None
    """Also 0 asks for a part: the whole, unchecked."""
    length: int | None

    @property
    def is_all(self) -> bool:
        return self.offset is None and self.length is None

    def size(self, info: ObjectInfo) -> int:
        """Give the number of bytes that the object has of it."""
        left = max(0, info.size - (self.offset or 0))
        return left if self.length is None else min(self.length, left)

    def line(self, info: ObjectInfo, seconds: float) -> str:
        """Report that it was fetched."""
        from natsobj.cli.output.objects import fetched_line, fetched_part_line

        if self.is_all:
            return fetched_line(info, seconds)
        return fetched_part_line(info, self.offset or 0, self.size(info), seconds)


async def _get_file(
    session: Session,
    bucket: str,
    key: str,
    file: str | None,
    existing: _Existing,
    *,
    part: _Part,
    resume: bool,
) -> int:
    from natsobj.cli.output.objects import changed_line
    from natsobj.errors import FileExists
    from natsobj.files.descriptors import is_stream, named_descriptor
    from natsobj.files.sources import STANDARD_STREAM, open_regular
    from natsobj.files.targets import is_there, open_stdout, open_target, target_path
    from natsobj.folders.compare import has_content

    target = None if file is None or file == STANDARD_STREAM else target_path(file, key)
    descriptor = STDOUT if target is None else named_descriptor(str(target))
    if resume and (target is None or descriptor is not None or is_stream(target)):
        raise UsageError("--resume needs a regular FILE")
    if descriptor == STDOUT and (session.json or existing.if_changed):
        option = "--json" if session.json else "--if-changed"
        raise UsageError(f"{option} needs a FILE: standard output has the content")
    if file is None and session.stdout_is_terminal:
        raise UsageError("standard output is a terminal: name a FILE, or - to show the content here")
    there = target is not None and is_there(target)
    if there and existing.skip:
        session.report(f"kept {target}")
        return exits.DONE
    if there and not existing.may_be_replaced:
        raise FileExists(str(target))
    session.account(lambda _: _account(bucket, key, target))
    async with session.store() as store:
        home = store.bucket(bucket)
        info = await home.info(key, follow=True, search=True)
        if there and existing.if_changed:
            with open_regular(str(target)) as source:
                same = await has_content(source, info)
            if same:
                session.done(info, changed_line("unchanged", info))
                return exits.DONE
        with session.progress(beside_content=descriptor == STDOUT) as progress:
            replace = existing.may_be_replaced
            if resume and target is not None:
                info = await _go_on(home, info, target, progress, replace=replace)
            else:
                opened = open_target(target, replace=replace) if target else open_stdout()
                async with opened as sink:
                    into = progress.sink(sink, info.name, part.size(info))
                    length = None if part.is_all else part.size(info)
                    info = await home.get(info, into=into, offset=part.offset or 0, length=length)
        session.done(info, part.line(info, session.elapsed))
    return exits.DONE


async def _go_on(
    home: Bucket, info: ObjectInfo, target: Path, progress: Progress, *, replace: bool
) -> ObjectInfo:
    """Fetch what is missing of a file; the bar begins with what is there, while that is hashed again."""
    label, size = info.name, info.size

    def counted(sink: Sink) -> Sink:
        return progress.sink(sink, label, size)

    return await home.get(info, target, replace=replace, resume=True, wrap=counted)


def _account(bucket: str, key: str, target: Path | None) -> str:
    """Say what is so when it was not fetched to the end."""
    if target is None or (target.exists() and not target.is_file()):
        return f"{target or 'standard output'} has a part of {bucket}/{key} at most"
    return f"{target} is as it was"


async def _get_folder(
    session: Session,
    bucket: str,
    prefix: str,
    folder: str,
    existing: _Existing,
    *,
    match: str | None,
    ages: tuple[timedelta | None, timedelta | None],
    jobs: int | None,
) -> int:
    from natsobj.cli.session.batch import Batch, label
    from natsobj.folders.ages import of_age
    from natsobj.folders.get import get_objects
    from natsobj.folders.scan import objects_below

    session.account(lambda _: f"fetched nothing of {label(bucket, prefix)}")
    async with session.store() as store:
        home = store.bucket(bucket)
        narrowed = match is not None or any(age is not None for age in ages)
        wanted = await of_age(home, older_than=ages[0], newer_than=ages[1])
        with session.progress(beside_content=session.json) as progress:
            whole = progress.whole(label(bucket, prefix))
            batch = Batch(session, whole, "fetched")
            session.account(batch.account)
            outcomes = get_objects(
                home,
                whole.objects(
                    objects_below(home, prefix, values.matcher(match), wanted, needed=narrowed),
                ),
                folder,
                prefix,
                jobs=jobs,
                replace=existing.force,
                skip_existing=existing.skip,
                if_changed=existing.if_changed,
                wrap=whole.sink,
                told=batch.count,
            )
            return await batch.collect(outcomes)
