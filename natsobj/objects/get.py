"""The life of a get: an object's bytes go into a sink, once more if the object is replaced meanwhile.

`download` moves the bytes of one version of an object, and `byte_range` finds the chunks of a part of it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from natsobj.errors import ObjectChanged, SizeMismatch
from natsobj.files import Sink
from natsobj.models import ObjectInfo
from natsobj.objects.download import Download, readable
from natsobj.objects.link import follow
from natsobj.stream import BucketStream
from natsobj.stream.lookup import find

if TYPE_CHECKING:
    from natsobj.objects.byte_range import Cut
    from natsobj.objects.download import Run

__all__ = ["get_object", "resume_get"]


async def get_object(
    stream: BucketStream, info: ObjectInfo, sink: Sink, *, offset: int = 0, length: int | None = None
) -> ObjectInfo:
    """Fetch an object that is not a link, or a part of it; return the version that was fetched.

    Raises:
        ObjectChanged: it was replaced meanwhile, and the sink cannot start over.
    """
    while True:
        home = stream.another(info.bucket)
        try:
            await _download(home, info, sink, offset, length)
            return info
        except ObjectChanged as changed:
            try:
                sink.restart()
            except io.UnsupportedOperation:
                raise changed from None
            info = await _replacement(home, info)


async def resume_get(
    stream: BucketStream, info: ObjectInfo, path: Path, *, replace: bool, wrap: Callable[[Sink], Sink]
) -> ObjectInfo:
    """Fetch an object into a file, going on with what an earlier get left; return the version fetched."""
    from natsobj.objects.resumed_get import fetch_on

    while True:
        home = stream.another(info.bucket)
        try:
            await fetch_on(home, info, path, replace=replace, wrap=wrap)
            return info
        except ObjectChanged:
            info = await _replacement(home, info)


async def _replacement(stream: BucketStream, info: ObjectInfo) -> ObjectInfo:
    """Return what has replaced an object, read from under the same subject; a link is followed."""
    record = await stream.read(info.subject) if info.subject else (await find(stream, info.name)).record
    return await follow(stream, record.existing(info.bucket, info.name))


async def _download(
    stream: BucketStream, info: ObjectInfo, sink: Sink, offset: int, length: int | None
) -> None:
    readable(info)
    subject = await stream.chunk_subject(info.nuid or "")
    run: Run | None = None
    cut: Cut | None = None
    if offset or length is not None:
        from natsobj.objects.byte_range import Cut, find_run

        length = min(info.size - offset, info.size if length is None else length)
        if length <= 0:
            return
        run, skip = await find_run(stream, info, subject=subject, offset=offset, length=length)
        sink = cut = Cut(sink, skip, length)
    await Download(stream, info, sink, subject=subject, run=run).run()
    if cut is not None and cut.missing:
        raise SizeMismatch(info.bucket, info.name, expected=length or 0, stored=(length or 0) - cut.missing)
