"""A put that continues an interrupted one, whatever interrupted it."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from natsobj.adr20 import names
from natsobj.errors import OutcomeUnknown, RefusedError
from natsobj.files import Source
from natsobj.files.keeping import note_kept
from natsobj.files.sources import FileSource
from natsobj.files.upload_state import StateFile, UploadState, open_state
from natsobj.models import ObjectInfo, ObjectMeta
from natsobj.objects.commit import note_left_over
from natsobj.objects.condition import Condition
from natsobj.objects.put import Put
from natsobj.objects.resumed_upload import MarkedChunker, ResumedUpload, nothing_under_way
from natsobj.objects.upload import Upload
from natsobj.stream import BucketStream, Record
from natsobj.stream.lookup import find

__all__ = ["ResumedPut"]

_BLOCK = 1024 * 1024


class ResumedPut(Put):
    """One put of a file, which an earlier process may have begun. Its fields are its state.

    If `run` raises, the old object is unchanged. The chunks stored so far stay, unless no later put can use
    them.

    Args:
        source: reads the file.
        file: the file itself, as it was opened.
        path: the file's absolute path, which is the same from every working directory.
        folder: where the state of uploads is kept.
    """

    def __init__(
        self,
        stream: BucketStream,
        key: str,
        source: Source,
        meta: ObjectMeta,
        condition: Condition,
        *,
        read_back: bool,
        file: FileSource,
        path: str,
        folder: Path,
    ) -> None:
        super().__init__(stream, key, source, meta, condition, read_back=read_back)
        self._times = file.times()
        self._path = path
        self._folder = folder
        self._file: StateFile | None = None
        """The state of this upload."""

    async def run(self) -> ObjectInfo:
        # The creation time tells a bucket from every other one of its name, on any server.
        created = str((await self._stream.state()).get("created"))
        upload = (self._stream.name, created, self._key, self._path)
        with open_state(self._folder, upload, self._path) as file:
            self._file = file
            try:
                return await self._go_on(file)
            except (OutcomeUnknown, RefusedError):
                raise
            except BaseException as e:
                noted = getattr(e, "__notes__", None)  # they already say what to do
                if file.state is not None and not noted and (kept := file.state.acknowledged):
                    note_kept(e, kept, file.state.size)
                raise

    async def _go_on(self, file: StateFile) -> ObjectInfo:
        if (earlier := file.state) is not None:
            await nothing_under_way(self._stream, earlier)
            if earlier.committing >= 0 and (done := await self._end_commit(file, earlier)) is not None:
                return done
        try:
            return await super().run()
        finally:
            if self._committed:
                file.forget()

    def _begin(self, source: Source, chunk_size: int, state: Mapping[str, Any], *, ttl: int) -> Upload:
        assert self._file is not None
        size, mtime, ctime = self._times
        blank = functools.partial(_blank, chunk_size=chunk_size, ttl=ttl, size=size, mtime=mtime, ctime=ctime)
        chunker = MarkedChunker(self._stream, source, chunk_size)
        return ResumedUpload(self._stream, chunker, state, ttl=ttl, file=self._file, blank=blank)

    @property
    def _stored_before(self) -> int:
        state = None if self._file is None else self._file.state
        return 0 if state is None else state.acknowledged

    # A commit that an earlier run had begun

    async def _end_commit(self, file: StateFile, earlier: UploadState) -> ObjectInfo | None:
        """Find out whether it was stored; return the object if it was, and is the one to store now.

        Chunks that may belong to an object, even one that was renamed since, are never touched.
        """
        record = (await find(self._stream, self._key, thorough=True)).record
        stored = record.live
        if stored is not None and stored.nuid == earlier.nuid:
            same = await self._is_this(record, stored)
            file.forget()
            return stored if same else None
        if not await self._was_not_stored(earlier, record):
            note_left_over(self._stream.bucket, "nobody knows whether an earlier run has stored its object")
            file.forget()
        return None

    async def _was_not_stored(self, earlier: UploadState, record: Record) -> bool:
        """Return whether no record of the bucket can ever have named the chunks."""
        if earlier.committing and record.sequence == earlier.committing:
            return True  # our record would have replaced it
        root = await self._stream.root()
        newest = await self._stream.last(names.metadata_filter(root))
        return newest is None or newest.sequence < earlier.sequence

    async def _is_this(self, record: Record, stored: ObjectInfo) -> bool:
        """Return whether a stored object is the one to store: the same content and metadata."""
        meta = self._meta
        said = (meta.description, {name: tuple(each) for name, each in meta.headers.items()}, meta.metadata)
        if (stored.description, stored.headers, stored.metadata, record.ttl) != (*said, self._ttl):
            return False
        digest = hashlib.sha256()
        while data := await self._source.read(_BLOCK):
            digest.update(data)
            await asyncio.sleep(0)  # lets signals and the connection be handled meanwhile
        self._source.restart()
        return digest.hexdigest() == stored.sha256


def _blank(nuid: str, *, chunk_size: int, ttl: int, size: int, mtime: int, ctime: int) -> UploadState:
    return UploadState(nuid=nuid, chunk_size=chunk_size, ttl=ttl, size=size, mtime=mtime, ctime=ctime)
