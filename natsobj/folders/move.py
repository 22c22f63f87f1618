"""Whole prefixes moved or copied, within a bucket or into another one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from operator import attrgetter
from typing import Literal

from natsobj.adr20.names import check_key
from natsobj.bucket import Bucket
from natsobj.errors import InvalidKey, ObjectExists
from natsobj.files import Source
from natsobj.folders.outcomes import Done, Failed, Outcome, Skipped, attempt
from natsobj.folders.pace import Pace
from natsobj.folders.scan import objects_below, with_slash
from natsobj.folders.workers import Crew
from natsobj.models import ObjectInfo
from natsobj.stream.marks import Marks

__all__ = ["as_planned", "move_objects", "objects_as_of_now", "renamed"]


async def objects_as_of_now(
    bucket: Bucket, prefix: str
) -> AsyncGenerator[ObjectInfo | Failed | Skipped, None]:
    """Find the objects below a prefix that are there now, not what is moved below it later.

    Raises:
        ObjectNotFound: there is nothing below the prefix.
    """
    last = (await bucket.stream.info())["state"]["last_seq"]
    async with aclosing(objects_below(bucket, prefix)) as found:
        async for each in found:
            if not isinstance(each, ObjectInfo) or each.revision <= last:
                yield each


def renamed(name: str, prefix: str, target: str) -> str:
    """Return the name of what lies below a prefix when it lies below another one."""
    return with_slash(target) + name.removeprefix(with_slash(prefix))


async def as_planned(
    objects: AsyncGenerator[ObjectInfo | Failed | Skipped, None],
    prefix: str,
    target: str,
    *,
    bucket: Bucket,
    to: Bucket,
    replace: bool = False,
) -> AsyncGenerator[ObjectInfo | Failed | Skipped, None]:
    """Yield the objects that `move_objects` would move or copy, and failures for those it would refuse.

    The target is listed once, in flat memory.
    """
    taken = Marks()
    if not replace:
        async with aclosing(to.entries(with_slash(target))) as entries:
            async for entry in entries:
                if not isinstance(entry, ObjectInfo):
                    taken.add(entry.where)
                elif not entry.deleted:
                    taken.add(entry.name)
    async with aclosing(objects):
        async for each in objects:
            yield _refused(each, prefix, target, taken, to, inside=bucket.name == to.name)


def _refused(
    each: ObjectInfo | Failed | Skipped,
    prefix: str,
    target: str,
    taken: Marks,
    to: Bucket,
    *,
    inside: bool,
) -> ObjectInfo | Failed | Skipped:
    """Return a failure for an object whose new name is impossible or taken, and anything else as it is."""
    if not isinstance(each, ObjectInfo):
        return each
    try:
        new = check_key(renamed(each.name, prefix, target))
    except InvalidKey as e:
        return Failed(each.name, e)
    if new in taken and not (inside and new == each.name):
        return Failed(each.name, ObjectExists(to.name, new))
    return each


async def move_objects(
    bucket: Bucket,
    objects: AsyncGenerator[ObjectInfo | Failed | Skipped, None],
    prefix: str,
    target: str,
    *,
    to: str,
    change: Literal["moved", "copied"],
    replace: bool = False,
    jobs: int | None = None,
    wrap: Callable[[Source], Source] = lambda source: source,
    told: Callable[[Done], None] = lambda _: None,
) -> AsyncGenerator[Outcome, None]:
    """Move or copy the objects that are found below a prefix; outcomes come as they are known, not in order.

    Args:
        target: the prefix that they lie below then.
        to: the bucket.
        jobs: objects at once, as many as the line needs by default.
        replace: objects that are there may be replaced.
        wrap: what is copied passes through it.
        told: as `put_files` has it.
    """

    async def move(info: ObjectInfo) -> Done:
        new = check_key(renamed(info.name, prefix, target))
        verb = bucket.move if change == "moved" else bucket.copy
        return Done(info.name, await verb(info.name, new, bucket=to, replace=replace, wrap=wrap), change)

    act = partial(attempt, act=move, name=attrgetter("name"), told=told)
    crew = Crew(objects, act, Pace(jobs, bucket.stream.js.connector), attrgetter("size"))
    async with aclosing(crew.results()) as outcomes:
        async for outcome in outcomes:
            yield outcome
