"""Links: following one, and creating one, which is a record without chunks."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime

from natsobj.adr20 import names, records
from natsobj.errors import (
    BucketNotFound,
    InvalidArgument,
    InvalidMetadata,
    LinkError,
    LinkRefused,
    ObjectExists,
)
from natsobj.models import Link, ObjectInfo
from natsobj.objects.change import change_record
from natsobj.objects.commit import remove_others
from natsobj.stream import BucketStream, Found, Record
from natsobj.stream.lookup import find

__all__ = ["check_no_object", "follow", "make_link"]

_NOTHING = hashlib.sha256(b"").digest()
"""A link has the digest of no bytes: the Go command cannot show a record without one."""


async def follow(stream: BucketStream, info: ObjectInfo) -> ObjectInfo:
    """Return what a link leads to, in one step, and anything else unchanged.

    Raises:
        ObjectNotFound: it leads to nothing.
        LinkError: it leads to a bucket, into a missing one or to another link.
        InvalidMetadata: it leads to an invalid name.
    """
    link = info.link
    if link is None:
        return info
    where = f"{info.bucket}/{info.name} -> {link}"
    if link.name is None:
        raise LinkError(f"a link to a bucket, not to an object: {where}")
    try:
        stream = stream.another(names.check_bucket_name(link.bucket))
        names.check_key(link.name)
    except InvalidArgument as e:
        raise InvalidMetadata(info.bucket, info.name, f"a link to {link}: {e}") from None
    try:
        target = (await find(stream, link.name)).record.existing(link.bucket, link.name)
    except BucketNotFound as e:
        raise LinkError(f"a link to a missing bucket: {where}") from e
    if target.link is not None:
        raise LinkError(f"a link to a link: {where} -> {target.link}")
    return target


async def make_link(stream: BucketStream, key: str, link: Link, *, replace: bool) -> ObjectInfo:
    """Create a link and return it.

    Args:
        replace: another link may be there already.

    Raises:
        ObjectNotFound: it would lead to nothing.
        LinkRefused: it would lead to a link.
        ObjectExists: an object is there, a record that cannot be read, or a link that is to stay.
        SubjectTaken: an object of another name lies there.
        RefusedError: the bucket takes no changes.
    """
    state, found, _ = await asyncio.gather(
        stream.check_writable(records_only=True),
        find(stream, key, thorough=True),
        _check_target(stream, key, link),
    )
    info = ObjectInfo(
        bucket=stream.bucket,
        name=key,
        size=0,
        chunks=0,
        modified=datetime.now(UTC),
        revision=0,
        digest=records.format_digest(_NOTHING),
        nuid=names.new_nuid(),
        link=link,
    )

    def make(current: Record) -> bytes:
        _check_place(stream.bucket, key, Found(current, found.others), replace=replace)
        return records.encode_object(info)

    stored, _ = await change_record(stream, key, found.record, make, state)
    await remove_others(stream, found.others)
    return stored


async def _check_target(stream: BucketStream, key: str, link: Link) -> None:
    """Refuse an invalid target."""
    target = stream.another(link.bucket)
    if link.name is None:
        await target.state()
        return
    info = (await find(target, link.name, search=True)).record.existing(link.bucket, link.name)
    if info.link is not None:
        raise LinkRefused(stream.bucket, key, f"{link} -> {info.link}")


def check_no_object(bucket: str, key: str, record: Record) -> None:
    """Raise `ObjectExists` if a link would replace an object: it could even be its own target."""
    if record.live is not None and record.live.link is None:
        error = ObjectExists(bucket, key)
        error.add_note("a link never replaces an object: delete it first")
        raise error


def _check_place(bucket: str, key: str, found: Found, *, replace: bool) -> None:
    """Refuse to create a link over an object, or over a link that may not be replaced."""
    found.record.check_replaceable(bucket, key)
    if replace and found.record.error is None:
        for record in (found.record, *found.others):
            check_no_object(bucket, key, record)
    else:
        found.record.check_absent(bucket, key)
