"""Buckets that need not be there, or that nobody here may look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsobj.errors import BucketExists, PermissionDenied

if TYPE_CHECKING:
    from natsobj.bucket import Bucket
    from natsobj.models import BucketConfig, BucketInfo
    from natsobj.store import Store

__all__ = ["create_if_missing", "status_if_allowed"]


async def create_if_missing(store: Store, config: BucketConfig) -> tuple[Bucket, bool]:
    """Return a bucket, and whether it had to be created."""
    try:
        return await store.create_bucket(config), True
    except BucketExists:
        return store.bucket(config.name), False


async def status_if_allowed(bucket: Bucket) -> BucketInfo | None:
    """Return a bucket's status, or None: who may create or delete it need not be allowed to look at it."""
    try:
        return await bucket.status(lenient=True)
    except PermissionDenied:
        return None
