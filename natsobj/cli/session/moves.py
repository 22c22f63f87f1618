"""What `mv` and `cp` share: one object or all below a prefix, and the names that they get."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import suggest, values
from natsobj.cli.exits import UsageError

if TYPE_CHECKING:
    from natsobj.cli.session.session import Session
    from natsobj.models import ObjectInfo
    from natsobj.store import Store

__all__ = ["DryRun", "Force", "IfAbsent", "Move", "Names", "Recursive"]

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="KEY [BUCKET] KEY",
        help="The object, and its new name, in the bucket that is named between them or in the same. A new "
        "name that ends in / is a folder. With -r prefixes, '' for none.",
        parser=values.utf8,
        autocompletion=suggest.complete_key,
    ),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace an object of the new name.")]
IfAbsent = Annotated[
    bool,
    typer.Option("--if-absent", help="Only if there is no object of the new name, which is the default."),
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="All that lies below the prefix KEY.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="With -r, only show old and new names; changes nothing.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What is to be moved or copied, and where to."""

    change: Literal["moved", "copied"]
    bucket: str
    names: Sequence[str]
    force: bool
    if_absent: bool
    recursive: bool
    dry_run: bool
    jobs: int | None

    async def run(self, session: Session) -> int:
        """Do it, and tell of it."""
        values.exclusive({"--force": self.force, "--if-absent": self.if_absent})
        values.needs("--recursive", self.recursive, {"--jobs": self.jobs, "--dry-run": self.dry_run or None})
        if not self.recursive:
            return await self._one(session)
        prefix, to, target = values.way(self.bucket, self.names, "PREFIX", prefixes=True)
        async with session.store() as store:
            if self.dry_run:
                return await self._show(session, store, prefix, to, target)
            return await self._all(session, store, prefix, to, target)

    async def _one(self, session: Session) -> int:
        from natsobj.cli.output.objects import changed_line, moved_line
        from natsobj.errors import ObjectExists

        key, to, new = values.way(self.bucket, self.names, "KEY")
        if new.endswith("/"):
            new += key.rpartition("/")[2]
            if new.endswith("/"):
                raise UsageError(f"the last part of {key} is empty: name the object below {new}")
        new = values.key_name(new)
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

    async def _all(self, session: Session, store: Store, prefix: str, to: str, target: str) -> int:
        from natsobj.cli.session.batch import Batch, label
        from natsobj.folders.move import move_objects, objects_as_of_now

        home = store.bucket(self.bucket)
        with session.progress(beside_content=session.json) as progress:
            whole = progress.whole(label(self.bucket, prefix))
            batch = Batch(session, whole, self.change)
            session.account(batch.account, bucket=to)
            outcomes = move_objects(
                home,
                whole.objects(objects_as_of_now(home, prefix)),
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

    async def _show(self, session: Session, store: Store, prefix: str, to: str, target: str) -> int:
        """Show what would become of each."""
        from natsobj.cli.output.formats import count, escape_tsv
        from natsobj.cli.output.objects import OBJECTS
        from natsobj.folders.move import objects_as_of_now, renamed
        from natsobj.folders.outcomes import Failed
        from natsobj.models import ObjectInfo

        number = 0

        async def found() -> AsyncGenerator[ObjectInfo, None]:
            nonlocal number
            async with aclosing(objects_as_of_now(store.bucket(self.bucket), prefix)) as each:
                async for info in each:
                    if isinstance(info, ObjectInfo):
                        number += 1
                        yield info
                    elif isinstance(info, Failed):
                        session.fail(info.error)

        def line(info: ObjectInfo) -> str:
            new = renamed(info.name, prefix, target)
            if session.stdout_is_terminal:
                return f"{self.bucket}/{info.name} -> {to}/{new}"
            return f"{escape_tsv(info.name)}\t{escape_tsv(new)}"

        async def as_they_would_be() -> AsyncGenerator[ObjectInfo, None]:
            async with aclosing(found()) as each:
                async for info in each:
                    yield replace(info, bucket=to, name=renamed(info.name, prefix, target))

        if session.json:
            await session.show_all(as_they_would_be(), OBJECTS)
        else:
            await session.show_lines(found(), line)
        session.report(f"would be {self.change}: {count(number, 'object')}")
        return session.status


def _as_it_was(settled: bool) -> str:
    return "is as it was" if settled else "is there, or what it was to become"
