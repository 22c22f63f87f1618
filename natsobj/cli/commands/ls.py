"""`natsobj ls`: list the buckets, or the objects of one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from natsobj.cli.arguments import grammar, options, values
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

if TYPE_CHECKING:
    from natsobj.bucket import Bucket
    from natsobj.models import BucketInfo, ObjectInfo

EXAMPLES = (
    ("List the buckets", "natsobj ls"),
    ("List the objects of a bucket whose names begin with 2026/", "natsobj ls photos 2026/"),
    ("Delete all backups", "natsobj ls photos --match '*.bak' -0 | xargs -0r natsobj rm photos --"),
    ("List the folders and objects below 2026/, one level", "natsobj ls photos 2026/ --folders"),
    ("List the largest objects last", "natsobj ls photos --sort size"),
    ("List what was changed today", "natsobj ls photos --newer-than 24h"),
    ("Check files that were fetched", "natsobj ls photos --sha256sum | (cd photos && sha256sum -c --quiet)"),
)

T = TypeVar("T")

_NEVER = datetime.min.replace(tzinfo=UTC)

app = grammar.new_app()


@app.command("ls", cls=grammar.Command)
@bridge
async def ls(
    session: Session,
    bucket: options.OptionalBucket = None,
    prefix: options.Prefix = None,
    *,
    long: Annotated[bool, typer.Option("--long", "-l", help="Show whole digests.")] = False,
    names: Annotated[bool, typer.Option("--names", "-1", help="Names only, one per line.")] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Names only, unescaped, each ended by a NUL.")
    ] = False,
    match: Annotated[
        str | None,
        typer.Option(
            "--match", metavar="GLOB", parser=values.utf8, help="Only names that match; * also matches /."
        ),
    ] = None,
    older_than: options.Older = None,
    newer_than: options.Newer = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Also list deleted objects.")] = False,
    sha256sum: Annotated[
        bool, typer.Option("--sha256sum", help="Digests and names in the format of sha256sum -c.")
    ] = False,
    relative: Annotated[
        bool,
        typer.Option("--relative", help="With --sha256sum, names relative to PREFIX."),
    ] = False,
    sort: Annotated[
        Literal["name", "size", "time"] | None,
        typer.Option(
            "--sort",
            help="Sort in ascending order; the default is oldest change first, and by name on a terminal.",
        ),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Reverse the order.")] = False,
    folders: Annotated[
        bool,
        typer.Option(
            "--folders",
            help="List one level below PREFIX: folders, with the number and bytes of their objects.",
        ),
    ] = False,
) -> int:
    """List buckets, or the objects of one."""
    from natsobj.cli.output.objects import OBJECTS, checksum_line, left_out_line

    values.exclusive({"--null" if null else "--names": names or null, "--json": session.json})
    values.exclusive({"--long": long, "--names": names, "--null": null, "--sha256sum": sha256sum})
    for other, given in {"--json": session.json, "--deleted": deleted}.items():
        values.exclusive({"--sha256sum": sha256sum, other: given})
    values.needs("--sha256sum", sha256sum, {"--relative": relative or None})
    values.exclusive({"--folders": folders, "--long": long, "--sha256sum": sha256sum})
    of_bucket = {"--deleted": deleted, "--sha256sum": sha256sum, "--folders": folders}
    of_bucket |= {"--older-than": older_than is not None, "--newer-than": newer_than is not None}
    values.needs("a BUCKET", bucket is not None, {name: given or None for name, given in of_bucket.items()})
    folder = _folder(prefix or "") if relative else ""
    start = folder or prefix or ""
    if (reverse or folders) and session.draws_tables:
        sort = sort or "name"
    layout = {
        "names": names,
        "null": null,
        "long": long and bucket is not None,
        "by_name": not (sort or folders),
    }
    wanted = _Wanted(match, older_than, newer_than, deleted, sort, reverse)
    async with session.store() as store:
        if bucket is None:
            from natsobj.cli.output.buckets import BUCKETS

            order = _bucket_order(sort)
            buckets = _arranged(store.buckets(), order, reverse, match, lambda each: each.bucket)
            await session.show_all(buckets, BUCKETS, **layout)
            return session.status
        objects = await _objects(session, store.bucket(bucket), start, wanted, folders=folders)
        if folders:
            from natsobj.cli.output.folders import LEVEL

            await session.show_all(objects, LEVEL, **layout)
        elif not sha256sum:
            await session.show_all(objects, OBJECTS, **layout)
        elif left_out := await session.show_lines(objects, partial(checksum_line, folder=folder)):
            session.report(left_out_line(left_out))
    return session.status


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which objects, and in which order."""

    match: str | None
    older_than: timedelta | None
    newer_than: timedelta | None
    deleted: bool
    sort: str | None
    reverse: bool


