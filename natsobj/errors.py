"""Every error that natsobj raises on purpose.

NatsobjError
├── InvalidArgument             an argument that no server could accept
│   ├── ContextNotFound         no such context of the nats command
│   ├── InvalidBucketName
│   └── InvalidKey
├── BucketNotFound
├── ObjectNotFound              never stored, deleted, or deleted while it was read
├── TemporaryError              trying again may help
│   ├── ServerUnavailable       nobody answers at the address
│   ├── RequestTimeout          connected, but no answer came
│   ├── JetStreamUnavailable    no JetStream, a wrong domain, or no leader
│   ├── UnsupportedServer       older than nats-server 2.11
│   ├── MalformedAnswer         an answer that makes no sense
│   ├── OutcomeUnknown          the server never said whether a change was stored
│   ├── ChunksLost              others changed what an upload had stored so far
│   ├── SourceChanged           the file changed while it was stored
│   └── ObjectChanged           another writer was there at the same time
├── RefusedError                the state of the store does not allow it
│   ├── BucketExists
│   ├── ObjectExists
│   ├── ObjectTooLarge          more bytes than the caller wants to read
│   ├── ContentMismatch         --if-match: the stored content differs
│   ├── RevisionMismatch        --if-revision: the stored revision differs
│   ├── FileExists              the local target
│   ├── TransferUnderWay        another process goes on with the same transfer
│   ├── BucketSealed
│   ├── BucketReadOnly          a mirror
│   ├── UnsuitableStream        settings that lose or refuse objects
│   ├── SubjectTaken            another client's object lies under the key's subject
│   ├── LinkRefused             a link to a link
│   ├── BucketFull              the bucket's or the server's limit
│   └── ConfigRefused           the server refuses these settings
├── AuthorizationError
│   ├── AuthenticationFailed    no or wrong credentials
│   ├── PermissionDenied        the credentials do not allow this subject
│   └── CertificateError        TLS: one side does not trust the other's certificate
├── ContentBroken
│   ├── ChunksMissing
│   ├── SizeMismatch
│   ├── DigestMismatch
│   └── InvalidMetadata         a metadata record that cannot be read
├── LinkError                   a link that leads nowhere, or to another link
├── LocalServerError            the local server cannot be started or stopped
└── ServerError                 an answer of the server that has no better name

Messages are lower case, without a full stop, and name the thing. What a user can do about an error, and
which exit code it gets, is the command line's business. This stays one file, however long: callers choose
what to catch from the whole tree, and a test compares the drawing to the classes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AuthenticationFailed",
    "AuthorizationError",
    "BucketExists",
    "BucketFull",
    "BucketNotFound",
    "BucketReadOnly",
    "BucketSealed",
    "CertificateError",
    "ChunksLost",
    "ChunksMissing",
    "ConfigRefused",
    "ContentBroken",
    "ContentMismatch",
    "ContextNotFound",
    "DigestMismatch",
    "FileExists",
    "InvalidArgument",
    "InvalidBucketName",
    "InvalidKey",
    "InvalidMetadata",
    "JetStreamUnavailable",
    "LinkError",
    "LinkRefused",
    "LocalServerError",
    "MalformedAnswer",
    "NatsobjError",
    "ObjectChanged",
    "ObjectExists",
    "ObjectNotFound",
    "ObjectTooLarge",
    "OutcomeUnknown",
    "PermissionDenied",
    "RefusedError",
    "RequestTimeout",
    "RevisionMismatch",
    "ServerError",
    "ServerUnavailable",
    "SizeMismatch",
    "SourceChanged",
    "SubjectTaken",
    "TemporaryError",
    "TransferUnderWay",
    "UnsuitableStream",
    "UnsupportedServer",
]


class NatsobjError(Exception):
    """Anything that natsobj foresees going wrong; `str()` is one line that names the thing."""

    def __reduce__(self) -> tuple[object, ...]:
        return _as_it_was, (type(self), self.args), self.__dict__


def _as_it_was(kind: type[NatsobjError], args: tuple[object, ...]) -> NatsobjError:
    """Make an error that was pickled: its message is made already."""
    error = kind.__new__(kind)
    error.args = args
    return error


class InvalidArgument(NatsobjError):
    """An argument that no server could accept."""


class ContextNotFound(InvalidArgument):
    """No context of the nats command has that name, among those that are `known`.

    `selector` is the file that selects it, when neither an option nor a variable names it.
    """

    def __init__(
        self, name: str, known: tuple[str, ...] = (), *, selector: str = "", no_home: bool = False
    ) -> None:
        self.name = name
        self.known = known
        what = f"{selector} selects a context that does not exist" if selector else "no such context"
        why = ": without an absolute HOME or XDG_CONFIG_HOME there is none" if no_home else ""
        super().__init__(f"{what}: {name}{why}")


class InvalidBucketName(InvalidArgument):
    """A bucket name outside `[A-Za-z0-9_-]+` (ADR-20, naming)."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"invalid bucket name: {bucket or 'an empty one'}")


