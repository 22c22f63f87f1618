"""A bucket made to match a folder.

    async with aclosing(sync_to_bucket(bucket, "dist", "www", delete=True)) as outcomes:
        async for outcome in outcomes: ...

Both sides are listed once and compared in order, in flat memory. Objects that the folder lacks are deleted
after the transfers, and only if all of them succeeded. If the folder cannot be read completely, nothing is
changed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any

from natsobj.adr20 import streams
from natsobj.bucket import Bucket
from natsobj.errors import InvalidArgument, InvalidMetadata, TemporaryError
from natsobj.files import Source
from natsobj.files.sources import open_regular
from natsobj.files.spool import Sorted, Spool
from natsobj.files.surplus import CHANGED
from natsobj.folders.compare import has_content
from natsobj.folders.delete import delete_objects
from natsobj.folders.filters import EVERYTHING, Filter
from natsobj.folders.merge import side_by_side
from natsobj.folders.outcomes import Done, Failed, Outcome, Skipped, attempt
from natsobj.folders.pace import Pace
from natsobj.folders.put import put_files
from natsobj.folders.scan import LocalFile, scan, with_slash
from natsobj.folders.workers import Crew
from natsobj.models import ObjectInfo
from natsobj.stream import BucketStream
from natsobj.stream.listing import every_record
from natsobj.stream.marks import Marks

__all__ = ["lean", "sync_to_bucket"]

Item = LocalFile | Failed | Skipped
"""One result of a scan."""
Entry = ObjectInfo | InvalidMetadata
"""One record of a bucket."""

_TURN = 64
"""Items after which the event loop gets a turn."""


async def sync_to_bucket(
    bucket: Bucket,
    folder: str,
    prefix: str = "",
    *,
    delete: bool = False,
    dry_run: bool = False,
    only: Filter = EVERYTHING,
    jobs: int | None = None,
    outputs: Collection[tuple[int, int]] = (),
    found: Callable[[Iterator[Item]], Iterator[Item]] = lambda items: items,
    wrap: Callable[[Source], Source] = lambda source: source,
    told: Callable[[Done], None] = lambda _: None,
) -> AsyncGenerator[Outcome, None]:
    """Make the objects below a prefix match the files below a folder; deletions come last.

    A file is `unchanged` if its object has the same size and digest: only files of the same size are read.

    Args:
        delete: delete the objects that the folder lacks, in the revision that was listed. An object that has
            changed since the sync began, by the server's clock, is skipped.
        dry_run: change nothing, and yield what would be done.
        only: selects paths below the folder and the prefix; others are neither stored nor deleted.
        found: wraps the iterator of the files.
        jobs: the number of parallel transfers; by default as many as the line needs.
        outputs: as in `scan`; `wrap` and `told` are those of `put_files`.

    Raises:
        OSError: the folder is missing, or cannot be read.
        InvalidArgument: with `delete`, the folder cannot be read completely, or nothing in it is selected.
        RefusedError: the bucket is sealed, a mirror, or its stream does not keep objects.
    """
    prefix = with_slash(prefix)
    with ExitStack() as stack:
        files: Iterable[Item]
        if delete:
            files = await _read_whole(folder, prefix, outputs, only, into=stack.enter_context(Spool(_text)))
        else:
            files = scan(folder, prefix, outputs=outputs, only=only)
        await bucket.check_writable()
        begun = await _Beginning.of(bucket.stream)
        there = stack.enter_context(Sorted(_name, lambda entry: _place(_name(entry), prefix)))
        await _list(bucket, prefix, only, into=there)
        surplus = stack.enter_context(Spool(_name))
        transfers = found(_paired(files, there, folder, prefix, surplus))
        if dry_run:
            outcomes = _compare(bucket, transfers, jobs)
        else:
            outcomes = put_files(bucket, transfers, jobs=jobs, read_back=False, wrap=wrap, told=told)
        complete = True
        async with aclosing(outcomes):
            async for outcome in outcomes:
                complete = complete and not isinstance(outcome, Failed)
                yield outcome
        if delete and complete:
            await begun.check(bucket.stream)
            going = _in_turns(begun.sort_out(each) for each in surplus)
            if dry_run:
                outcomes = _as_if(going)
            else:
                shares = await _sharing(bucket.stream, surplus)
                outcomes = delete_objects(bucket, going, shares=shares, jobs=jobs, told=told)
            async with aclosing(outcomes):
                async for outcome in outcomes:
                    yield outcome


def lean(info: ObjectInfo) -> ObjectInfo:
    """Return an object without its description, headers and metadata, which may be long."""
    return replace(info, description=None, headers={}, metadata={}, record_size=0)


@dataclass(frozen=True, slots=True)
class _Beginning:
    """Where a stream was when a sync began."""

    sequence: int
    time: datetime
    created: object
    """When the stream was created, which tells it from another stream of the same name."""

    @classmethod
    async def of(cls, stream: BucketStream) -> _Beginning:
        state = await stream.info()
        time = streams.parse_time(state["ts"]) or datetime.now(UTC)
        return cls(state["state"]["last_seq"], time, state.get("created"))

    async def check(self, stream: BucketStream) -> None:
        """Check that it is still the same stream: in another one a revision belongs to another object.

        Raises:
            TemporaryError: the bucket was deleted and created again.
        """
        if (await stream.info()).get("created") != self.created:
            raise TemporaryError(
                f"bucket was deleted and created again: {stream.bucket}, nothing was deleted"
            )

    def sort_out(self, entry: Entry) -> ObjectInfo | Failed | Skipped:
        """Return an object that the folder lacks if it may be deleted, and otherwise why not."""
        if isinstance(entry, InvalidMetadata):
            return Failed(entry.where, entry)
        if entry.revision > self.sequence or entry.modified > self.time:
            return Skipped(entry.name, CHANGED, entry.size)
        return entry


# What there is


async def _read_whole(
    folder: str, prefix: str, outputs: Collection[tuple[int, int]], only: Filter, *, into: Spool[Item]
) -> Spool[Item]:
    """Find all files before anything is changed.

    Raises:
        InvalidArgument: there are none, or some could not be read.
    """
    anything = False
    try:
        for number, item in enumerate(scan(folder, prefix, outputs=outputs, only=only)):
            if isinstance(item, Failed) and isinstance(item.error, OSError):
                raise item.error
            anything = anything or isinstance(item, LocalFile)
            into.add(item)
            if number % _TURN == 0:
                await asyncio.sleep(0)
    except OSError as e:
        what = f"{e.filename or folder}: {e.strerror}"
        raise InvalidArgument(f"cannot read all of {folder}, nothing was changed: {what}") from e
    if not anything:
        raise InvalidArgument(f"nothing to sync in {folder}, nothing was deleted")
    return into


async def _list(bucket: Bucket, prefix: str, only: Filter, *, into: Sorted[Entry]) -> None:
    """Find the objects below the prefix."""
    async with aclosing(bucket.entries(prefix)) as entries:
        async for entry in entries:
            name = _name(entry)
            if not name.startswith(prefix) or not only.takes(name.removeprefix(prefix)):
                continue
            if isinstance(entry, InvalidMetadata):
                into.add(entry)
            elif not entry.deleted:
                into.add(lean(entry))


def _paired(
    files: Iterable[Item], there: Iterable[Entry], folder: str, prefix: str, surplus: Spool[Entry]
) -> Iterator[Item]:
    """Yield each file with its object; objects without a file are surplus.

    Those below a folder that was skipped are not: nobody has looked there.
    """
    top = os.path.join(folder, "")  # noqa: PTH118  # ends in a separator
    pairs = side_by_side(
        files, there, lambda item: _place_of(item, prefix, top), lambda entry: _place(_name(entry), prefix)
    )
    unseen: list[str] | None = None
    for items, entries in pairs:
        only = entries[0] if len(entries) == 1 else None  # of two with one name, either may be valid
        for item in items:
            if isinstance(item, LocalFile) and isinstance(only, ObjectInfo):
                yield replace(item, there=only)
                continue
            if isinstance(item, Skipped) and os.path.isdir(item.name):  # noqa: PTH112  # never raises
                unseen = _place_of(item, prefix, top)
            yield item
        if not items:
            for entry in entries:
                if unseen is None or _place(_name(entry), prefix)[: len(unseen)] != unseen:
                    surplus.add(entry)


def _text(item: Item) -> str:
    return item.path if isinstance(item, LocalFile) else item.name


def _name(entry: Entry) -> str:
    return entry.name if isinstance(entry, ObjectInfo) else entry.where


def _place(name: str, prefix: str) -> list[str]:
    """Return what names are sorted by: folder by folder, in the order of a scan."""
    return name.removeprefix(prefix).split("/")


def _place_of(item: Item, prefix: str, top: str) -> list[str]:
    """Return the same for an item found below a folder; `top` is the folder's path with a separator."""
    if isinstance(item, LocalFile):
        return _place(item.key, prefix)
    return item.name.removeprefix(top).replace(os.sep, "/").split("/")


