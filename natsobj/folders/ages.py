"""Objects by the time of their last change, as the server's clock has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from natsobj.bucket import Bucket
from natsobj.models import ObjectInfo

__all__ = ["of_age"]


async def of_age(
    bucket: Bucket, *, older_than: timedelta | None, newer_than: timedelta | None
) -> Callable[[ObjectInfo], bool]:
    """Make a test of objects: changed longer ago than the one, and not as long ago as the other."""
    if older_than is None and newer_than is None:
        return lambda _: True
    now = await bucket.stream.clock()

    def test(info: ObjectInfo) -> bool:
        age = now - info.modified
        return (older_than is None or age > older_than) and (newer_than is None or age < newer_than)

    return test
