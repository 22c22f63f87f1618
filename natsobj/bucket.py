"""One bucket and the verbs on its objects; what transfers bytes is imported by the verbs that do."""

from __future__ import annotations

import asyncio
import contextlib
import io
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from natsobj.adr20 import names, streams
from natsobj.errors import (
    InvalidArgument,
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
from natsobj.reader import ObjectReader

if TYPE_CHECKING:
    from natsobj.checks.census import Census
    from natsobj.files import Sink, Source
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
        self._stream = names.stream_name(name)
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
        data: Source | bytes | BinaryIO,
        meta: ObjectMeta | None = None,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        read_back: bool = True,
    ) -> ObjectInfo:
        """Store an object; readers see the old one or the new one, never a mixture and never nothing.

        Whatever it raises, the old object is as it was and no chunks are left behind.

        Args:
            data: read from where it stands to its end.
            if_absent: only when the key has no object; the server decides.
            if_match: only when the stored content has this SHA-256 (hex).
            read_back: ask for the time that the server gave the object. Without it a round trip is saved,
                and `modified` is this machine's clock.

        Raises:
            ObjectExists: `if_absent` and there is one.
            ContentMismatch: `if_match` and there is none, or another content.
            SourceChanged: the file was written to meanwhile.
            RefusedError: the bucket is sealed, a mirror, or full.
            ChunksMissing: a bucket of other clients' making, which drops its oldest messages when it is
                full, dropped the first chunks to make room for the record.
        """
        from natsobj.files.sources import as_source
        from natsobj.objects.put import Condition, put_object

        names.check_key(key)
        return await put_object(
            self._js,
            self.name,
            key,
            as_source(data),
            state=self._state,
            find=lambda: self._find(key),
            meta=meta or ObjectMeta(),
            condition=Condition(if_absent, if_match),
            read_back=read_back,
        )

    async def get(
        self, key: str | ObjectInfo, into: Sink, *, offset: int = 0, length: int | None = None
    ) -> ObjectInfo:
        """Fetch an object into a sink and verify it; a link is followed.

        Args:
            key: a key, or the very object that `info` gave.
            offset: bytes to leave out at the beginning, and `length` those to give at most. What is left out
                is not fetched; of a part of an object no digest can be checked.

        Returns:
            The object that was fetched: the newer one, if it was replaced and the sink could start over.

        Raises:
            ObjectNotFound: there is none, or it was deleted while it was read.
            ObjectChanged: it was replaced while it was read and the sink cannot start over.
            ContentBroken: what is stored is not what its metadata says; the sink has bytes all the same.
        """
        if offset < 0 or (length is not None and length < 0):
            raise InvalidArgument("impossible byte range: offset and length count from 0")
        info = await self.info(key, follow=True) if isinstance(key, str) else key
        while True:
            home = self if info.bucket == self.name else Bucket(self._js, info.bucket)
            if info.link is not None:
                info = await home.info(info.name, follow=True)
                continue
            try:
                await home._download(info, into, offset, length)
                return info
            except ObjectChanged as changed:
                try:
                    into.restart()
                except io.UnsupportedOperation:
                    raise changed from None
                info = await home.info(info.name, follow=True)

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