async def _sharing(stream: BucketStream, surplus: Spool[Entry]) -> Callable[[ObjectInfo], bool]:
    """Find out which of the objects to delete have chunks that another record names, too.

    Older clients made such records by renames and links.
    """
    going, named = Marks(), Marks()
    for entry in surplus:
        if isinstance(entry, ObjectInfo) and entry.nuid is not None:
            going.add(entry.nuid)
    if len(going):
        async with aclosing(every_record(stream)) as records:
            async for record in records:
                if record.live is not None and record.live.nuid is not None:
                    if record.live.nuid in going:
                        named.add(record.live.nuid)
                elif record.error is not None:
                    for nuid in record.may_name(going):
                        named.add(nuid)
                        named.add(nuid)  # it may be another's: as good as shared
    shared = named.repeated()
    return lambda info: info.nuid is not None and hash(info.nuid) in shared


# What would be done


def _compare(bucket: Bucket, items: Iterable[Item], jobs: int | None) -> AsyncGenerator[Outcome, None]:
    """Yield what would be stored."""

    async def compare(file: LocalFile) -> Done:
        if file.there is not None and file.there.size == file.size:
            with open_regular(file.path) as source:
                if await has_content(source, file.there):
                    return Done(file.path, file.there, "unchanged", file.size)
        info = ObjectInfo(bucket.name, file.key, file.size, 0, datetime.now(UTC), 0)
        return Done(file.path, info, "stored", file.size)

    act = partial(attempt, act=compare, name=attrgetter("path"), told=lambda _: None)
    return Crew(_in_turns(items), act, Pace(jobs), attrgetter("size")).results()


async def _as_if(items: AsyncGenerator[ObjectInfo | Failed | Skipped, None]) -> AsyncGenerator[Outcome, None]:
    """Yield what would be deleted."""
    async with aclosing(items):
        async for item in items:
            yield Done(item.name, item, "deleted") if isinstance(item, ObjectInfo) else item


async def _in_turns(items: Iterable[Any]) -> AsyncGenerator[Any, None]:
    for number, item in enumerate(items):
        if number % _TURN == 0:
            await asyncio.sleep(0)
        yield item
