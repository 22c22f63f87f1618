"""The verbs of the library, blocking. Written by scripts/blocking: never edit it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from natsobj import bucket as _bucket
from natsobj import reader as _reader
from natsobj import store as _store
from natsobj.blocking.loop import Face, shared_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from natsobj.errors import InvalidMetadata
    from natsobj.files import Sink, Source
    from natsobj.files.given import Data, StrPath, Target
    from natsobj.models import (
        AccountInfo,
        BucketConfig,
        BucketInfo,
        Change,
        Link,
        ObjectInfo,
        ObjectMeta,
        Placement,
        Storage,
    )
    from natsobj.settings import Settings

__all__ = ["Bucket", "ObjectReader", "Store", "connect"]


class ObjectReader(Face[_reader.ObjectReader]):
    """The chunks of one object: `for chunk in reader`."""

    @property
    def info(self) -> ObjectInfo:
        """The object that is read."""
        return self._inner.info

    def __iter__(self) -> Iterator[bytes]:
        return self._loop.iterate(aiter(self._inner), ahead=4)


class Bucket(Face[_bucket.Bucket]):
    """A bucket by its name; no request is sent before a verb needs it.

    Every verb raises `BucketNotFound` if there is no such bucket, and `TemporaryError` or
    `AuthorizationError` if the server cannot or will not answer.
    """

    @property
    def name(self) -> str:
        """The bucket's name."""
        return self._inner.name

    def status(self, *, lenient: bool = False) -> BucketInfo:
        """Return the bucket with its live objects and stored chunks counted.

        Args:
            lenient: numbers that the credentials do not allow to ask for are None, and for a bucket that
                was just created the server's answer to that is enough.
        """
        return self._loop.run(self._inner.status(lenient=lenient))

    def seal(self) -> None:
        """Make the bucket read-only for good: this cannot be undone. Sealing a sealed bucket does nothing."""
        self._loop.run(self._inner.seal())

    def info(
        self, key: str, *, follow: bool = False, search: bool = False, deleted: bool = False
    ) -> ObjectInfo:
        """Return one object.

        Args:
            follow: for a link, return the object that it leads to (one step; its `bucket` may be another).
            search: if the object is not where today's clients put it, search for its name: among the first
                10,000 of the bucket, for one second at most.
            deleted: if the object was deleted, return its tombstone.

        Raises:
            ObjectNotFound: there is none, or only a tombstone.
            InvalidMetadata: the record cannot be read, or is a link to an invalid name.
            LinkError: a link to follow leads to a bucket, into a missing bucket, or to another link.
        """
        return self._loop.run(self._inner.info(key, follow=follow, search=search, deleted=deleted))

    def follow(self, info: ObjectInfo) -> ObjectInfo:
        """Return the object that a link leads to, or `info` itself; raises what `info` raises."""
        return self._loop.run(self._inner.follow(info))

    def list(
        self,
        prefix: str = "",
        *,
        deleted: bool = False,
        on_unreadable: Callable[[InvalidMetadata], None] | None = None,
    ) -> Iterator[ObjectInfo]:
        """Iterate over the objects in the order of their last change, oldest first.

        An object that changes meanwhile is yielded once, as it was or as it is.

        Args:
            prefix: only keys that begin with it.
            deleted: yield tombstones, too.
            on_unreadable: is called with the error of a record that cannot be read; by default that error is
                raised.
        """
        return self._loop.iterate(self._inner.list(prefix, deleted=deleted, on_unreadable=on_unreadable))

    def entries(self, prefix: str = "") -> Iterator[ObjectInfo | InvalidMetadata]:
        """Iterate over every record: objects, tombstones, and the errors of those that cannot be read.

        Args:
            prefix: only keys that begin with it; errors are always included.
        """
        return self._loop.iterate(self._inner.entries(prefix))

    def watch(
        self,
        prefix: str = "",
        *,
        history: bool = False,
        deletes: bool = True,
        on_unreadable: Callable[[InvalidMetadata], None] | None = None,
    ) -> Iterator[Change | None]:
        """Iterate over changes as they happen, without end: each once, across restarts and lost connections.

        Of the changes to an object while there is no connection only the last is yielded. A rename is a `put`
        under the new name.

        Args:
            prefix: only keys that begin with it.
            history: begin with every object there is, oldest change first, then None.
            deletes: yield deletions, too.
            on_unreadable: is called with the error of a record that cannot be read; by default that error is
                raised.

        Raises:
            TemporaryError: the server was silent for six times the timeout.
        """
        return self._loop.iterate(
            self._inner.watch(prefix, history=history, deletes=deletes, on_unreadable=on_unreadable)
        )

    def check_writable(self) -> None:
        """Raise `BucketSealed`, `BucketReadOnly` or `UnsuitableStream` if nothing can be stored."""
        self._loop.run(self._inner.check_writable())

    def put(
        self,
        key: str,
        data: Data,
        meta: ObjectMeta | None = None,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        if_revision: int | None = None,
        read_back: bool = True,
        resume: StrPath | None = None,
        wrap: Callable[[Source], Source] | None = None,
    ) -> ObjectInfo:
        """Store an object. Readers see the old one or the new one, never a mixture and never nothing.

        If it raises, the old object is unchanged and no chunks are left (with one exception: after
        `OutcomeUnknown` they stay, because the new object may be stored).

        Args:
            data: bytes, a `Path`, a binary file (read from its current position to its end), an iterable or
                asynchronous iterable of bytes, or a `Source`. What may block is read in a thread.
            if_absent: only if the key has no object; the server decides.
            if_match: only if the stored content has this SHA-256 (hex).
            if_revision: only if this revision is stored; 0: only if there is none.
            read_back: ask for the time that the server gave the object. Without it a round trip is saved,
                and `modified` is by the clock of this machine.
            resume: go on where an earlier put of the same `Path` ended, and keep what was stored if this one
                fails. The progress is kept in this folder, which is created if missing; the command uses
                `$XDG_STATE_HOME/natsobj/uploads`. The file is hashed again, and sent again from the start if
                anything has changed.
            wrap: returns the source to read from, given the one made from `data`; for progress.

        Raises:
            ObjectExists: `if_absent` and there is one.
            ContentMismatch: `if_match`, and there is no object or other content.
            RevisionMismatch: `if_revision`, and there is another revision or none.
            SubjectTaken: another client stored an object of another name under this key's subject.
            SourceChanged: the file changed while it was read.
            TransferUnderWay: `resume`, and another process stores the same file.
            RefusedError: the bucket is sealed, a mirror, full, or its stream does not keep objects.
            TypeError: an argument has a wrong type, or an iterable yields something other than bytes. Errors
                of the iterable itself are raised unchanged.
            InvalidArgument: the key or a value in `meta` is invalid, or exceeds a limit of the server.
            ChunksMissing: the bucket, made by another client, drops its oldest messages when it is full, and
                dropped the first chunks to make room for the record.
        """
        return self._loop.run(
            self._inner.put(
                key,
                data,
                meta,
                if_absent=if_absent,
                if_match=if_match,
                if_revision=if_revision,
                read_back=read_back,
                resume=resume,
                wrap=wrap,
            )
        )

    def get(
        self,
        key: str | ObjectInfo,
        into: Target,
        *,
        offset: int = 0,
        length: int | None = None,
        replace: bool = False,
        resume: bool = False,
        wrap: Callable[[Sink], Sink] | None = None,
    ) -> ObjectInfo:
        """Fetch an object and verify it; a link is followed.

        Args:
            key: a key, or an object that `info` or `list` returned.
            into: a `Path` is written whole or not at all. A binary file is written from its current position,
                and a `Sink` as the bytes arrive: these two may have received bytes of an object that turns
                out to be broken.
            offset: bytes to skip at the beginning.
            length: bytes to fetch at most. Chunks outside the range are not transferred, and the digest
                of a part cannot be checked.
            replace: replace a file that exists.
            resume: go on where an earlier get into the same `Path` ended, and keep the partial file if this
                one fails. Bytes of an earlier run are hashed again, and the whole is verified.
            wrap: returns the sink to write to, given the one made from `into`; for progress.

        Returns:
            The object that was fetched: a newer one, if it was replaced and the target could start over.

        Raises:
            ObjectNotFound: there is none, or it was deleted while it was read.
            ObjectChanged: it was replaced while it was read, and the target cannot start over.
            ContentBroken: the stored bytes do not match the metadata.
            FileExists: the path exists, and `replace` is false.
            TransferUnderWay: `resume`, and another process fetches into the same path.
            InvalidArgument: `resume` of a part, or into something that is not a regular file.
            OSError: the file cannot be written.
            TypeError: an argument has a wrong type.
        """
        return self._loop.run(
            self._inner.get(
                key, into, offset=offset, length=length, replace=replace, resume=resume, wrap=wrap
            )
        )

    def read(
        self, key: str | ObjectInfo, *, offset: int = 0, length: int | None = None, limit: int | None = None
    ) -> bytes:
        """Return the bytes of an object or of a part of it; see `get`.

        Args:
            limit: the most bytes to hold in memory.

        Raises:
            ObjectTooLarge: the object has more; nothing was fetched.
        """
        return self._loop.run(self._inner.read(key, offset=offset, length=length, limit=limit))

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[ObjectReader]:
        """Open an object for reading in chunks; the iteration raises what `get` raises.

        After the block, it raises a `ValueError`.

        Raises:
            ObjectNotFound: there is none.
        """
        with self._loop.entered(self._inner.open(key)) as inner:
            yield ObjectReader(inner, self._loop)

    def delete(
        self, key: str, *, search: bool = False, unreadable: bool = False, revision: int | None = None
    ) -> ObjectInfo:
        """Delete an object and return it as it was, with `deleted` true.

        Args:
            search: see `info`.
            unreadable: also remove a record of that name that cannot be read, and the chunks that only it may
                name.
            revision: only this revision.

        Raises:
            ObjectNotFound: there is none.
            ObjectChanged: another revision than `revision` is stored, or another writer changed it.
            InvalidMetadata: its record cannot be read.
            RefusedError: the bucket is sealed, a mirror, or its stream does not keep records.
        """
        return self._loop.run(
            self._inner.delete(key, search=search, unreadable=unreadable, revision=revision)
        )

    def move(
        self,
        key: str,
        to: str,
        *,
        bucket: str | None = None,
        replace: bool = False,
        wrap: Callable[[Source], Source] | None = None,
    ) -> ObjectInfo:
        """Rename an object with its metadata, and return it under the new name.

        At any moment at least one of the two names works. Moving an object onto itself does nothing. Moving a
        link moves the link, not the object that it leads to.

        Args:
            bucket: another bucket: the bytes are copied, verified, and then deleted here.
            replace: replace an object that exists.
            wrap: returns the source to copy from, given the stored object; for progress.

        Raises:
            ObjectNotFound: there is none.
            ObjectExists: the new name has an object; the server decides.
            SubjectTaken: another client stored an object of another name under the new one's subject.
            ObjectChanged: another writer changed it at the same time.
            ContentBroken: the stored bytes do not match the record; the object stays where it is.
            RefusedError: one of the buckets is sealed, a mirror, full, or does not keep objects.
        """
        return self._loop.run(self._inner.move(key, to, bucket=bucket, replace=replace, wrap=wrap))

    def copy(
        self,
        key: str,
        to: str,
        *,
        bucket: str | None = None,
        replace: bool = False,
        wrap: Callable[[Source], Source] | None = None,
    ) -> ObjectInfo:
        """Copy an object with chunks of its own, and return the copy; see `move`."""
        return self._loop.run(self._inner.copy(key, to, bucket=bucket, replace=replace, wrap=wrap))

    def update(
        self,
        key: str,
        *,
        description: str | None = None,
        headers: Mapping[str, Sequence[str]] | None = None,
        metadata: Mapping[str, str] | None = None,
        remove_headers: Sequence[str] = (),
        remove_metadata: Sequence[str] = (),
    ) -> ObjectInfo:
        """Change the metadata of an object without touching its bytes, and return it.

        Args:
            description: the new description; an empty one removes it.
            headers: headers to set; all others stay. Likewise `metadata`.
            remove_headers: names of headers to remove; missing ones are ignored. Likewise `remove_metadata`.

        Raises:
            ObjectNotFound: there is none.
            InvalidMetadata: its record cannot be read.
            InvalidArgument: a value is too long, or would keep other clients from listing the bucket.
            RefusedError: the bucket is sealed, a mirror, or its stream does not keep records.
        """
        return self._loop.run(
            self._inner.update(
                key,
                description=description,
                headers=headers,
                metadata=metadata,
                remove_headers=remove_headers,
                remove_metadata=remove_metadata,
            )
        )

    def link(self, key: str, target: str | Link, *, replace: bool = False) -> ObjectInfo:
        """Make a link to an object or to a whole bucket, and return it.

        Args:
            target: a key of this bucket, or a `Link` to any object or to a bucket.
            replace: replace an existing link; an object is never replaced.

        Raises:
            ObjectNotFound: the target does not exist.
            BucketNotFound: the target's bucket does not exist.
            LinkRefused: the target is a link.
            ObjectExists: the key has an object, or a link and `replace` is false.
            RefusedError: the bucket is sealed, a mirror, or its stream does not keep records.
        """
        return self._loop.run(self._inner.link(key, target, replace=replace))

    def fetch(self, info: ObjectInfo, sink: Sink) -> ObjectInfo:
        """Fetch an object that is not a link, as `get` does, but only whole and only into a sink."""
        return self._loop.run(self._inner.fetch(info, sink))


