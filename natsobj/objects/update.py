"""A change of what is said about an object: its record alone, its bytes stay where they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from natsobj.adr20 import records
from natsobj.models import ObjectInfo
from natsobj.objects.change import change_record
from natsobj.stream import BucketStream, Found, Record
from natsobj.stream.lookup import find

__all__ = ["Edits", "update_object"]


@dataclass(frozen=True, slots=True)
class Edits:
    """What is to be changed; all else stays, fields that we do not know included."""

    description: str | None = None
    """None leaves it, an empty one takes it away."""
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    remove_headers: tuple[str, ...] = ()
    remove_metadata: tuple[str, ...] = ()

    def fields(self, info: ObjectInfo) -> dict[str, object]:
        """Return the fields of a record that become others, with None for one that goes."""
        changed: dict[str, object] = {}
        if self.description is not None and self.description != (info.description or ""):
            changed["description"] = self.description or None
        kept = {name: values for name, values in info.headers.items() if name not in self.remove_headers}
        if (headers := kept | dict(self.headers)) != info.headers:
            changed["headers"] = {name: list(values) for name, values in headers.items()} or None
        metadata = {key: value for key, value in info.metadata.items() if key not in self.remove_metadata}
        if (metadata := metadata | dict(self.metadata)) != info.metadata:
            changed["metadata"] = metadata or None
        return changed


async def update_object(stream: BucketStream, key: str, edits: Edits) -> ObjectInfo:
    """Change an object's record and return it; where nothing would be another nothing is written.

    Raises:
        ObjectNotFound: there is none.
        InvalidMetadata: its record cannot be read.
        RefusedError: the bucket takes no changes.
    """
    found: Found
    found, state = await asyncio.gather(
        find(stream, key, search=True), stream.check_writable(records_only=True)
    )
    info = found.record.existing(stream.bucket, key)
    if not edits.fields(info):
        return info

    def make(current: Record) -> bytes:
        return records.rewrite(current.data, edits.fields(current.existing(stream.bucket, key)))

    changed, _ = await change_record(stream, key, found.record, make, state, lasts=lambda current: current)
    return changed
