"""One bucket and the verbs on its objects; what transfers bytes is imported by the verbs that do."""

from __future__ import annotations

import asyncio
import contextlib
import io
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from natsobj import arguments
from natsobj.adr20 import names, streams
from natsobj.errors import (
    InvalidMetadata,
    LinkError,
    NatsobjError,
    ObjectChanged,
    SizeMismatch,
)
from natsobj.jetstream import JetStream
from natsobj.jetstream.direct import Stored
from natsobj.models import BucketInfo, ObjectInfo, ObjectMeta
from natsobj.objects.commit import Record, Slot, check_writable, read_info
from natsobj.reader import Memory, ObjectReader

if TYPE_CHECKING:
    from natsobj.checks.census import Census
    from natsobj.files import Sink
    from natsobj.files.given import Data, Target
    from natsobj.objects.byte_range import Cut
    from natsobj.objects.download import Part

__all__ = ["Bucket"]

T = TypeVar("T")


class Bucket:
    """A bucket by its name; nothing is asked of the server until a verb needs it.

    Every verb raises `BucketNotFound` where there is no such bucket, and `TemporaryError` or
    `AuthorizationError` where the server cannot or will not answer.
    """

    def __init__(self, js: JetStream, name: str) -> None:
        self.name = names.check_bucket_name(name)
        self._js = js
        self._stream = names.stream_name(self.name)
        self._stream_state: asyncio.Future[dict[str, Any]] | None = None
        self._root: str | None = None
        """The bucket's name in its subjects: another one in a mirror; None until it is known."""

    def __repr__(self) -> str:
        return f"Bucket({self.name!r})"

    async def status(self) -> BucketInfo:
        """Return the bucket with its live objects and stored chunks counted."""
        stream = await self._info()
        pattern = names.chunks_filter(await self._find_root(stream))
        chunks = await self._patiently(lambda: self._js.subject_counts(self._stream, pattern))
        objects = 0
        async for _ in self.list(on_unreadable=lambda _: None):
            objects += 1
        return replace(streams.decode_bucket(stream), objects=objects, chunks=sum(chunks.counts.values()))

    async def info(self, key: str, *, follow: bool = False) -> ObjectInfo:
        """Return one object.

        Args:
            follow: for a link, return the object that it leads to (one step; its `bucket` may be another).

        Raises:
            ObjectNotFound: there is none, or only a tombstone.
            InvalidMetadata: the record cannot be read.
            LinkError: a link that is to be followed leads to a bucket or to another link.
        """
        _, record = await self._find(key)
        info = record.existing(self.name, key)
        if not follow or info.link is None:
            return info
        if info.link.name is None:
            raise LinkError(f"a link to a bucket, not to an object: {self.name}/{key} -> {info.link}")
        target = await Bucket(self._js, info.link.bucket).info(info.link.name)
        if target.link is not None:
            raise LinkError(f"a link to a link: {self.name}/{key} -> {info.link} -> {target.link}")
        return target

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
        async with contextlib.aclosing(self._records()) as messages:
            async for message in messages:
                try:
                    info = read_info(self.name, message)
                except InvalidMetadata as e:
                    if on_unreadable is None:
                        raise
                    on_unreadable(e)
                    continue
                if info is not None and (deleted or not info.deleted) and info.name.startswith(prefix):
                    yield info

    async def check_writable(self) -> None:
        """Raise `BucketSealed` or `BucketReadOnly` where nothing can be stored."""
        check_writable(self.name, await self._state())

    async def put(
        self,
        key: str,
        data: Data,
        meta: ObjectMeta | None = None,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        read_back: bool = True,
    ) -> ObjectInfo:
        """Store an object; readers see the old one or the new one, never a mixture and never nothing.

        Whatever it raises, the old object is as it was and no chunks are left behind.

        Args:
            data: bytes, a `Path`, a binary file (read from where it stands to its end), an iterable of bytes,
                also an asynchronous one, or a `Source`. What may wait is read in a thread of its own.
            if_absent: only when the key has no object; the server decides.
            if_match: only when the stored content has this SHA-256 (hex).
            read_back: ask for the time that the server gave the object. Without it a round trip is saved,
                and `modified` is this machine's clock.

        Raises:
            ObjectExists: `if_absent` and there is one.
            ContentMismatch: `if_match` and there is none, or another content.
            SourceChanged: the file was written to meanwhile.
            RefusedError: the bucket is sealed, a mirror, or full.
            TypeError: an argument has a wrong type, or an iterable gives something else than bytes; what else
                it raises comes out as it is.
            InvalidArgument: the key, a limit of the server, or a value in `meta` does not allow it.
            ChunksMissing: a bucket of other clients' making, which drops its oldest messages when it is
                full, dropped the first chunks to make room for the record.
        """
        from natsobj.files.given import open_data
        from natsobj.objects.put import Condition, put_object

        key = names.check_key(key)
        if meta is not None:
            arguments.instance(meta, ObjectMeta, "meta", "an ObjectMeta or None")
        absent = arguments.flag(if_absent, "if_absent")
        condition = Condition(absent, None if if_match is None else arguments.sha256(if_match, "if_match"))
        async with open_data(data) as source:
            return await put_object(
                self._js,
                self.name,
                key,
                source,
                state=self._state,
                find=lambda: self._find(key),
                meta=meta or ObjectMeta(),
                condition=condition,
                read_back=read_back,
            )

    async def get(
        self,
        key: str | ObjectInfo,
        into: Target,
        *,
        offset: int = 0,
        length: int | None = None,
        replace: bool = False,
    ) -> ObjectInfo:
        """Fetch an object and verify it; a link is followed.

        Args:
            key: a key, or the very object that `info` gave.
            into: a `Path` appears whole or not at all, and keeps what is there unless it is to be replaced. A
                binary file is written from where it stands, a `Sink` as it comes: they have bytes also of
                what turns out to be broken.
            offset: bytes to leave out at the beginning, and `length` those to give at most. What is left out
                is not fetched; of a part of an object no digest can be checked.
            replace: a `Path` may be there already.

        Returns:
            The object that was fetched: the newer one, if it was replaced and the target could start over.

        Raises:
            ObjectNotFound: there is none, or it was deleted while it was read.
            ObjectChanged: it was replaced while it was read and the target cannot start over.
            ContentBroken: what is stored is not what its metadata says.
            FileExists: `into` is a path, is there, and may not be replaced.
            OSError: it cannot be written.
            TypeError: an argument has a wrong type.
        """
        from natsobj.files.given import check_target, open_into

        check_target(into)
        offset = arguments.number(offset, "offset")
        length = arguments.optional_number(length, "length")
        replace = arguments.flag(replace, "replace")
        info = await self._fetchable(key)
        async with open_into(into, replace=replace) as sink:
            return await self._fetch(info, sink, offset, length)

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

    async def delete(self, key: str) -> ObjectInfo:
        """Delete an object and return it as it was, with `deleted` true.

        Raises:
            ObjectNotFound: there is none.
            RefusedError: the bucket is sealed or a mirror.
        """
        from natsobj.objects.delete import delete_object

        return await delete_object(self._js, self.name, key, state=self._state, find=lambda: self._find(key))

    async def census(self) -> Census:
        """Begin a look at everything that the bucket's stream keeps, for `natsobj.checks.verify`."""
        from natsobj.checks.census import Census

        stream = await self._info()
        return Census(self._js, self.name, stream, await self._find_root(stream))

    # Inside

    async def _fetchable(self, key: str | ObjectInfo) -> ObjectInfo:
        if isinstance(key, str):
            return await self.info(key, follow=True)
        return arguments.instance(key, ObjectInfo, "key", "a str or an ObjectInfo")

    async def _fetch(self, info: ObjectInfo, sink: Sink, offset: int, length: int | None) -> ObjectInfo:
        while True:
            home = self if info.bucket == self.name else Bucket(self._js, info.bucket)
            if info.link is not None:
                info = await home.info(info.name, follow=True)
                continue
            try:
                await home._download(info, sink, offset, length)
                return info
            except ObjectChanged as changed:
                try:
                    sink.restart()
                except io.UnsupportedOperation:
                    raise changed from None
                info = await home.info(info.name, follow=True)

    async def _records(self) -> AsyncGenerator[Stored, None]:
        """Iterate over the metadata messages that count: one a subject, though it may change meanwhile.

        Only where there are more messages than subjects, some were written without rollup, and each subject
        is counted: that answer is as long as the bucket.
        """
        everything = names.metadata_filter("*")
        stream, number = await asyncio.gather(
            self._info(count=everything),
            self._patiently(lambda: self._js.matching(self._stream, everything)),
        )
        subject = names.metadata_filter(await self._find_root(stream))
        last_sequence, repeated = stream["state"]["last_seq"], {}
        if number != stream.get("total", 0):
            subjects = await self._patiently(lambda: self._js.subject_counts(self._stream, subject, least=2))
            last_sequence, repeated = subjects.last_sequence, dict(subjects.counts)
        given = array("q")  # eight bytes an object: a set would take ten times that
        known: set[int] = set()
        async with contextlib.aclosing(self._js.direct_messages(self._stream, subject)) as messages:
            async for message in messages:
                mark = hash(message.subject)
                if message.sequence > last_sequence:  # changed meanwhile: perhaps it was given already
                    known = known or set(given)
                    if mark in known:
                        continue
                    known.add(mark)
                elif repeated.get(message.subject, 0) > 1:  # only the last one counts
                    repeated[message.subject] -= 1
                    continue
                else:
                    given.append(mark)
                yield message

    async def _find(self, key: str) -> tuple[Slot, Record]:
        """Return the place and the record of a key; other places are tried where the usual one is empty."""
        names.check_key(key)
        slot = Slot(self._js, self.name, key, names.metadata_subject(self._root or self.name, key))
        record = await slot.read()
        if record.sequence:
            self._root = self._root or self.name
            return slot, record
        root = await self._find_root()
        for subject in (names.metadata_subject(root, key), names.latin1_metadata_subject(root, key)):
            if subject is not None and subject != slot.subject:
                other = Slot(self._js, self.name, key, subject)
                if (found := await other.read()).live or found.error:
                    return other, found
        return slot, record

    async def _state(self) -> Mapping[str, Any]:
        """Return the bucket's stream as it was when this was asked first; many may ask at once."""
        if self._stream_state is None:
            self._stream_state = asyncio.ensure_future(self._info())
        asked = self._stream_state
        try:
            return await asyncio.shield(asked)
        except NatsobjError:
            self._stream_state = None
            raise

    async def _info(self, *, count: str | None = None) -> dict[str, Any]:
        return await self._patiently(lambda: self._js.stream_info(self._stream, count=count))

    async def _patiently(self, question: Callable[[], Awaitable[T]]) -> T:
        return await self._js.link.patiently(question)

    async def _find_root(self, stream: Mapping[str, Any] | None = None) -> str:
        if self._root is None:
            stream = stream or await self._state()
            if not stream["config"].get("mirror"):
                self._root = self.name
            elif first := await self._patiently(
                lambda: self._js.next_message(self._stream, names.metadata_filter("*"), 1)
            ):
                self._root = first.subject.split(".")[1]
            else:  # nothing has arrived in the mirror so far
                return self.name
        return self._root

    async def _download(self, info: ObjectInfo, sink: Sink, offset: int, length: int | None) -> None:
        from natsobj.objects.download import Download, readable

        readable(info)
        root = await self._find_root()
        js, stream, subject = self._js, self._stream, names.chunk_subject(root, info.nuid or "")

        async def current() -> ObjectInfo | None:
            return (await self._find(info.name))[1].live

        part: Part | None = None
        cut: Cut | None = None
        if offset or length is not None:
            from natsobj.objects.byte_range import Cut, find_part

            length = min(info.size - offset, info.size if length is None else length)
            if length <= 0:
                return
            part, skip = await find_part(
                js, info, stream=stream, subject=subject, offset=offset, length=length
            )
            sink = cut = Cut(sink, skip, length)
        await Download(js, info, sink, stream=stream, subject=subject, current=current, part=part).run()
        if cut is not None and cut.missing:
            raise SizeMismatch(
                info.bucket, info.name, expected=length or 0, stored=(length or 0) - cut.missing
            )
