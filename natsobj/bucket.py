"""One bucket and the verbs on its objects.

The verbs are thin, and most of this file is what they promise; `objects` and `stream` do the work. Each verb
imports what it needs, so that a command that only looks does not load what transfers bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from natsobj import arguments
from natsobj.adr20 import names, streams
from natsobj.errors import (
    BucketSealed,
    InvalidArgument,
    InvalidMetadata,
    PermissionDenied,
)
from natsobj.models import BucketInfo, Change, Link, ObjectInfo, ObjectMeta
from natsobj.reader import Memory, ObjectReader
from natsobj.stream import BucketStream
from natsobj.stream.listing import every_record
from natsobj.stream.lookup import find

if TYPE_CHECKING:
    from natsobj.files import Sink, Source
    from natsobj.files.given import Data, StrPath, Target

__all__ = ["Bucket"]

T = TypeVar("T")


class Bucket:
    """A bucket by its name; no request is sent before a verb needs it.

    Every verb raises `BucketNotFound` if there is no such bucket, and `TemporaryError` or
    `AuthorizationError` if the server cannot or will not answer.
    """

    def __init__(self, stream: BucketStream) -> None:
        self.stream = stream
        """The stream that keeps it."""
        self.name = stream.bucket

    def __repr__(self) -> str:
        return f"Bucket({self.name!r})"

    async def status(self, *, lenient: bool = False) -> BucketInfo:
        """Return the bucket with its live objects and stored chunks counted.

        Args:
            lenient: numbers that the credentials do not allow to ask for are None, and for a bucket that
                was just created the server's answer to that is enough.
        """
        objects = chunks = None
        with contextlib.suppress(*((PermissionDenied,) if lenient else ())):
            chunks = await self.stream.number(names.chunks_filter(await self.stream.root()))
            found = 0
            async for _ in self.list(on_unreadable=lambda _: None):
                found += 1
            objects = found
        state: Mapping[str, Any]
        if lenient and chunks is None:
            state = await self.stream.state()
        else:
            state = await self.stream.info()
        return replace(streams.decode_bucket(state), objects=objects, chunks=chunks)

    async def seal(self) -> None:
        """Make the bucket read-only for good: this cannot be undone. Sealing a sealed bucket does nothing."""
        with contextlib.suppress(BucketSealed):
            await self.stream.configure({"sealed": True})

    async def info(
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
        record = (await find(self.stream, key, search=search and not deleted)).record
        if deleted and record.deleted and record.info is not None and record.name == key:
            return record.info
        info = record.existing(self.name, key)
        return await self.follow(info) if follow else info

    async def follow(self, info: ObjectInfo) -> ObjectInfo:
        """Return the object that a link leads to, or `info` itself; raises what `info` raises."""
        from natsobj.objects.link import follow

        return info if info.link is None else await follow(self.stream, info)

    async def list(
        self,
        prefix: str = "",
        *,
        deleted: bool = False,
        on_unreadable: Callable[[InvalidMetadata], None] | None = None,
    ) -> AsyncGenerator[ObjectInfo, None]:
        """Iterate over the objects in the order of their last change, oldest first.

        An object that changes meanwhile is yielded once, as it was or as it is.

        Args:
            prefix: only keys that begin with it.
            deleted: yield tombstones, too.
            on_unreadable: is called with the error of a record that cannot be read; by default that error is
                raised.
        """
        prefix = arguments.string(prefix, "prefix")
        async with contextlib.aclosing(every_record(self.stream)) as records:
            async for record in records:
                if (info := record.info if deleted else record.live) is not None:
                    if info.name.startswith(prefix):
                        yield info
                elif record.error is not None:
                    if on_unreadable is None:
                        raise record.error
                    on_unreadable(record.error)

    async def entries(self, prefix: str = "") -> AsyncGenerator[ObjectInfo | InvalidMetadata, None]:
        """Iterate over every record: objects, tombstones, and the errors of those that cannot be read.

        Args:
            prefix: only keys that begin with it; errors are always included.
        """
        async with contextlib.aclosing(every_record(self.stream)) as records:
            async for record in records:
                if record.error is not None:
                    yield record.error
                elif record.info is not None and record.info.name.startswith(prefix):
                    yield record.info

    async def watch(
        self,
        prefix: str = "",
        *,
        history: bool = False,
        deletes: bool = True,
        on_unreadable: Callable[[InvalidMetadata], None] | None = None,
    ) -> AsyncGenerator[Change | None, None]:
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
        from natsobj.stream.watch import watch_records

        prefix = arguments.string(prefix, "prefix")
        history, deletes = arguments.flag(history, "history"), arguments.flag(deletes, "deletes")
        there = history
        async with contextlib.aclosing(watch_records(self.stream, history=history)) as records:
            async for record in records:
                if record is None:
                    there = False
                    yield None
                elif not record.name.startswith(prefix):
                    continue
                elif record.live is not None:
                    yield Change("put", record.live)
                elif record.error is None:
                    if deletes and not there:
                        yield Change("delete", record.info or record.expired(self.name))
                elif on_unreadable is None:
                    raise record.error
                else:
                    on_unreadable(record.error)

    async def check_writable(self) -> None:
        """Raise `BucketSealed`, `BucketReadOnly` or `UnsuitableStream` if nothing can be stored."""
        await self.stream.check_writable()

    async def put(
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
        from natsobj.files.given import open_data
        from natsobj.objects.condition import Condition
        from natsobj.objects.put import Put

        key = names.check_key(key)
        if meta is not None:
            arguments.instance(meta, ObjectMeta, "meta", "an ObjectMeta or None")
        absent = arguments.flag(if_absent, "if_absent")
        condition = Condition(
            absent,
            None if if_match is None else arguments.sha256(if_match, "if_match"),
            arguments.optional_number(if_revision, "if_revision"),
        )
        meta, wrap = meta or ObjectMeta(), wrap or _as_it_is
        if resume is not None:
            from natsobj.files.given import open_named
            from natsobj.objects.resumed_put import ResumedPut

            with open_named(data) as (path, file):
                on = ResumedPut(
                    self.stream,
                    key,
                    wrap(file),
                    meta,
                    condition,
                    read_back=read_back,
                    file=file,
                    path=path,
                    folder=Path(resume),
                )
                return await on.run()
        async with open_data(data) as source:
            return await Put(self.stream, key, wrap(source), meta, condition, read_back=read_back).run()

    async def get(
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
        from natsobj.files.given import check_target, open_into
        from natsobj.objects.get import get_object, resume_get

        check_target(into)
        offset = arguments.number(offset, "offset")
        length = arguments.optional_number(length, "length")
        replace = arguments.flag(replace, "replace")
        wrap = wrap or _as_it_is
        if arguments.flag(resume, "resume"):
            if offset or length is not None:
                raise InvalidArgument("resume needs the whole object: leave out offset and length")
            if not isinstance(into, os.PathLike):
                raise InvalidArgument("resume needs a path to fetch into")
            info = await self._fetchable(key)
            return await resume_get(self.stream, info, Path(into), replace=replace, wrap=wrap)
        info = await self._fetchable(key)
        async with open_into(into, replace=replace) as sink:
            return await get_object(self.stream, info, wrap(sink), offset=offset, length=length)

    async def read(
        self, key: str | ObjectInfo, *, offset: int = 0, length: int | None = None, limit: int | None = None
    ) -> bytes:
        """Return the bytes of an object or of a part of it; see `get`.

        Args:
            limit: the most bytes to hold in memory.

        Raises:
            ObjectTooLarge: the object has more; nothing was fetched.
        """
        from natsobj.objects.get import get_object

        offset = arguments.number(offset, "offset")
        length = arguments.optional_number(length, "length")
        limit = arguments.optional_number(limit, "limit")
        info = await self._fetchable(key)
        memory = Memory(info, limit)
        memory.admit(max(0, info.size - offset) if length is None else min(length, info.size - offset))
        await get_object(self.stream, info, memory, offset=offset, length=length)
        return memory.content()

    @contextlib.asynccontextmanager
    async def open(self, key: str) -> AsyncIterator[ObjectReader]:
        """Open an object for reading in chunks; the iteration raises what `get` raises.

        After the block, it raises a `ValueError`.

        Raises:
            ObjectNotFound: there is none.
        """
        reader = ObjectReader(await self.info(key, follow=True))
        task = asyncio.create_task(reader.fill(self.get(reader.info, reader)))
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.wait([task])
            reader.close()

    async def delete(
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
        from natsobj.objects.delete import delete_object

        revision = arguments.optional_number(revision, "revision")
        return await delete_object(self.stream, key, search=search, unreadable=unreadable, expected=revision)

    async def move(
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
        from natsobj.objects.move import move_object

        stream, wrap = self._other(key, to, bucket), wrap or _as_it_is
        replace = arguments.flag(replace, "replace")
        return await move_object(self.stream, key, stream, to, replace=replace, wrap=wrap)

    async def copy(
        self,
        key: str,
        to: str,
        *,
        bucket: str | None = None,
        replace: bool = False,
        wrap: Callable[[Source], Source] | None = None,
    ) -> ObjectInfo:
        """Copy an object with chunks of its own, and return the copy; see `move`."""
        from natsobj.objects.move import copy_object

        stream, wrap = self._other(key, to, bucket), wrap or _as_it_is
        replace = arguments.flag(replace, "replace")
        return await copy_object(self.stream, key, stream, to, replace=replace, wrap=wrap)

    def _other(self, key: str, to: str, bucket: str | None) -> BucketStream:
        """Check the names of a move or copy, and return the stream of the target bucket."""
        names.check_key(key)
        names.check_key(to)
        return self.stream.another(self.name if bucket is None else names.check_bucket_name(bucket))

    async def update(
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
        from natsobj.objects.update import Edits, update_object

        edits = Edits(
            arguments.optional_text(description, "description"),
            arguments.headers(headers or {}, "headers"),
            arguments.pairs(metadata or {}, "metadata"),
            arguments.strings(remove_headers, "remove_headers"),
            arguments.strings(remove_metadata, "remove_metadata"),
        )
        return await update_object(self.stream, key, edits)

    async def link(self, key: str, target: str | Link, *, replace: bool = False) -> ObjectInfo:
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
        from natsobj.objects.link import make_link

        key, replace = names.check_key(key), arguments.flag(replace, "replace")
        if isinstance(target, str):
            target = Link(self.name, target)
        arguments.instance(target, Link, "target", "a str or a Link")
        names.check_bucket_name(target.bucket)
        if target.name is not None:
            names.check_key(target.name)
        return await make_link(self.stream, key, target, replace=replace)

    async def fetch(self, info: ObjectInfo, sink: Sink) -> ObjectInfo:
        """Fetch an object that is not a link, as `get` does, but only whole and only into a sink."""
        from natsobj.objects.get import get_object

        return await get_object(self.stream, info, sink)

    async def _fetchable(self, key: str | ObjectInfo) -> ObjectInfo:
        if not isinstance(key, str):
            key = arguments.instance(key, ObjectInfo, "key", "a str or an ObjectInfo")
            return await self.follow(key)
        return await self.info(key, follow=True)


def _as_it_is(source: T) -> T:
    return source
