"""Folders up: files become objects.

    async with aclosing(put_files(bucket, scan("dist", "builds/42"))) as outcomes:
        async for outcome in outcomes: ...

Nothing is kept for the whole of a tree: files are found some thousands ahead of their transfers, and what
became of each one is given as soon as it is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from operator import attrgetter

from natsobj.bucket import Bucket
from natsobj.files import Source
from natsobj.files.sources import open_regular
from natsobj.folders.compare import has_content, stored_already
from natsobj.folders.outcomes import Done, Failed, Outcome, Skipped, attempt
from natsobj.folders.pace import Pace
from natsobj.folders.scan import LocalFile
from natsobj.folders.workers import Crew
from natsobj.models import ObjectMeta
from natsobj.objects.condition import Condition
from natsobj.objects.put import Put
from natsobj.stream.absences import Absences

__all__ = ["put_files"]


def put_files(
    bucket: Bucket,
    files: Iterable[LocalFile | Failed | Skipped],
    meta: ObjectMeta | None = None,
    *,
    jobs: int | None = None,
    if_absent: bool = False,
    if_changed: bool = False,
    read_back: bool = True,
    wrap: Callable[[Source], Source] = lambda source: source,
    opening: Callable[[str], AbstractContextManager[Source]] = open_regular,
    told: Callable[[Done], None] = lambda _: None,
) -> AsyncGenerator[Outcome, None]:
    """Store the files that `scan` finds; outcomes come as they are known, not in order.

    Args:
        meta: of every object.
        jobs: objects at once, as many as the line needs by default.
        if_absent: a key that has an object already fails.
        if_changed: nothing is done for a key that has the content already.
        read_back: as `Bucket.put` has it.
        wrap: what is read to be stored passes through it.
        opening: opens a file by its path; only regular ones by default.
        told: is told at once of what is done, also of what is done while all of it is being ended.

    Raises:
        RefusedError: the bucket is sealed or a mirror.
    """

    absences = Absences(bucket.stream)

    async def put(file: LocalFile) -> Done:
        with opening(file.path) as source:
            if if_changed and not await absences.lacks(file.key):
                same = await stored_already(bucket, file.key, source)
                if same is not None:
                    return Done(file.path, same, "unchanged", file.size)
            if file.there is not None:
                if await has_content(source, file.there):
                    return Done(file.path, file.there, "unchanged", file.size)
                source.restart()
            one = Put(
                bucket.stream,
                file.key,
                wrap(source),
                meta or ObjectMeta(),
                Condition(if_absent),
                read_back=read_back,
                absences=absences,
            )
            return Done(file.path, await one.run(), "stored")

    async def in_turns() -> AsyncGenerator[LocalFile | Failed | Skipped, None]:
        await bucket.check_writable()  # also where there are no files
        for number, file in enumerate(files):
            if number % 64 == 0:  # let others work now and then
                await asyncio.sleep(0)
            if not isinstance(file, LocalFile) or file.there is None:
                absences.expect(1)
            yield file

    act = partial(attempt, act=put, name=attrgetter("path"), told=told)
    return Crew(in_turns(), act, Pace(jobs, bucket.stream.js.connector), attrgetter("size")).results()