class InvalidKey(InvalidArgument):
    """A key that is empty, too long for the server, or not UTF-8."""

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        super().__init__(f"invalid key: {reason}")


class BucketNotFound(NatsobjError):
    """No stream of that bucket in this account and domain."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"no such bucket: {bucket}")


class ObjectNotFound(NatsobjError):
    """No live object under that key; a tombstone counts as none."""

    def __init__(
        self,
        bucket: str,
        key: str,
        *,
        deleted_meanwhile: bool = False,
        unmatched: bool = False,
        names: Sequence[str] | None = None,
    ) -> None:
        self.bucket = bucket
        self.key = key
        self.unmatched = unmatched
        """Whether there may be objects below this prefix, but none that was asked for."""
        self.deleted_meanwhile = deleted_meanwhile
        self.names = names
        """The names that were read in search of it; None when there was no search."""
        what = "no matching object" if unmatched else "no such object"
        what = "deleted while it was read" if deleted_meanwhile else what
        super().__init__(f"{what}: {bucket}/{key}")


class TemporaryError(NatsobjError):
    """Trying again may help."""

    worn_out = False
    """Whether it has been retried for six timeouts."""

    def __init__(self, *message: object) -> None:
        self.when = time.monotonic()
        """When it was noticed."""
        super().__init__(*message)


CONNECTION_LOST = "connection lost"
"""The reason of `ServerUnavailable` where there was a connection."""


class ServerUnavailable(TemporaryError):
    """Nobody answers at the address, or the connection was lost for good."""

    def __init__(self, servers: str, reason: str = "") -> None:
        self.servers = servers
        self.reason = reason
        super().__init__(f"no server at {servers}" + (f": {reason}" if reason else ""))


class RequestTimeout(TemporaryError):
    """Connected, but the server is silent."""

    def __init__(self, what: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"{what}: no answer within {seconds:.3g} s")


class JetStreamUnavailable(TemporaryError):
    """JetStream is off for the server or account, the domain is wrong, or there is no leader now.

    `lasting`: waiting does not help.
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(message)


class UnsupportedServer(TemporaryError):
    """A nats-server that is older than 2.11."""

    def __init__(self, version: str) -> None:
        self.version = version
        super().__init__(f"nats-server {version} is too old: 2.11 or newer is needed")


class MalformedAnswer(TemporaryError):
    """An answer that makes no sense: not JSON, fields of wrong types, or an answer to something else."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"invalid answer from the server: {what}")


class OutcomeUnknown(TemporaryError):
    """The server never confirmed a change: it may be stored or not."""

    def __init__(self, bucket: str, key: str) -> None:
        self.bucket = bucket
        self.key = key
        super().__init__(f"outcome unknown: the server did not confirm {bucket}/{key}")


class ChunksLost(TemporaryError):
    """What an upload had stored so far was changed or removed by others; nothing was stored."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"chunks of an upload to {bucket} were changed or removed by others")


class SourceChanged(TemporaryError):
    """The file changed while it was being stored; nothing was stored.

    Args:
        only_time: only its modification time changed, which some file systems do by themselves.
    """

    def __init__(self, path: str, *, only_time: bool = False) -> None:
        self.path = path
        self.only_time = only_time
        how = " (its modification time, not its size)" if only_time else ""
        super().__init__(f"changed while it was read: {path}{how}")


class ObjectChanged(TemporaryError):
    """Another writer was there: the object was replaced while it was read, or while a change was in doubt."""

    def __init__(self, bucket: str, key: str, *, read: bool = True) -> None:
        self.bucket = bucket
        self.key = key
        how = "changed while it was read" if read else "replaced by another writer at the same time"
        super().__init__(f"{how}: {bucket}/{key}")


class RefusedError(NatsobjError):
    """What exists already does not allow it."""


class BucketExists(RefusedError):
    """The bucket exists."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"bucket exists: {bucket}")


class ObjectExists(RefusedError):
    """`if_absent` was given, and the key has a live object."""

    def __init__(self, bucket: str, key: str) -> None:
        self.bucket = bucket
        self.key = key
        super().__init__(f"object exists: {bucket}/{key}")


class ObjectTooLarge(RefusedError):
    """The object has more bytes than `limit` allows in memory; nothing was fetched."""

    def __init__(self, bucket: str, key: str, *, size: int, limit: int) -> None:
        self.bucket = bucket
        self.key = key
        self.size = size
        self.limit = limit
        super().__init__(f"object is too large: {bucket}/{key}: {size:,} bytes, the limit is {limit:,}")


class ContentMismatch(RefusedError):
    """`if_match` was given, and the stored content, if any, is different."""

    def __init__(self, bucket: str, key: str) -> None:
        self.bucket = bucket
        self.key = key
        super().__init__(f"stored content does not match --if-match: {bucket}/{key}")


class RevisionMismatch(RefusedError):
    """`if_revision` was given, and the stored revision, if any, is different."""

    def __init__(self, bucket: str, key: str, *, expected: int, actual: int) -> None:
        self.bucket = bucket
        self.key = key
        self.expected = expected
        self.actual = actual
        """0 if there is nothing."""
        found = f"revision {actual}" if actual else "no object"
        super().__init__(f"expected revision {expected}, found {found}: {bucket}/{key}")


class FileExists(RefusedError):
    """The local target exists, and replacing it was not asked for."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"file exists: {path}")


