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
    """A bucket by its name; nothing is asked of the server until a verb needs it.

    Every verb raises `BucketNotFound` where there is no such bucket, and `TemporaryError` or
    `AuthorizationError` where the server cannot or will not answer.
    """

    @property
    def name(self) -> str:
        """The bucket's name."""
        return self._inner.name

    def status(self, *, lenient: bool = False) -> BucketInfo:
        """Return the bucket with its live objects and stored chunks counted.

        Args:
            lenient: what the credentials do not allow to be counted is None, and of a bucket that was just
                created it is enough to know what the server made.
        """
        return self._loop.run(self._inner.status(lenient=lenient))

    def seal(self) -> None:
        """Make the bucket read-only, for good: there is no way back. One that is sealed stays so."""
        self._loop.run(self._inner.seal())

    def info(
        self, key: str, *, follow: bool = False, search: bool = False, deleted: bool = False
    ) -> ObjectInfo:
        """Return one object.

        Args:
            follow: for a link, return the object that it leads to (one step; its `bucket` may be another).
            search: where no client of today would have put it, look for it by name: the first 10,000 names
                of the bucket, for a second at most.
            deleted: return also a tombstone, that an object of this key was deleted.

        Raises:
            ObjectNotFound: there is none, or only a tombstone.
            InvalidMetadata: the record cannot be read, or it is a link to a name that there cannot be.
            LinkError: a link that is to be followed leads to a bucket, to a missing one or to another link.
        """
        return self._loop.run(self._inner.info(key, follow=follow, search=search, deleted=deleted))

    def follow(self, info: ObjectInfo) -> ObjectInfo:
        """Return what a link leads to, and anything else as it is; raises what `info` raises."""
        return self._loop.run(self._inner.follow(info))

    def list(
        self,
        prefix: str = "",
        *,
        deleted: bool = False,
        on_unreadable: Callable[[InvalidMetadata], None] | None = None,
    ) -> Iterator[ObjectInfo]:
        """Iterate over the objects in the order of their last change, oldest first.

        An object that changes meanwhile is given once, as it was or as it is.

        Args:
            prefix: only keys that begin with it.
            deleted: give tombstones as well.
            on_unreadable: is told of a record that cannot be read; without it that ends the iteration.
        """
        return self._loop.iterate(self._inner.list(prefix, deleted=deleted, on_unreadable=on_unreadable))

    def entries(self, prefix: str = "") -> Iterator[ObjectInfo | InvalidMetadata]:
        """Iterate over everything that has a record: objects, tombstones, and why one cannot be read.

        Args:
            prefix: only keys that begin with it, and what cannot be read.
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
        """Iterate over changes as they happen, for ever: each once, over restarts, cuts and new leaders.

        Of changes that follow one another while the connection is away only the last one of each object is
        there to be told. A rename is told as a `put` under the new name.

        Args:
            prefix: only keys that begin with it.
            history: first every object that is there, oldest change first, then None.
            deletes: tell of deletions, too.
            on_unreadable: is told of a record that cannot be read; without it that ends the iteration.

        Raises:
            TemporaryError: nothing was heard of the server for six times the timeout.
        """
        return self._loop.iterate(
            self._inner.watch(prefix, history=history, deletes=deletes, on_unreadable=on_unreadable)
        )

    def check_writable(self) -> None:
        """Raise `BucketSealed`, `BucketReadOnly` or `UnsuitableStream` where nothing can be stored."""
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
        """Store an object; readers see the old one or the new one, never a mixture and never nothing.

        Whatever it raises, the old object is as it was and no chunks are left behind.

        Args:
            data: bytes, a `Path`, a binary file (read from where it stands to its end), an iterable of bytes,
                also an asynchronous one, or a `Source`. What may wait is read in a thread of its own.
            if_absent: only when the key has no object; the server decides.
            if_match: only when the stored content has this SHA-256 (hex).
            if_revision: only in the place of this revision; 0: only where there is none.
            read_back: ask for the time that the server gave the object. Without it a round trip is saved,
                and `modified` is this machine's clock.
            resume: go on where an earlier put of the same `Path` was ended, and leave what is stored when
                this one is. How far it is stands in this folder, which is made if it is missing; the
                command's is `$XDG_STATE_HOME/natsobj/uploads`. The file is hashed again, and all of it is
                sent again when anything is not as it was.
            wrap: what is read passes through it.

        Raises:
            ObjectExists: `if_absent` and there is one.
            ContentMismatch: `if_match` and there is none, or another content.
            RevisionMismatch: `if_revision` and there is another one, or none.
            SubjectTaken: another client has put an object of another name in this key's place.
            SourceChanged: the file was written to meanwhile.
            TransferUnderWay: `resume`, and another process stores the same file.
            RefusedError: the bucket is sealed, a mirror, full, or its stream does not keep objects.
            TypeError: an argument has a wrong type, or an iterable gives something else than bytes; what else
                it raises comes out as it is.
            InvalidArgument: the key, a limit of the server, or a value in `meta` does not allow it.
            ChunksMissing: a bucket of other clients' making, which drops its oldest messages when it is
                full, dropped the first chunks to make room for the record.
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
            key: a key, or the very object that `info` gave.
            into: a `Path` appears whole or not at all, and keeps what is there unless it is to be replaced. A
                binary file is written from where it stands, a `Sink` as it comes: they have bytes also of
                what turns out to be broken.
            offset: bytes to skip at the beginning, and `length` the most to fetch. What is left out is not
                transferred; no digest can be checked of a part.
            replace: a `Path` may be there already.
            resume: go on where an earlier get into the same `Path` was ended, and leave what has come beside
                it when this one is; the bytes that are there are hashed again, and the whole is verified.
            wrap: what is written passes through it.

        Returns:
            The object that was fetched: the newer one, if it was replaced and the target could start over.

        Raises:
            ObjectNotFound: there is none, or it was deleted while it was read.
            ObjectChanged: it was replaced while it was read and the target cannot start over.
            ContentBroken: what is stored is not what its metadata says.
            FileExists: `into` is a path, is there, and may not be replaced.
            TransferUnderWay: `resume`, and another process fetches into the same path.
            InvalidArgument: `resume` of a part, or into what is no regular file.
            OSError: it cannot be written.
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
        """Return the bytes of an object, or a part of them; otherwise as `get`.

        Args:
            limit: the most bytes that may come into memory.

        Raises:
            ObjectTooLarge: there are more; nothing was fetched.
        """
        return self._loop.run(self._inner.read(key, offset=offset, length=length, limit=limit))

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[ObjectReader]:
        """Open an object for reading in chunks; what `get` raises comes out of the iteration.

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
            search: as `info` has it.
            unreadable: remove a record of that name that cannot be read as well, and the chunks that no other
                record names.
            revision: only this one.

        Raises:
            ObjectNotFound: there is none.
            ObjectChanged: it is another `revision`, or another writer was there at the same time.
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
        """Give an object another name, and return it as it is there; what is said about it goes along.

        At every moment at least one of the names leads to the bytes. Onto itself nothing happens. A link is
        moved as the link that it is.

        Args:
            bucket: another bucket; the bytes are copied, verified, and then deleted here.
            replace: an object that is there may be replaced.
            wrap: what is read for a copy passes through it.

        Raises:
            ObjectNotFound: there is none.
            ObjectExists: there is one of the new name; the server decides.
            SubjectTaken: another client has put an object of another name in the new one's place.
            ObjectChanged: another writer was there at the same time.
            ContentBroken: what is stored is not what its record says, and it stays where it is.
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
        """Copy an object, with chunks of its own, and return the copy; all else as `move` has it."""
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
        """Change what is said about an object without touching its bytes, and return it.

        Args:
            description: another one; an empty one takes it away.
            headers: these get other values, all others stay. Likewise `metadata`.
            remove_headers: names of headers that go; one that is not there is no error.

        Raises:
            ObjectNotFound: there is none.
            InvalidMetadata: its record cannot be read.
            InvalidArgument: a value is such that other clients could not list the bucket, or too long.
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
            target: a key of this bucket; or a `Link` to any object, or to a bucket.
            replace: another link may be there already; an object never is replaced.

        Raises:
            ObjectNotFound: there is no such object to lead to, or `BucketNotFound` no such bucket.
            LinkRefused: it would lead to a link.
            ObjectExists: something is there that may not be replaced.
            RefusedError: the bucket is sealed, a mirror, or its stream does not keep records.
        """
        return self._loop.run(self._inner.link(key, target, replace=replace))

    def fetch(self, info: ObjectInfo, sink: Sink) -> ObjectInfo:
        """Fetch the whole of an object that is no link, as `get` does, into a sink and nothing else."""
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
        """The server that it is connected to, for people: `nats://127.0.0.1:4222 (nats-server 2.11.4)`."""
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
        """Change what is named of a bucket's settings; all others stay, those unknown here included.

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
        """Create a bucket, or give one that exists these settings; metadata is added to what there is.

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
            JetStreamUnavailable: behind the last one, when the cluster could not reach all of them.
        """
        return self._loop.iterate(self._inner.buckets())

    def bucket_names(self, limit: int | None = None) -> list[str]:
        """Return the names of all buckets, or of those among the first `limit` streams."""
        return self._loop.run(self._inner.bucket_names(limit))

    def account(self) -> AccountInfo:
        """Return what the account stores and may store."""
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
