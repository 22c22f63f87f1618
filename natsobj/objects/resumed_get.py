"""A get that continues an interrupted one: what is there is hashed again, the rest is fetched."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from natsobj.errors import (
    BucketNotFound,
    ContentBroken,
    DigestMismatch,
    ObjectChanged,
    ObjectNotFound,
    SizeMismatch,
)
from natsobj.files import Sink
from natsobj.files.keeping import note_anew, note_resumed
from natsobj.files.partial_file import PartialFile, open_partial
from natsobj.models import ObjectInfo
from natsobj.objects.byte_range import find_run
from natsobj.objects.download import Begun, Download, Run, readable
from natsobj.stream import BucketStream

__all__ = ["fetch_on"]

log = logging.getLogger(__name__)

_USELESS = (BucketNotFound, ContentBroken, ObjectChanged, ObjectNotFound)
"""Errors after which these bytes are of no use to a later get."""


async def fetch_on(
    stream: BucketStream, info: ObjectInfo, path: Path, *, replace: bool, wrap: Callable[[Sink], Sink]
) -> None:
    """Fetch an object that is not a link to a file, using the bytes that an earlier get has left beside it.

    If this get fails too, the bytes stay for the next one, unless the error makes them useless.

    Args:
        replace: the file may exist already.
        wrap: wraps the sink; it sees all bytes from the first one on, also those that are already there.

    Raises:
        TransferUnderWay: another process is fetching to the same file.
    """
    readable(info)
    subject = await stream.chunk_subject(info.nuid or "")
    with open_partial(path, info.nuid or "", info.size, replace=replace) as partial:
        try:
            await _fetch(stream, info, partial, wrap(partial), subject)
        except _USELESS:
            partial.useless()
            raise


async def _fetch(
    stream: BucketStream, info: ObjectInfo, partial: PartialFile, sink: Sink, subject: str
) -> None:
    size, digest, run = await _begun(stream, info, partial, sink, subject)
    try:
        await Download(stream, info, sink, subject=subject, run=run, begun=digest, size=size).run()
    except (DigestMismatch, SizeMismatch) as e:
        if not size:
            raise
        log.debug("behind %d bytes: %s", size, e)
        note_anew(f"{partial.path} is not the beginning of {info.bucket}/{info.name}")
        sink.restart()
        await Download(stream, info, sink, subject=subject).run()


async def _begun(
    stream: BucketStream, info: ObjectInfo, partial: PartialFile, sink: Sink, subject: str
) -> tuple[int, Begun | None, Run | None]:
    """Return how many bytes are there, their digest, and the chunks that are missing.

    If the object has no digest to check them against in the end, everything is fetched again.
    """
    there, chunk_size = partial.size, info.chunk_size or 0
    if partial.of_another:
        note_anew(f"what was kept is not of what {info.bucket}/{info.name} is now")
    if not there:
        sink.restart()
        return 0, None, None
    if there < info.size:
        there = there // chunk_size * chunk_size if chunk_size > 0 else 0
    if not 0 < there <= info.size or info.sha256 is None:
        return _anew(sink, _why(partial, info))
    if there == info.size:
        run = Run(info.chunks, info.chunks, 0)
    else:
        run, skip = await find_run(stream, info, subject=subject, offset=there, length=info.size - there)
        if skip:
            return _anew(sink, f"the chunks of {info.bucket}/{info.name} are of many sizes")
    note_resumed(there, info.size)
    digest, read = hashlib.sha256(), 0
    for block in partial.beginning(there):
        digest.update(block)
        sink.write(memoryview(block))
        read += len(block)
        await asyncio.sleep(0)  # lets the connection work meanwhile
    if read < there:
        return _anew(sink, f"{partial.path} was cut while it was read")
    log.debug("%s/%s: resuming behind %d bytes", info.bucket, info.name, there)
    return there, digest, run


def _anew(sink: Sink, why: str) -> tuple[int, None, None]:
    note_anew(why)
    sink.restart()
    return 0, None, None


def _why(partial: PartialFile, info: ObjectInfo) -> str:
    if info.sha256 is None:
        return f"{info.bucket}/{info.name} has no digest to check it by"
    return (
        f"{partial.path} is {'longer than the object' if partial.size > info.size else 'less than a chunk'}"
    )
