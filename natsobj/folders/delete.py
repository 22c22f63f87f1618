"""Many objects deleted: each in the revision that was found, so that what is newer stays."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from operator import attrgetter

from natsobj.bucket import Bucket
from natsobj.errors import ObjectChanged, ObjectNotFound
from natsobj.folders.outcomes import Done, Failed, Outcome, Skipped, attempt
from natsobj.folders.pace import Pace
from natsobj.folders.workers import Crew
from natsobj.models import ObjectInfo
from natsobj.objects.delete import delete_object

__all__ = ["delete_objects"]


async def delete_objects(
    bucket: Bucket,
    objects: AsyncGenerator[ObjectInfo | Failed | Skipped, None],
    *,
    shares: Callable[[ObjectInfo], bool] = lambda _: False,
    jobs: int | None = None,
    told: Callable[[Done], None] = lambda _: None,
) -> AsyncGenerator[Outcome, None]:
    """Delete the objects that are found; outcomes come as they are known, not in order.

    One that has changed since it was found is kept; one that is gone does not fail.

    Args:
        shares: says whether another record names the chunks of one, which stay then.
        jobs: objects at once, as many as the line needs by default.
        told: as `put_files` has it.
    """

    async def delete(info: ObjectInfo) -> Done:
        try:
            gone = await delete_object(
                bucket.stream, info.name, search=True, expected=info.revision, keep_chunks=shares(info)
            )
            return Done(info.name, gone, "deleted")
        except (ObjectChanged, ObjectNotFound):
            return Done(info.name, info, "kept")

    act = partial(attempt, act=delete, name=attrgetter("name"), told=told)
    crew = Crew(objects, act, Pace(jobs, bucket.stream.js.connector), lambda _: 0)
    async with aclosing(crew.results()) as outcomes:
        async for outcome in outcomes:
            yield outcome
