"""The values that cross the library's boundaries: all frozen, none with behaviour that needs a server.

What callers make (`ObjectMeta`, `BucketConfig`, `Placement`) is checked as it is made: a wrong type is a
`TypeError`, a value that no server or client could take an `InvalidArgument`. Mappings are copied.

Sizes are bytes, durations `timedelta`, times aware UTC `datetime`; a field that is absent is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from natsobj import arguments
from natsobj.errors import InvalidArgument

__all__ = [
    "AccountInfo",
    "BucketConfig",
    "BucketInfo",
    "Change",
    "Cluster",
    "Link",
    "ObjectInfo",
    "ObjectMeta",
    "Orphan",
    "Placement",
    "Problem",
    "Replica",
    "Storage",
    "Tombstone",
    "Verdict",
]

Storage = Literal["file", "memory"]

Problem = Literal["missing_chunks", "wrong_size", "wrong_digest", "unreadable", "shared_nuid", "changed"]
"""What a verification can find. `missing_chunks` is any wrong number; `changed` is not a defect."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link leads: to an object, or to a whole bucket when `name` is None (ADR-20, links)."""

    bucket: str
    name: str | None = None

    def __str__(self) -> str:
        return self.bucket if self.name is None else f"{self.bucket}/{self.name}"


@dataclass(frozen=True, slots=True)
class ObjectMeta:
    """What a writer can set on an object besides its bytes.

    Raises:
        TypeError: a field has a wrong type.
        InvalidArgument: a text is not UTF-8, a number out of range, or a header such that other clients
            could not list the bucket.
    """

    description: str | None = None
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Names (tokens of RFC 9110) and values (printable ASCII), several or one `str`; kept as tuples."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    chunk_size: int | None = None
    """Bytes in a chunk; None is the default of all clients, or less if the server accepts only less."""
    ttl: timedelta | None = None
    """Lifetime, at least one second; None is for ever. The bucket must allow it (`object_ttl`)."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "description", arguments.optional_text(self.description, "ObjectMeta.description"))
        put(self, "headers", arguments.headers(self.headers, "ObjectMeta.headers"))
        put(self, "metadata", arguments.pairs(self.metadata, "ObjectMeta.metadata"))
        put(self, "ttl", arguments.optional_duration(self.ttl, "ObjectMeta.ttl"))
        if self.ttl is not None and self.ttl < timedelta(seconds=1):
            raise InvalidArgument(f"ObjectMeta.ttl must be at least one second, not {self.ttl}")
        size = arguments.optional_number(self.chunk_size, "ObjectMeta.chunk_size", least=1)
        put(self, "chunk_size", size)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object as its metadata record describes it (ADR-20, ObjectInfo)."""

    bucket: str
    name: str
    size: int
    chunks: int
    modified: datetime
    """The timestamp of the metadata message, not a stored field."""
    revision: int
    """The stream sequence of the metadata message."""
    chunk_size: int | None = None
    digest: str | None = None
    """As stored, such as `SHA-256=...`; None if there is none."""
    sha256: str | None = None
    """The digest in hex; None if it is absent or of another kind."""
    nuid: str | None = None
    description: str | None = None
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    link: Link | None = None
    deleted: bool = False
    """A tombstone: size and chunks are 0."""
    subject: str = field(default="", repr=False, compare=False)
    """The subject of its record; empty if it was not read from a bucket."""
    record_size: int = field(default=0, repr=False, compare=False)
    """Bytes of its record, roughly what it takes in memory; 0 if it was not read from a bucket."""


@dataclass(slots=True)
class Folder:
    """The totals of the objects below a folder."""

    name: str
    """The whole prefix, with the slash at the end."""
    objects: int
    size: int
    modified: datetime
    """Of the newest object."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an object."""

    event: Literal["put", "delete"]
    """`put` also stands for a new link, and for a change of the metadata."""
    info: ObjectInfo
    """The object after the change; of an expired one only the name is known."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the servers that keep a bucket must be.

    Raises:
        TypeError: a field has a wrong type.
    """

    cluster: str | None = None
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "cluster", arguments.optional_text(self.cluster, "Placement.cluster"))
        put(self, "tags", arguments.strings(self.tags, "Placement.tags"))


