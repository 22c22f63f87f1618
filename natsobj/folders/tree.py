"""Folders: the files below one become objects under a prefix, and the other way round.

    async with aclosing(put_files(bucket, scan("dist", "builds/42"))) as outcomes:
        async for outcome in outcomes: ...

Nothing is kept for the whole of a tree: files and objects are found some thousands ahead of their transfers,
and what became of each one is given as soon as it is known. One that fails does not stop the others.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
)
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Literal, TypeVar

from natsobj.adr20.names import check_key
from natsobj.bucket import Bucket
from natsobj.errors import FileExists, InvalidKey, InvalidMetadata, NatsobjError, ObjectNotFound
from natsobj.files import Sink, Source
from natsobj.files.sources import open_regular
from natsobj.files.target_folder import Target, TargetFolder
from natsobj.folders.compare import has_content, stored_already
from natsobj.folders.workers import Crew
from natsobj.models import ObjectInfo, ObjectMeta

__all__ = [
    "JOBS",
    "Done",
    "Failed",
    "LocalFile",
    "Outcome",
    "Skipped",
    "get_objects",
    "objects_below",
    "put_files",
    "scan",
]

JOBS = 8
"""Transfers at once, unless something else is asked for."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to be stored."""

    path: str
    key: str
    size: int
    """When it was found."""


@dataclass(frozen=True, slots=True)
class Done:
    """One file and one object are the same now."""

    name: str
    """The local file (up) or the key (down)."""
    info: ObjectInfo
    change: Literal["stored", "fetched", "unchanged", "kept"]
    """What was done for it; `kept` is a file that was there and was not to be replaced."""
    saved: int = 0
    """Bytes that needed no transfer."""


