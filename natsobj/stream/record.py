"""A key's record as it is stored, whichever client wrote it, and what it means for the key."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from natsobj.adr20 import names, records
from natsobj.errors import InvalidMetadata, ObjectExists, ObjectNotFound, SubjectTaken
from natsobj.jetstream import Stored
from natsobj.models import ObjectInfo

__all__ = ["Found", "Record", "read_record"]

_NEVER = datetime.fromtimestamp(0, UTC)
_TOKENS = re.compile(rb'[^\x00-\x20"\\,:{}\[\]]+')


class Record(NamedTuple):
    """The last message under one metadata subject: an object, a tombstone, an unreadable record, or none."""

    subject: str
    sequence: int = 0
    """The stream sequence; 0 if there is no message."""
    time: datetime = _NEVER
    data: bytes = b""
    info: ObjectInfo | None = None
    """None if there is no record, if it expired, or if it cannot be read."""
    error: InvalidMetadata | None = None
    """Why it cannot be read."""
    ttl: int = 0
    """Its lifetime in seconds from `time` on; 0 is for ever."""

    @property
    def live(self) -> ObjectInfo | None:
        """The object; None for a tombstone."""
        return self.info if self.info is not None and not self.info.deleted else None

    @property
    def deleted(self) -> bool:
        """Whether it is a tombstone."""
        return self.info is not None and self.info.deleted

    @property
    def is_nothing(self) -> bool:
        """Whether there is no record, or only the server's note that one expired."""
        return self.info is None and self.error is None

    @property
    def name(self) -> str:
        """The object's name; for an unreadable record, the key that its subject stands for."""
        return self.info.name if self.info is not None else names.key_of_subject(self.subject)

    def holds(self, key: str) -> bool:
        """Return whether it is a live object of this key."""
        return self.live is not None and self.live.name == key

    def existing(self, bucket: str, key: str) -> ObjectInfo:
        """Return the object of this key.

        Raises:
            InvalidMetadata: the record cannot be read.
            ObjectNotFound: there is none, only a tombstone, or an object of another name.
        """
        if self.error is not None:
            raise self.error
        if self.live is None or not self.holds(key):
            raise ObjectNotFound(bucket, key)
        return self.live

    def remaining(self, now: datetime) -> int:
        """Return its remaining lifetime in seconds, at least 1; 0 is for ever."""
        if not self.ttl:
            return 0
        return max(1, round((self.time - now).total_seconds() + self.ttl))

    def expired(self, bucket: str) -> ObjectInfo:
        """Return an expired object, of which only the name is known."""
        return ObjectInfo(
            bucket, self.name, 0, 0, self.time, self.sequence, deleted=True, subject=self.subject
        )

    def check_replaceable(self, bucket: str, key: str) -> None:
        """Refuse to replace an object of another name by this key's record.

        Raises:
            SubjectTaken: an object of another name lies here.
        """
        if self.live is not None and not self.holds(key):
            raise SubjectTaken(bucket, key, self.live.name)

    def check_absent(self, bucket: str, key: str) -> None:
        """Raise `ObjectExists` unless there is no record, a tombstone, or a note that it expired."""
        if self.live is not None or self.error is not None:
            raise ObjectExists(bucket, key)

    def without_data(self) -> Record:
        """Return it without its JSON, so that many can be kept."""
        return self._replace(data=b"")

    def may_name(self, nuids: Container[str]) -> set[str]:
        """Return which of these nuids an unreadable record may name."""
        tokens = (token.decode(errors="surrogateescape") for token in _TOKENS.findall(self.data))
        named = {token for token in tokens if token in nuids}
        try:
            fields = json.loads(self.data)
        except (ValueError, RecursionError):
            return named
        nuid = fields.get("nuid") if isinstance(fields, dict) else None
        return named | {nuid} if isinstance(nuid, str) and nuid in nuids else named


@dataclass(frozen=True, slots=True)
class Found:
    """The result of looking for a key."""

    record: Record
    """The record that counts; the key's next one goes to the same subject."""
    others: tuple[Record, ...] = ()
    """Live records of the same key under other subjects: they must go when the key changes."""
    unreadable: tuple[Record, ...] = ()
    """Unreadable records whose subjects stand for the key, and which are shown under its name."""


def read_record(bucket: str, message: Stored) -> Record:
    """Read a stored metadata message."""
    subject, sequence = message.subject, message.sequence
    if message.marker:
        return Record(subject, sequence, message.time)
    try:
        info = records.decode_object(
            bucket, message.data, subject=subject, revision=sequence, modified=message.time
        )
    except InvalidMetadata as e:
        return Record(subject, sequence, message.time, message.data, error=e.with_traceback(None))
    return Record(subject, sequence, message.time, message.data, info, None, message.ttl)
