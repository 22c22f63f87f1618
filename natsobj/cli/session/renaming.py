"""What `mv` and `cp` do: give new names to one object, or to all below a prefix."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import options, suggest, values
from natsobj.cli.exits import UsageError
from natsobj.cli.session.session import Session

if TYPE_CHECKING:
    from natsobj.models import ObjectInfo

__all__ = ["verb"]

Change = Literal["moved", "copied"]

_Names = Annotated[
    list[str],
    typer.Argument(
        metavar="KEY [BUCKET] KEY",
        help="The object and its new name, in another BUCKET if one is named between them. A new name "
        "that ends in / is a folder. With -r, prefixes, '' for none.",
        parser=values.utf8,
        autocompletion=suggest.complete_key,
    ),
]
_Force = Annotated[bool, typer.Option("--force", "-f", help="Replace an existing object.")]
_IfAbsent = Annotated[
    bool,
    typer.Option("--if-absent", help="Only if the new name is free, which is the default."),
]
_Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Everything below the prefix KEY.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only show old and new names.")]


def verb(change: Change, about: str) -> Callable[..., Coroutine[Any, Any, int]]:
    """Make the command; both take the same, and differ in what becomes of the old name.

    Args:
        about: what its help says.
    """

    async def run(
        session: Session,
        bucket: options.Bucket,
        names: _Names,
        *,
        force: _Force = False,
        if_absent: _IfAbsent = False,
        recursive: _Recursive = False,
        jobs: options.Jobs = None,
        dry_run: _DryRun = False,
    ) -> int:
        values.exclusive({"--force": force, "--if-absent": if_absent})
        values.needs("--recursive", recursive, {"--jobs": jobs})
        _check_local(bucket, names, recursive=recursive)
        renaming = _Renaming(change=change, bucket=bucket, names=names, force=force, jobs=jobs)
        if recursive:
            return await renaming.all(session, dry_run=dry_run)
        return await renaming.one(session, dry_run=dry_run)

    run.__doc__ = about
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class _Renaming:
    """What gets new names, and which."""

    change: Change
    bucket: str
    names: Sequence[str]
    force: bool
    jobs: int | None

    async def one(self, session: Session, *, dry_run: bool) -> int:
        """Give one object a new name and tell of it, or only show which."""
        from natsobj.cli.output.objects import changed_line, moved_line
        from natsobj.errors import ObjectExists

        key, to, new = values.way(self.bucket, self.names, "KEY")
        if new.endswith("/"):
            new += key.rpartition("/")[2]
            if new.endswith("/"):
                raise UsageError(f"the last part of {key} is empty: name the object below {new}")
        new = values.key_name(new)
        if dry_run:
            return await self._plan(session, key, to, new)
        here, there = f"{self.bucket}/{key}", f"{to}/{new}"
        done = False
        session.account(
            lambda settled: f"{here} {f'is {self.change}' if done else _as_it_was(settled)}", bucket=to
        )
        async with session.store() as store:
            home = store.bucket(self.bucket)
            verb = home.move if self.change == "moved" else home.copy
            with session.progress() as progress, session.hinting(ObjectExists, "-f replaces it"):
                info = await verb(
                    key, new, bucket=to, replace=self.force, wrap=lambda source: progress.source(source, key)
                )
            done = True
            line = moved_line(self.change, here, info, session.elapsed)
            session.done(info, changed_line("unchanged", info) if here == there else line)
        return exits.DONE

    async def _plan(self, session: Session, key: str, to: str, new: str) -> int:
        from natsobj.cli.output.plans import one_by_one, show_plan
        from natsobj.errors import ObjectExists, ObjectNotFound

        async with session.store() as store:
            info = await store.bucket(self.bucket).info(key, search=True)
            if not self.force and (to, new) != (self.bucket, key):
                with suppress(ObjectNotFound), session.hinting(ObjectExists, "-f replaces it"):
                    await store.bucket(to).info(new)
                    raise ObjectExists(to, new)
            return await show_plan(
                session, one_by_one((info,)), self.change, lambda old: replace(old, bucket=to, name=new)
            )

    async def all(self, session: Session, *, dry_run: bool) -> int:
        """Give all below a prefix new names and tell of them, or only show which they would get."""
        from natsobj.cli.output.plans import show_plan
        from natsobj.cli.session.batch import Batch, label
        from natsobj.folders.move import as_planned, move_objects, objects_as_of_now, renamed

        prefix, to, target = values.way(self.bucket, self.names, "PREFIX", prefixes=True)

        def becomes(info: ObjectInfo) -> ObjectInfo:
            return replace(info, bucket=to, name=renamed(info.name, prefix, target))

        async with session.store() as store:
            home = store.bucket(self.bucket)
            found = objects_as_of_now(home, prefix)
            if dry_run:
                other = store.bucket(to)
                planned = as_planned(found, prefix, target, bucket=home, to=other, replace=self.force)
                return await show_plan(session, planned, self.change, becomes)
            with session.progress(beside_content=session.json) as progress:
                whole = progress.whole(label(self.bucket, prefix))
                batch = Batch(session, whole, self.change)
                session.account(batch.account, bucket=to)
                outcomes = move_objects(
                    home,
                    whole.objects(found),
                    prefix,
                    target,
                    to=to,
                    change=self.change,
                    replace=self.force,
                    jobs=self.jobs,
                    wrap=whole.source,
                    told=batch.count,
                )
                return await batch.collect(outcomes)


def _check_local(bucket: str, names: Sequence[str], *, recursive: bool) -> None:
    """Refuse a new name that is written like a local path, unless a bucket is named before it.

    Raises:
        UsageError: the object was to be fetched.
    """
    if len(names) == 2 and re.match(r"\.\.?(/|$)", names[1]):
        options = [*(["-r"] if recursive else []), *(["--"] if names[0].startswith("-") else [])]
        line = shlex.join(("natsobj", "get", *options, bucket, *names))
        error = UsageError(f"{names[1]} is a local path, not a new name in the bucket")
        error.add_note(f"did you mean {line}?")
        raise error


def _as_it_was(settled: bool) -> str:
    return "is as it was" if settled else "is there, or what it was to become"
