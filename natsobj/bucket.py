"""One bucket and the verbs on its objects; what transfers bytes is imported by the verbs that do."""

from __future__ import annotations

import asyncio
import contextlib
import io
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
    ObjectChanged,
    PermissionDenied,
    SizeMismatch,
)
from natsobj.models import BucketInfo, Change, Link, ObjectInfo, ObjectMeta
from natsobj.reader import Memory, ObjectReader
from natsobj.stream import BucketStream
from natsobj.stream.listing import every_record
from natsobj.stream.lookup import find

if TYPE_CHECKING:
    from natsobj.files import Sink, Source
    from natsobj.files.given import Data, StrPath, Target
    from natsobj.objects.byte_range import Cut
    from natsobj.objects.download import Run

__all__ = ["Bucket"]

T = TypeVar("T")


class Bucket:
    """A bucket by its name; nothing is asked of the server until a verb needs it.

    Every verb raises `BucketNotFound` where there is no such bucket, and `TemporaryError` or
    `AuthorizationError` where the server cannot or will not answer.
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
            lenient: what the credentials do not allow to be counted is None, and of a bucket that was just
                created it is enough to know what the server made.
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
        """Make the bucket read-only, for good: there is no way back. One that is sealed stays so."""
        with contextlib.suppress(BucketSealed):
            await self.stream.configure({"sealed": True})

    async def info(
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
        record = (await find(self.stream, key, search=search and not deleted)).record
        if deleted and record.deleted and record.info is not None and record.name == key:
            return record.info
        info = record.existing(self.name, key)
        return await self.follow(info) if follow else info

    async def follow(self, info: ObjectInfo) -> ObjectInfo:
        """Return what a link leads to, and anything else as it is; raises what `info` raises."""
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

        An object that changes meanwhile is given once, as it was or as it is.

        Args:
            prefix: only keys that begin with it.
            deleted: give tombstones as well.
            on_unreadable: is told of a record that cannot be read; without it that ends the iteration.
        """
        prefix = arguments.string(prefix, "prefix")
        async with contextlib.aclosing(self.entries(prefix)) as entries:
            async for entry in entries:
                if isinstance(entry, ObjectInfo):
                    if deleted or not entry.deleted:
                        yield entry
                elif on_unreadable is None:
                    raise entry
                else:
                    on_unreadable(entry)

    async def entries(self, prefix: str = "") -> AsyncGenerator[ObjectInfo | InvalidMetadata, None]:
        """Iterate over everything that has a record: objects, tombstones, and why one cannot be read.

        Args:
            prefix: only keys that begin with it, and what cannot be read.
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
        """Raise `BucketSealed`, `BucketReadOnly` or `UnsuitableStream` where nothing can be stored."""
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
        from natsobj.files.given import open_data
        from natsobj.objects.put import Condition, Put

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
        from natsobj.files.given import check_target, open_into

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
            return await self._fetch_on(await self._fetchable(key), Path(into), replace, wrap)
        info = await self._fetchable(key)
        async with open_into(into, replace=replace) as sink:
            return await self._fetch(info, wrap(sink), offset, length)

    async def read(
        self, key: str | ObjectInfo, *, offset: int = 0, length: int | None = None, limit: int | None = None
    ) -> bytes:
        """Return the bytes of an object, or a part of them; otherwise as `get`.

        Args:
            limit: the most bytes that may come into memory.

        Raises:
            ObjectTooLarge: there are more; nothing was fetched.
        """
        offset = arguments.number(offset, "offset")
        length = arguments.optional_number(length, "length")
        limit = arguments.optional_number(limit, "limit")
        info = await self._fetchable(key)
        memory = Memory(info, limit)
        memory.admit(max(0, info.size - offset) if length is None else min(length, info.size - offset))
        await self._fetch(info, memory, offset, length)
        return memory.content()

    @contextlib.asynccontextmanager
    async def open(self, key: str) -> AsyncIterator[ObjectReader]:
        """Open an object for reading in chunks; what `get` raises comes out of the iteration.

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

    async def delete(
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
        """Copy an object, with chunks of its own, and return the copy; all else as `move` has it."""
        from natsobj.objects.move import copy_object

        stream, wrap = self._other(key, to, bucket), wrap or _as_it_is
        replace = arguments.flag(replace, "replace")
        return await copy_object(self.stream, key, stream, to, replace=replace, wrap=wrap)

    def _other(self, key: str, to: str, bucket: str | None) -> BucketStream:
        """Return the stream that a move or copy leads to; the names are possible ones then."""
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
            target: a key of this bucket; or a `Link` to any object, or to a bucket.
            replace: another link may be there already; an object never is replaced.

        Raises:
            ObjectNotFound: there is no such object to lead to, or `BucketNotFound` no such bucket.
            LinkRefused: it would lead to a link.
            ObjectExists: something is there that may not be replaced.
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
        """Fetch the whole of an object that is no link, as `get` does, into a sink and nothing else."""
        return await self._fetch(info, sink, 0, None)

    async def _fetchable(self, key: str | ObjectInfo) -> ObjectInfo:
        if not isinstance(key, str):
            key = arguments.instance(key, ObjectInfo, "key", "a str or an ObjectInfo")
            return await self.follow(key)
        return await self.info(key, follow=True)

    async def _fetch(self, info: ObjectInfo, sink: Sink, offset: int, length: int | None) -> ObjectInfo:
        while True:
            stream = self.stream.another(info.bucket)
            try:
                await _download(stream, info, sink, offset, length)
                return info
            except ObjectChanged as changed:
                try:
                    sink.restart()
                except io.UnsupportedOperation:
                    raise changed from None
                info = await Bucket(stream).follow(await _again(stream, info))

    async def _fetch_on(
        self, info: ObjectInfo, path: Path, replace: bool, wrap: Callable[[Sink], Sink]
    ) -> ObjectInfo:
        from natsobj.objects.resumed_get import fetch_on

        while True:
            stream = self.stream.another(info.bucket)
            try:
                await fetch_on(stream, info, path, replace=replace, wrap=wrap)
                return info
            except ObjectChanged:
                info = await Bucket(stream).follow(await _again(stream, info))


def _as_it_is(source: T) -> T:
    return source


async def _again(stream: BucketStream, info: ObjectInfo) -> ObjectInfo:
    """Return what has replaced an object, read from where that was."""
    record = await stream.read(info.subject) if info.subject else (await find(stream, info.name)).record
    return record.existing(info.bucket, info.name)


async def _download(
    stream: BucketStream, info: ObjectInfo, sink: Sink, offset: int, length: int | None
) -> None:
    from natsobj.objects.download import Download, readable

    readable(info)
    subject = await stream.chunk_subject(info.nuid or "")
    run: Run | None = None
    cut: Cut | None = None
    if offset or length is not None:
        from natsobj.objects.byte_range import Cut, find_run

        length = min(info.size - offset, info.size if length is None else length)
        if length <= 0:
            return
        run, skip = await find_run(stream, info, subject=subject, offset=offset, length=length)
        sink = cut = Cut(sink, skip, length)
    await Download(stream, info, sink, subject=subject, run=run).run()
    if cut is not None and cut.missing:
        raise SizeMismatch(info.bucket, info.name, expected=length or 0, stored=(length or 0) - cut.missing)
