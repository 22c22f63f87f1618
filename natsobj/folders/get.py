"""Folders down: objects become files, none of them outside of the folder.

As `put` has it, nothing is kept for the whole of a tree.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from operator import attrgetter

from natsobj.bucket import Bucket
from natsobj.errors import FileExists
from natsobj.files import Sink
from natsobj.files.target_folder import Target, TargetFolder
from natsobj.folders.compare import has_content
from natsobj.folders.in_the_way import explain
from natsobj.folders.outcomes import Done, Failed, Outcome, Skipped, attempt
from natsobj.folders.pace import Pace
from natsobj.folders.scan import with_slash
from natsobj.folders.workers import Crew
from natsobj.models import ObjectInfo

__all__ = ["get_objects"]

_DESCRIPTORS = 4
"""Of one object: its file, the folder of that, and two on the way there."""


async def get_objects(
    bucket: Bucket,
    objects: AsyncGenerator[ObjectInfo | Failed | Skipped, None],
    folder: str,
    prefix: str = "",
    *,
    jobs: int | None = None,
    replace: bool = False,
    skip_existing: bool = False,
    if_changed: bool = False,
    wrap: Callable[[Sink], Sink] = lambda sink: sink,
    told: Callable[[Done], None] = lambda _: None,
    advice: str = "move it away first",
) -> AsyncGenerator[Outcome, None]:
    """Fetch the objects that `objects_below` finds; outcomes come as they are known, not in order.

    Each lands under its key without the prefix, verified and whole or not at all. None lands outside of the
    folder: a key that would fails. Links to objects are followed. Folders are made as they are needed, the
    first one also when nothing failed because there was nothing.

    Args:
        jobs: objects at once, as many as the line needs by default.
        replace: files that exist may be replaced.
        skip_existing: files that exist are kept.
        if_changed: files that exist are replaced unless they have the content already. Without one of these
            three they are failures.
        wrap: what is written passes through it.
        told: as `put_files` has it.
        advice: what to do about a folder where a file must land, or a file where a folder must be.
    """
    prefix = with_slash(prefix)
    files = TargetFolder(folder)

    async def get(info: ObjectInfo) -> Done:
        try:
            return await land(info)
        except (IsADirectoryError, NotADirectoryError) as e:
            await explain(e, bucket, prefix, info.name, folder=folder, advice=advice)
            raise

    async def land(info: ObjectInfo) -> Done:
        with files.take(info.name.removeprefix(prefix)) as target:
            if target.exists and skip_existing:
                return Done(info.name, info, "kept", info.size)
            if target.exists and not (replace or if_changed):
                raise FileExists(target.name)
            found = info if info.link is None else await bucket.info(info.name, follow=True)
            if target.exists and if_changed and await _is_there(target, found):
                return Done(info.name, found, "unchanged", info.size)
            with target.open(replace=replace or if_changed) as file:
                fetched = await bucket.fetch(found, wrap(file))
        return Done(info.name, fetched, "fetched")

    try:
        pace = Pace(jobs, bucket.stream.js.connector, descriptors=_DESCRIPTORS)
        act = partial(attempt, act=get, name=attrgetter("name"), told=told)
        crew = Crew(objects, act, pace, attrgetter("size"))
        async with aclosing(crew.results()) as outcomes:
            failed = False
            async for outcome in outcomes:
                failed = failed or isinstance(outcome, Failed)
                yield outcome
        if not failed:
            files.make()
    finally:
        files.tidy()


async def _is_there(target: Target, info: ObjectInfo) -> bool:
    with target.source() as source:
        return await has_content(source, info)