async def _objects(
    session: Session, home: Bucket, start: str, wanted: _Wanted, *, folders: bool
) -> AsyncGenerator[Any, None]:
    """Find the objects whose names begin with `start`, or one level of folders and objects there."""
    from natsobj.cli.output.objects import OBJECTS
    from natsobj.folders.ages import of_age

    suits = await of_age(home, older_than=wanted.older_than, newer_than=wanted.newer_than)
    order = _object_order(wanted.sort)

    def read(
        first: bool, order: Callable[[Any], Any] | None = None, turned: bool = False
    ) -> AsyncGenerator[ObjectInfo, None]:
        report = session.fail if first else lambda _: None
        listed = home.list(start, deleted=wanted.deleted, on_unreadable=report)
        keep = (lambda each: each) if session.json else OBJECTS.lean
        return _arranged(listed, order, turned, wanted.match, lambda each: each.name, suits=suits, keep=keep)

    if folders:
        from natsobj.folders.level import one_level

        return one_level(read, start, order, reverse=wanted.reverse)
    return read(True, order, wanted.reverse)


def _folder(prefix: str) -> str:
    from natsobj.folders.scan import with_slash

    return with_slash(prefix)


def _bucket_order(sort: str | None) -> Callable[[BucketInfo], Any] | None:
    orders: dict[str | None, Callable[[BucketInfo], Any]] = {
        "name": lambda info: info.bucket,
        "size": lambda info: info.size,
        "time": lambda info: info.last_update or _NEVER,
    }
    return orders.get(sort)


def _object_order(sort: str | None) -> Callable[[Any], Any] | None:
    orders: dict[str | None, Callable[[Any], Any]] = {
        "name": lambda info: info.name,
        "size": lambda info: info.size,
        "time": lambda info: info.modified,
    }
    return orders.get(sort)


async def _arranged(
    models: AsyncGenerator[T, None],
    order: Callable[[T], Any] | None,
    reverse: bool,
    match: str | None,
    name: Callable[[T], str],
    *,
    suits: Callable[[T], bool] = lambda _: True,
    keep: Callable[[T], T] = lambda model: model,
) -> AsyncGenerator[T, None]:
    """Filter and sort; what needs no sorting is passed on as it comes.

    Args:
        keep: makes one of which little is kept, where all must be kept to be sorted: many lie in a file.
    """
    wanted = values.matcher(match)
    async with aclosing(models):
        if order is None and not reverse:
            async for model in models:
                if wanted(name(model)) and suits(model):
                    yield model
            return
        from natsobj.files.spool import Sorted

        def place(numbered: tuple[int, T]) -> tuple[Any, int]:
            number, model = numbered
            return (None if order is None else order(model), number)

        with Sorted[tuple[int, T]](lambda each: name(each[1]), place, reverse=reverse) as found:
            async for model in models:
                if wanted(name(model)) and suits(model):
                    found.add((len(found), keep(model)))
            for _, model in found:
                yield model
