"""A key's record as it is read, whoever wrote it, and what it says of the key."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from natsobj.adr20 import names, records
from natsobj.errors import InvalidMetadata, ObjectExists, ObjectNotFound, SubjectTaken
from natsobj.jetstream import Stored
from natsobj.models import ObjectInfo

__all__ = ["Found", "Record", "read_record"]

_NEVER = datetime.fromtimestamp(0, UTC)
_TOKENS = re.compile(rb'[^\x00-\x20"\\,:{}\[\]]+')


@dataclass(frozen=True, slots=True)
class Record:
    """The last message under one metadata subject: an object, a tombstone, an unreadable one, or none."""

    subject: str
    sequence: int = 0
    """Its place in the stream; 0 when there is none."""
    time: datetime = _NEVER
    data: bytes = b""
    info: ObjectInfo | None = None
    """None when there is nothing, when it expired, and when it cannot be read."""
    error: InvalidMetadata | None = None
    """Why it cannot be read."""
    ttl: int = 0
    """Seconds that it lasts from its time on; 0 is for ever."""

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
        """The object's name; of a record that cannot be read, the key that its subject stands for."""
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
        """Return the seconds that it still lasts, one at least; 0 is for ever."""
        if not self.ttl:
            return 0
        return max(1, round((self.time - now).total_seconds() + self.ttl))

    def expired(self, bucket: str) -> ObjectInfo:
        """Return an object that is no more, of which only the name is known."""
        return ObjectInfo(
            bucket, self.name, 0, 0, self.time, self.sequence, deleted=True, subject=self.subject
        )

    def check_replaceable(self, bucket: str, key: str) -> None:
        """Refuse to put a key's record in the place of another key's object.

        Raises:
            SubjectTaken: an object of another name lies here.
        """
        if self.live is not None and not self.holds(key):
            raise SubjectTaken(bucket, key, self.live.name)

    def check_absent(self, bucket: str, key: str) -> None:
        """Raise `ObjectExists` unless there is nothing, a tombstone, or a note that it expired."""
        if self.live is not None or self.error is not None:
            raise ObjectExists(bucket, key)

    def without_data(self) -> Record:
        """Return it without its JSON, to be kept in numbers."""
        return replace(self, data=b"")

    def may_name(self, nuids: Container[str]) -> set[str]:
        """Return which of these nuids a record that cannot be read could have anything to do with."""
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
    """Where a key's record lies, and what is there."""

    record: Record
    """The record that counts, at the subject where the key's next one belongs."""
    others: tuple[Record, ...] = ()
    """Live records of the same key under other subjects: none is to be left when the key changes."""
    unreadable: tuple[Record, ...] = ()
    """Records that cannot be read, whose subjects stand for the key: nobody's, but shown by its name."""


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
    return Record(subject, sequence, message.time, message.data, info, ttl=message.ttl)
