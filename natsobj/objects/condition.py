"""On which condition a put may replace what is stored."""

from __future__ import annotations

from dataclasses import dataclass

from natsobj.errors import ContentMismatch, RevisionMismatch
from natsobj.stream import Record

__all__ = ["Condition"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be true of the stored object so that a put may replace it."""

    absent: bool = False
    sha256: str | None = None
    """The SHA-256 of the stored content, in hex."""
    revision: int | None = None
    """0: there must be none."""

    def check(self, bucket: str, key: str, record: Record) -> None:
        """Raise if a record may not be replaced.

        Raises:
            ObjectExists: there is one, or one that cannot be read.
            ContentMismatch: there is no object, or other content.
            RevisionMismatch: there is no object, or another revision.
            SubjectTaken: an object of another name has the same subject.
        """
        record.check_replaceable(bucket, key)
        if self.absent:
            record.check_absent(bucket, key)
        if self.sha256 is not None and (record.live is None or record.live.sha256 != self.sha256.lower()):
            raise ContentMismatch(bucket, key)
        if self.revision is not None:
            there = 0 if record.is_nothing or record.deleted else record.sequence
            if there != self.revision:
                raise RevisionMismatch(bucket, key, expected=self.revision, actual=there)

    def __bool__(self) -> bool:
        return self.absent or self.sha256 is not None or self.revision is not None