@dataclass(frozen=True, slots=True)
class BucketConfig:
    """The settings of a new bucket (ADR-20, ObjectStoreConfig).

    Raises:
        TypeError: a field has a wrong type.
        InvalidArgument: a value is one that no server could take.
    """

    name: str
    description: str | None = None
    ttl: timedelta | None = None
    """Lifetime of everything in the bucket; None is for ever."""
    replicas: int = 1
    storage: Storage = "file"
    max_bytes: int | None = None
    compressed: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    placement: Placement | None = None
    object_ttl: bool = False
    """Whether objects may have a lifetime of their own."""

    def __post_init__(self) -> None:
        put, of = object.__setattr__, "BucketConfig"
        put(self, "name", arguments.string(self.name, f"{of}.name"))
        put(self, "description", arguments.optional_text(self.description, f"{of}.description"))
        put(self, "ttl", arguments.optional_duration(self.ttl, f"{of}.ttl"))
        put(self, "replicas", arguments.number(self.replicas, f"{of}.replicas", least=1))
        put(self, "storage", arguments.string(self.storage, f"{of}.storage"))
        if self.storage not in get_args(Storage):
            raise InvalidArgument(f"{of}.storage must be file or memory, not {self.storage!r}")
        put(self, "max_bytes", arguments.optional_number(self.max_bytes, f"{of}.max_bytes", least=1))
        put(self, "object_ttl", arguments.flag(self.object_ttl, f"{of}.object_ttl"))
        put(self, "compressed", arguments.flag(self.compressed, f"{of}.compressed"))
        put(self, "metadata", arguments.pairs(self.metadata, f"{of}.metadata"))
        if self.placement is not None:
            arguments.instance(self.placement, Placement, f"{of}.placement", "a Placement or None")


@dataclass(frozen=True, slots=True)
class Replica:
    """One follower of the leader of a bucket's stream."""

    name: str
    current: bool
    lag: int
    """How many operations it is behind the leader."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The servers that keep a bucket's stream."""

    name: str | None
    leader: str | None
    replicas: tuple[Replica, ...] = ()


@dataclass(frozen=True, slots=True)
class BucketInfo:
    """One bucket as its stream describes it."""

    bucket: str
    stream: str
    created: datetime
    size: int
    """Bytes of the stream: chunks, metadata and overhead."""
    description: str | None = None
    last_update: datetime | None = None
    """None if nothing was ever written."""
    objects: int | None = None
    """Live objects; None if they were not counted."""
    chunks: int | None = None
    """Stored chunks; None if they were not counted."""
    storage: Storage = "file"
    replicas: int = 1
    ttl: timedelta | None = None
    object_ttl: bool = False
    """Whether objects may have a lifetime of their own."""
    max_bytes: int | None = None
    sealed: bool = False
    mirror: bool = False
    compressed: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The user's own, without what the server adds (`_nats.`)."""
    placement: Placement | None = None
    cluster: Cluster | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The stream info as the server sent it."""


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """The account's object store as a whole."""

    buckets: int
    size: int
    """Bytes of all buckets' streams."""
    storage: Mapping[str, int]
    """Bytes that JetStream uses in the account: `file` and `memory`, other streams included."""
    limits: Mapping[str, int | None]
    """`file`, `memory` (bytes), `streams`, `consumers`; None: unlimited."""
    server: str
    """The server that answered, as `name (version)`."""
    cluster: str | None = None
    domain: str | None = None
    used: Mapping[str, int] = field(default_factory=dict)
    """How many `streams` and `consumers` the account has, including those that are not of buckets."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of verifying one object."""

    bucket: str
    name: str
    """For an unreadable record, the key that its subject stands for."""
    size: int = 0
    """As its record says."""
    problem: Problem | None = None
    detail: str | None = None
    """What is wrong, with numbers."""

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return self.problem is None

    @property
    def broken(self) -> bool:
        """Whether it is broken; an object that changed meanwhile is not."""
        return self.problem not in (None, "changed")


@dataclass(frozen=True, slots=True)
class Orphan:
    """Chunks that no object refers to: of an interrupted upload, or of an object that is gone."""

    nuid: str
    chunks: int
    age: timedelta
    """Of the newest chunk, by the server's clock."""
    removed: bool = False
    young: bool = False
    """Too young to be removed: the upload may still be running."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A record without an object: a tombstone, or an unreadable record."""

    name: str
    """For an unreadable record, the key that its subject stands for."""
    age: timedelta
    removed: bool = False
    unreadable: bool = False
    """Whether the record cannot be read."""