class Store(Face[_store.Store]):
    """The buckets of one account; a context that holds the connection.

    Entering raises `ServerUnavailable`, `AuthenticationFailed`, `CertificateError` or `UnsupportedServer`.
    """

    @property
    def settings(self) -> Settings:
        """How it is connected."""
        return self._inner.settings

    def __enter__(self) -> Store:
        self._loop.enter(self._inner)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.leave(self._inner)

    def server(self) -> str:
        """The connected server as text: `nats://127.0.0.1:4222 (nats-server 2.11.4)`."""
        return self._inner.server()

    def bucket(self, name: str) -> Bucket:
        """Return a bucket without asking whether it exists.

        Raises:
            InvalidBucketName: there can be none of that name.
        """
        return Bucket(self._inner.bucket(name), self._loop)

    def create_bucket(self, config: BucketConfig) -> Bucket:
        """Create a bucket.

        Raises:
            BucketExists: there is one of that name; two equal ones at the same moment may both succeed.
            ConfigRefused: the server does not take these settings.
            InvalidBucketName: there can be none of that name.
            TypeError: `config` is no `BucketConfig`.
        """
        return Bucket(self._loop.run(self._inner.create_bucket(config)), self._loop)

    def update_bucket(
        self,
        name: str,
        *,
        description: str | None = None,
        ttl: timedelta | None = None,
        replicas: int | None = None,
        storage: Storage | None = None,
        max_bytes: int | None = None,
        compressed: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        remove_metadata: Sequence[str] = (),
        placement: Placement | None = None,
        object_ttl: bool = False,
    ) -> Bucket:
        """Change the given settings of a bucket; all others stay, including those that natsobj does not know.

        Args:
            description: an empty one takes it away; so do a `ttl` of 0 and `max_bytes` of 0.
            metadata: is added to what there is.
            object_ttl: let objects have a time to live of their own, from now on and for good.

        Raises:
            BucketNotFound: there is none.
            BucketSealed: nothing can be changed any more.
            ConfigRefused: the server does not take these settings.
        """
        return Bucket(
            self._loop.run(
                self._inner.update_bucket(
                    name,
                    description=description,
                    ttl=ttl,
                    replicas=replicas,
                    storage=storage,
                    max_bytes=max_bytes,
                    compressed=compressed,
                    metadata=metadata,
                    remove_metadata=remove_metadata,
                    placement=placement,
                    object_ttl=object_ttl,
                )
            ),
            self._loop,
        )

    def create_or_update_bucket(self, config: BucketConfig) -> Bucket:
        """Create a bucket, or change an existing one to these settings; metadata is added.

        Raises:
            BucketSealed: it exists, and nothing can be changed any more.
            ConfigRefused: the server does not take these settings.
            InvalidBucketName: there can be none of that name.
            TypeError: `config` is no `BucketConfig`.
        """
        return Bucket(self._loop.run(self._inner.create_or_update_bucket(config)), self._loop)

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket with everything in it.

        Raises:
            BucketNotFound: there is none.
        """
        self._loop.run(self._inner.delete_bucket(name))

    def buckets(self) -> Iterator[BucketInfo]:
        """Iterate over all buckets by name; objects and chunks are not counted.

        Raises:
            JetStreamUnavailable: at the end, if the cluster could not reach all of them.
        """
        return self._loop.iterate(self._inner.buckets())

    def bucket_names(self, limit: int | None = None) -> list[str]:
        """Return the names of all buckets, or of those among the first `limit` streams."""
        return self._loop.run(self._inner.bucket_names(limit))

    def account(self) -> AccountInfo:
        """Return the usage and the limits of the account."""
        return self._loop.run(self._inner.account())


def connect(servers: str = "nats://127.0.0.1:4222", *, settings: Settings | None = None) -> Store:
    """Return a store that connects when it is entered: `with natsobj.blocking.connect(...) as store`.

    Args:
        servers: one address, or several with commas between them.
        settings: everything about the connection; `servers` is ignored then.

    Raises:
        InvalidArgument: `servers` are no addresses.
        TypeError: an argument has a wrong type.
    """
    return Store(_store.connect(servers, settings=settings), shared_loop())