class TransferUnderWay(RefusedError):
    """Another process transfers the same at this moment, and two cannot go on where one has stopped."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"another --resume is under way: {path}")


class BucketSealed(RefusedError):
    """The bucket was made read-only for good."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"bucket is sealed: {bucket}")


class BucketReadOnly(RefusedError):
    """The bucket is a mirror: it has no subjects to write to."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"bucket is a mirror and read-only: {bucket}")


class UnsuitableStream(RefusedError):
    """The bucket's stream is configured so that it loses objects, or cannot take them."""

    def __init__(self, bucket: str, reasons: Sequence[str]) -> None:
        self.bucket = bucket
        self.reasons = tuple(reasons)
        super().__init__(f"bucket cannot keep objects: {bucket}: {'; '.join(reasons)}")


class SubjectTaken(RefusedError):
    """Under the key's subject lies an object of another name, which another client put there."""

    def __init__(self, bucket: str, key: str, name: str) -> None:
        self.bucket = bucket
        self.key = key
        self.name = name
        super().__init__(f"cannot store {bucket}/{key}: it would replace another object: {name}")


class LinkRefused(RefusedError):
    """A link leads to an object or a bucket, never to another link."""

    def __init__(self, bucket: str, key: str, target: str) -> None:
        self.bucket = bucket
        self.key = key
        super().__init__(f"cannot link to a link: {bucket}/{key} -> {target}")


class BucketFull(RefusedError):
    """The bucket's own limit or the server's storage is reached."""

    def __init__(self, bucket: str, reason: str) -> None:
        self.bucket = bucket
        self.reason = reason
        super().__init__(f"bucket is full: {bucket}: {reason}")


class ConfigRefused(RefusedError):
    """The server refuses the settings of a bucket or a message of this size."""


class AuthorizationError(NatsobjError):
    """The server does not let the client do this."""


class AuthenticationFailed(AuthorizationError):
    """No credentials, or wrong ones."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        super().__init__(f"not authorised by {servers}")


class PermissionDenied(AuthorizationError):
    """The credentials are good but not for this subject."""

    def __init__(self, subject: str, *, subscribing: bool = False) -> None:
        self.subject = subject
        self.verb = "subscribe" if subscribing else "publish"
        """What is not allowed to do with it."""
        super().__init__(f"permission denied: {subject}")


class CertificateError(AuthorizationError):
    """TLS failed because one side does not trust the other's certificate."""


class ContentBroken(NatsobjError):
    """What is stored is not what its metadata says."""


class ChunksMissing(ContentBroken):
    """Fewer or more chunks are stored than the metadata says."""

    def __init__(self, bucket: str, key: str, *, expected: int, stored: int) -> None:
        self.bucket = bucket
        self.key = key
        self.expected = expected
        self.stored = stored
        super().__init__(f"broken: {bucket}/{key}: {stored:,} of {expected:,} chunks are stored")


class SizeMismatch(ContentBroken):
    """The stored chunks have another total size than the metadata says."""

    def __init__(self, bucket: str, key: str, *, expected: int, stored: int) -> None:
        self.bucket = bucket
        self.key = key
        self.expected = expected
        self.stored = stored
        super().__init__(f"broken: {bucket}/{key}: {stored:,} bytes instead of {expected:,}")


class DigestMismatch(ContentBroken):
    """The digest of the bytes differs from the one in the metadata (both hex SHA-256)."""

    def __init__(self, bucket: str, key: str, *, expected: str, actual: str, size: int = 0) -> None:
        self.bucket = bucket
        self.key = key
        self.size = size
        """Bytes of the object; their number is right."""
        self.expected = expected
        self.actual = actual
        super().__init__(f"broken: {bucket}/{key}: digest is {actual[:12]} instead of {expected[:12]}")


class InvalidMetadata(ContentBroken):
    """A metadata record that cannot be read as an ADR-20 object, or lacks what reading the object takes."""

    def __init__(self, bucket: str, where: str, reason: str) -> None:
        self.bucket = bucket
        self.where = where
        super().__init__(f"unreadable metadata: {bucket}/{where}: {reason}")


class LinkError(NatsobjError):
    """A link that cannot be followed as asked."""


class LocalServerError(NatsobjError):
    """The local server cannot be started, found or stopped."""


class ServerError(NatsobjError):
    """The server answered with an error that has no class of its own.

    `code` is JetStream's `err_code`, 0 if there is none.
    """

    def __init__(self, message: str, code: int = 0) -> None:
        self.code = code
        super().__init__(message + (f" ({code})" if code else ""))
