"""Whether a file and an object have the same content, so that nothing needs to be transferred."""

from __future__ import annotations

import asyncio
import hashlib

from natsobj.bucket import Bucket
from natsobj.errors import InvalidMetadata, ObjectNotFound, SourceChanged
from natsobj.files import Source
from natsobj.models import ObjectInfo

__all__ = ["has_content", "stored_already"]

_BLOCK_SIZE = 1024 * 1024


async def stored_already(bucket: Bucket, key: str, source: Source) -> ObjectInfo | None:
    """Return the object if its content is that of the source; None if it must be stored.

    The source is read only where the sizes are equal, and is then where it began. That the chunks are all
    there is not looked at.

    Raises:
        SourceChanged: the file was written to meanwhile.
    """
    try:
        info = await bucket.info(key)
    except (ObjectNotFound, InvalidMetadata):
        return None
    if info.link is not None or info.sha256 is None or info.size != source.size:
        return None
    same = await _sha256(source) == info.sha256
    source.check()
    source.restart()
    return info if same else None


async def has_content(source: Source, info: ObjectInfo) -> bool:
    """Return whether a file has the content of an object.

    Raises:
        OSError: it cannot be read.
        SourceChanged: it was written to meanwhile.
    """
    if info.link is not None or info.sha256 is None or source.size != info.size:
        return False
    try:
        same = await _sha256(source) == info.sha256
        source.check()
    except SourceChanged as e:
        e.add_note("try again when nothing writes to it")
        raise
    return same


async def _sha256(source: Source) -> str:
    digest = hashlib.sha256()
    while data := await source.read(_BLOCK_SIZE):
        if len(data) < _BLOCK_SIZE:
            digest.update(data)
            await asyncio.sleep(0)  # the connection wants to be heard meanwhile
        else:
            await asyncio.to_thread(digest.update, data)  # several files at once
    return digest.hexdigest()