@dataclass(frozen=True, slots=True)
class Failed:
    """One that could not be transferred; an unreadable folder is one, too."""

    name: str
    error: NatsobjError | OSError
    size: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something below a folder that has no content of its own: a FIFO, a device, a link in a circle."""

    name: str
    reason: str
    size: int = 0


Outcome = Done | Failed | Skipped


# Up


def scan(
    folder: str, prefix: str = "", *, outputs: Collection[tuple[int, int]] = ()
) -> Iterator[LocalFile | Failed | Skipped]:
    """Find the files below a folder, each folder's by name; symbolic links are followed.

    Each folder is read once, when its turn comes: what appears in it later is not found. Folders as such are
    not given, so an empty one leaves no trace.

    Args:
        prefix: what the keys begin with; a slash is put behind it unless it is empty or ends in one.
        outputs: device and inode of files that are being written and must not be read.

    Raises:
        OSError: the folder itself is missing, a file, or cannot be read.
    """
    return _walk(_Level.enter(folder, "", Path(folder).stat()), with_slash(prefix), outputs)


def with_slash(prefix: str) -> str:
    """Return the beginning of all keys that are below a prefix."""
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


@dataclass(frozen=True, slots=True)
class _Level:
    """A folder on the way to a file."""

    path: str
    below: str
    """Its path below the first one, with a slash behind it."""
    identity: tuple[int, int]
    names: Iterator[str]

    @classmethod
    def enter(cls, path: str, below: str, status: os.stat_result) -> _Level:
        return cls(path, below, (status.st_dev, status.st_ino), iter(sorted(os.listdir(path))))


def _walk(
    top: _Level, prefix: str, outputs: Collection[tuple[int, int]]
) -> Iterator[LocalFile | Failed | Skipped]:
    levels, above = [top], _above(top.path)
    while levels:
        level = levels[-1]
        name = next(level.names, None)
        if name is None:
            levels.pop()
            continue
        path, below = os.path.join(level.path, name), level.below + name  # noqa: PTH118  # 100,000 times
        try:
            status = os.stat(path)  # noqa: PTH116
            identity = (status.st_dev, status.st_ino)
            if stat.S_ISDIR(status.st_mode):
                if identity in above or any(each.identity == identity for each in levels):
                    yield Skipped(path, "a link to a folder that it is in")
                else:
                    levels.append(_Level.enter(path, f"{below}/", status))
            elif not stat.S_ISREG(status.st_mode):
                yield Skipped(path, _kind(status.st_mode))
            elif identity in outputs:
                yield Skipped(path, "this command writes to it")
            else:
                yield LocalFile(path, _key(prefix, below), status.st_size)
        except (InvalidKey, OSError) as e:
            yield Failed(path, e)


def _above(folder: str) -> set[tuple[int, int]]:
    """Return device and inode of the folders that a folder is in."""
    statuses = (parent.stat() for parent in Path(folder).resolve().parents)
    return {(status.st_dev, status.st_ino) for status in statuses}


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


def _key(prefix: str, below: str) -> str:
    """Return the key of a file; its name is UTF-8 whatever the locale is."""
    try:
        return check_key(prefix + os.fsencode(below).decode())
    except UnicodeDecodeError:
        raise InvalidKey(below, "it is not UTF-8") from None


def put_files(
    bucket: Bucket,
    files: Iterable[LocalFile | Failed | Skipped],
    meta: ObjectMeta | None = None,
    *,
    jobs: int = JOBS,
    if_absent: bool = False,
    if_changed: bool = False,
    read_back: bool = True,
    wrap: Callable[[Source], Source] = lambda source: source,
    opening: Callable[[str], AbstractContextManager[Source]] = open_regular,
    told: Callable[[Done], None] = lambda _: None,
) -> AsyncGenerator[Outcome, None]:
    """Store the files that `scan` finds; outcomes come as they are known, not in order.

    Args:
        meta: of every object.
        if_absent: a key that has an object already fails.
        if_changed: nothing is done for a key that has the content already.
        read_back: as `Bucket.put` has it.
        wrap: what is read to be stored passes through it.
        opening: opens a file by its path; only regular ones by default.
        told: is told at once of what is done, also of what is done while all of it is being ended.

    Raises:
        RefusedError: the bucket is sealed or a mirror.
    """

    async def put(file: LocalFile) -> Done:
        with opening(file.path) as source:
            if if_changed and (same := await stored_already(bucket, file.key, source)) is not None:
                return Done(file.path, same, "unchanged", file.size)
            info = await bucket.put(file.key, wrap(source), meta, if_absent=if_absent, read_back=read_back)
        return Done(file.path, info, "stored")

    async def in_turns() -> AsyncGenerator[LocalFile | Failed | Skipped, None]:
        await bucket.check_writable()  # also where there are no files
        for number, file in enumerate(files):
            if number % 64 == 0:  # let others work now and then
                await asyncio.sleep(0)
            yield file

    return Crew(in_turns(), lambda each: _try(each, put, attrgetter("path"), told), jobs).results()


# Down


async def objects_below(
    bucket: Bucket, prefix: str = "", match: Callable[[str], bool] = lambda _: True
) -> AsyncGenerator[ObjectInfo | Failed | Skipped, None]:
    """Find the objects below a prefix: what begins with it and a slash, or with it if it ends in one.

    An object whose key is the prefix itself is not below it. Records that cannot be read are failures.

    Args:
        match: only keys for which it is true.

    Raises:
        ObjectNotFound: there is nothing below the prefix.
    """
    prefix = with_slash(prefix)
    unreadable: list[InvalidMetadata] = []
    anything = not prefix
    async with aclosing(bucket.list(prefix, on_unreadable=unreadable.append)) as infos:
        async for info in infos:
            anything = True
            if match(info.name):
                yield info
    for error in unreadable:
        if error.where.startswith(prefix):
            anything = True
            if match(error.where):
                yield Failed(error.where, error)
    if not anything:
        raise ObjectNotFound(bucket.name, prefix)


async def get_objects(
    bucket: Bucket,
    objects: AsyncGenerator[ObjectInfo | Failed | Skipped, None],
    folder: str,
    prefix: str = "",
    *,
    jobs: int = JOBS,
    replace: bool = False,
    skip_existing: bool = False,
    if_changed: bool = False,
    wrap: Callable[[Sink], Sink] = lambda sink: sink,
    told: Callable[[Done], None] = lambda _: None,
) -> AsyncGenerator[Outcome, None]:
    """Fetch the objects that `objects_below` finds; outcomes come as they are known, not in order.

    Each lands under its key without the prefix, verified and whole or not at all. None lands outside of the
    folder: a key that would fails. Links to objects are followed. Folders are made as they are needed, the
    first one also when nothing failed because there was nothing.

    Args:
        replace: files that exist may be replaced.
        skip_existing: files that exist are kept.
        if_changed: files that exist are replaced unless they have the content already. Without one of these
            three they are failures.
        wrap: what is written passes through it.
        told: as `put_files` has it.
    """
    prefix = with_slash(prefix)
    files = TargetFolder(folder)

    async def get(info: ObjectInfo) -> Done:
        with files.take(info.name.removeprefix(prefix)) as target:
            if target.exists and skip_existing:
                return Done(info.name, info, "kept", info.size)
            if target.exists and not (replace or if_changed):
                raise FileExists(target.name)
            found = info if info.link is None else await bucket.info(info.name, follow=True)
            if target.exists and if_changed and await _is_there(target, found):
                return Done(info.name, found, "unchanged", info.size)
            with target.open(replace=replace or if_changed) as file:
                fetched = await bucket.get(found, into=wrap(file))
        return Done(info.name, fetched, "fetched")

    try:
        crew = Crew(objects, lambda each: _try(each, get, attrgetter("name"), told), jobs)
        async with aclosing(crew.results()) as outcomes:
            failed = False
            async for outcome in outcomes:
                failed = failed or isinstance(outcome, Failed)
                yield outcome
        if not failed:
            files.make()
    finally:
        files.tidy()


async def _is_there(target: Target, info: ObjectInfo) -> bool:
    with target.source() as source:
        return await has_content(source, info)


# Both


async def _try(
    item: T | Failed | Skipped,
    act: Callable[[T], Awaitable[Done]],
    name: Callable[[T], str],
    told: Callable[[Done], None],
) -> Outcome:
    if isinstance(item, (Failed, Skipped)):
        return item
    try:
        done = await act(item)
    except (NatsobjError, OSError) as e:
        if isinstance(e, OSError) and e.errno is None:  # not the system's: a bug
            raise
        return Failed(name(item), e)
    told(done)
    return done
