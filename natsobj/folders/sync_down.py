"""A folder made to match a bucket: the opposite direction of `sync_up`.

On some file systems two different names are one file, for example if they differ only in case. So a file is
not surplus if an object's name leads to it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
import unicodedata
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from pathlib import Path

from natsobj.bucket import Bucket
from natsobj.errors import BucketNotFound, InvalidArgument, InvalidKey, ObjectNotFound
from natsobj.files import Sink
from natsobj.files.sources import open_regular
from natsobj.files.spool import Sorted, Spool
from natsobj.files.surplus import CHANGED, GONE, REMOVED, FoundFile, Surplus
from natsobj.files.target_folder import path_parts
from natsobj.folders.compare import has_content
from natsobj.folders.filters import EVERYTHING, Filter
from natsobj.folders.get import get_objects
from natsobj.folders.in_the_way import Obstacles, explain
from natsobj.folders.merge import side_by_side
from natsobj.folders.outcomes import Done, Failed, Outcome, Skipped, attempt
from natsobj.folders.pace import Pace
from natsobj.folders.scan import objects_below, with_slash
from natsobj.folders.sync_up import lean
from natsobj.folders.workers import Crew
from natsobj.models import ObjectInfo

__all__ = ["sync_to_folder"]

Objects = AsyncGenerator[ObjectInfo | Failed | Skipped, None]
"""The objects below a prefix."""

_TURN = 64
"""Items after which the event loop gets a turn."""


async def sync_to_folder(
    bucket: Bucket,
    prefix: str,
    folder: str,
    *,
    delete: bool = False,
    dry_run: bool = False,
    only: Filter = EVERYTHING,
    jobs: int | None = None,
    found: Callable[[Objects], Objects] = lambda objects: objects,
    wrap: Callable[[Sink], Sink] = lambda sink: sink,
    told: Callable[[Done], None] = lambda _: None,
) -> AsyncGenerator[Outcome, None]:
    """Make the files below a folder match the objects below a prefix; deletions come last.

    Args:
        delete: delete the files that the bucket lacks, and then the folders that are empty. Links and their
            targets stay, and so do files that have changed since the sync began. Objects that such files or
            empty folders are in the way of are fetched after the deletions, if nothing else has failed.
        dry_run: change nothing, and yield what would be done.
        only: selects paths below the prefix and the folder; others are neither fetched nor deleted.
        found: wraps the iterator of the objects.
        jobs: the number of parallel transfers; by default as many as the line needs.
        wrap: as in `get_objects`, and so is `told`.

    Raises:
        ObjectNotFound: there is nothing below the prefix.
        InvalidArgument: with `delete`, the same, or nothing is selected, or a record cannot be read.
        OSError: the folder is not a folder, or cannot be read.
    """
    prefix = with_slash(prefix)
    complete, advice = True, _advice(delete=delete)
    local: _Local | None = None
    with ExitStack() as stack:
        objects = objects_below(bucket, prefix, lambda name: only.takes(name.removeprefix(prefix)))
        if delete:
            local = _Local(folder, bucket.name, prefix, stack)
            await local.read(only)
            for failure in local.failures:
                complete = False
                yield failure
            await _read_whole(bucket, prefix, objects, into=local.objects)
            objects = local.beside()

        def transfer(objects: Objects) -> AsyncGenerator[Outcome, None]:
            if dry_run:
                return _compare(bucket, objects, folder, prefix, jobs, advice=advice)
            return get_objects(
                *(bucket, objects, folder, prefix),
                jobs=jobs,
                if_changed=True,
                wrap=wrap,
                told=told,
                advice=advice,
            )

        async with aclosing(transfer(found(objects))) as outcomes:
            async for outcome in outcomes:
                if local is not None and local.waiting.add(outcome):
                    continue
                complete = complete and not isinstance(outcome, Failed)
                yield outcome
        if local is None:
            return
        planned = partial(_planned, bucket) if dry_run else transfer
        async with aclosing(local.finish(planned, complete=complete, dry_run=dry_run, told=told)) as outcomes:
            async for outcome in outcomes:
                yield outcome


async def _planned(bucket: Bucket, objects: Objects) -> AsyncGenerator[Outcome, None]:
    async def plan(info: ObjectInfo) -> Done:
        return Done(info.name, await bucket.follow(info), "fetched")

    async with aclosing(objects):
        async for each in objects:
            yield await attempt(each, plan, attrgetter("name"), lambda _: None)


async def _read_whole(bucket: Bucket, prefix: str, objects: Objects, *, into: Sorted[ObjectInfo]) -> None:
    """Find all objects before anything is changed.

    Raises:
        InvalidArgument: there are none, or some could not be read.
    """
    try:
        async with aclosing(objects):
            async for each in objects:
                if isinstance(each, Failed):
                    where = f"{bucket.name}/{prefix}"
                    raise InvalidArgument(f"cannot read all of {where}, nothing was changed: {each.error}")
                if isinstance(each, ObjectInfo):
                    into.add(lean(each))
    except BucketNotFound as e:
        raise InvalidArgument(f"{e}, nothing was deleted") from e
    except ObjectNotFound:
        pass
    if not len(into):
        raise InvalidArgument(f"nothing to sync in {bucket.name}/{prefix}, nothing was deleted")


@dataclass(frozen=True, slots=True)
class _Going:
    """A file that the bucket lacks."""

    file: FoundFile
    others: tuple[str, ...]
    """Objects whose names the file system may take for this file's."""


class _Local:
    """The files of the folder, and which of them are to be removed."""

    def __init__(self, folder: str, bucket: str, prefix: str, stack: ExitStack) -> None:
        self._folder = folder
        self._bucket = bucket
        self._prefix = prefix
        self._begun = time.time_ns()
        self._surplus = Surplus(folder)
        self.objects = stack.enter_context(Sorted(_name, lambda info: _folded(self._path(info))))
        """The objects of the bucket."""
        self._files = stack.enter_context(Sorted(_below, lambda file: _folded(file.below)))
        self._going = stack.enter_context(Spool[_Going](lambda going: going.file.below))
        self.failures: list[Failed] = []
        """Subfolders that cannot be read."""
        self.waiting = Obstacles(folder)

    async def read(self, only: Filter) -> None:
        """Find the files."""
        if not os.path.lexists(self._folder):
            return
        top = os.path.join(self._folder, "")  # noqa: PTH118  # ends in a separator
        for number, found in enumerate(self._surplus.find()):
            if isinstance(found, OSError):
                below = str(found.filename).removeprefix(top).replace(os.sep, "/")
                if only.enters(f"{below}/"):  # a folder, perhaps
                    self.failures.append(Failed(found.filename, found))
            elif only.takes(found.below):
                self._files.add(found)
            if number % _TURN == 0:
                await asyncio.sleep(0)

    async def beside(self) -> Objects:
        """Yield the objects, and note the files that match none of them."""
        pairs = side_by_side(
            self._files,
            self.objects,
            lambda file: _folded(file.below),
            lambda info: _folded(self._path(info)),
        )
        for number, (files, infos) in enumerate(pairs):
            paths = tuple(map(self._path, infos))
            for file in files:
                if file.below not in paths:
                    self._going.add(_Going(file, paths))
            for info in infos:
                yield info
            if number % _TURN == 0:
                await asyncio.sleep(0)

    async def finish(
        self,
        transfer: Callable[[Objects], AsyncGenerator[Outcome, None]],
        *,
        complete: bool,
        dry_run: bool,
        told: Callable[[Done], None],
    ) -> AsyncGenerator[Outcome, None]:
        """Remove the files that the bucket lacks, and then transfer the objects that they were in the way of.

        Args:
            complete: whether everything has succeeded so far.
        """
        if not complete or not self._makes_room():
            for failure in self.waiting.failures():
                yield failure
            return
        async with aclosing(self._remove_all(dry_run=dry_run, told=told)) as outcomes:
            async for outcome in outcomes:
                yield outcome
        for place in () if dry_run else self.waiting.places():
            self._surplus.remove_folders(place)
        if len(self.waiting):
            async with aclosing(transfer(self._waiting())) as outcomes:
                async for outcome in outcomes:
                    yield outcome

    async def _waiting(self) -> Objects:
        for info in self.objects:
            if info.name in self.waiting:
                yield info

    async def _remove_all(
        self, *, dry_run: bool, told: Callable[[Done], None]
    ) -> AsyncGenerator[Outcome, None]:
        """Remove the files that the bucket lacks."""
        for number, going in enumerate(self._going):
            if number % _TURN == 0:
                await asyncio.sleep(0)
            try:
                outcome = self._remove(going, dry_run=dry_run)
            except OSError as e:
                yield Failed(going.file.below, e)
                continue
            if isinstance(outcome, Done) and not dry_run:
                told(outcome)
            if outcome is not None:
                yield outcome

    def _makes_room(self) -> bool:
        """Return whether only surplus files and empty folders are in the way of the objects that wait."""
        if self.waiting.collide():
            return False
        goes = (each.file for each in self._going if isinstance(self._planned(each), Done))
        counts = self.waiting.going(goes)
        try:
            return all(self._surplus.count(place) == counts[place] for place in self.waiting.places())
        except OSError:
            return False

    def _planned(self, going: _Going) -> Outcome | None:
        try:
            return self._remove(going, dry_run=True)
        except OSError:
            return None

    def _remove(self, going: _Going, *, dry_run: bool) -> Outcome | None:
        file = going.file
        shown = str(Path(self._folder, file.below))
        if file.changed > self._begun:
            return Skipped(shown, CHANGED, file.size)
        what = self._surplus.remove(file, going.others, dry_run=dry_run)
        if what == GONE:
            return None
        if what != REMOVED:
            return Skipped(shown, what, file.size)
        modified = datetime.fromtimestamp(file.changed / 1e9, UTC)
        info = ObjectInfo(self._bucket, self._prefix + file.below, file.size, 0, modified, 0, deleted=True)
        return Done(shown, info, "deleted")

    def _path(self, info: ObjectInfo) -> str:
        return info.name.removeprefix(self._prefix)


def _name(info: ObjectInfo) -> str:
    return info.name


def _below(file: FoundFile) -> str:
    return file.below


def _folded(path: str) -> str:
    """Return a form that is the same for all names that some file system takes for one."""
    return path if path.isascii() and path.islower() else unicodedata.normalize("NFKC", path).casefold()


def _compare(
    bucket: Bucket, objects: Objects, folder: str, prefix: str, jobs: int | None, *, advice: str
) -> AsyncGenerator[Outcome, None]:
    """Yield what would be fetched."""

    async def compare(info: ObjectInfo) -> Done:
        parts = path_parts(info.name.removeprefix(prefix))
        try:
            _check_way(folder, parts)
        except (IsADirectoryError, NotADirectoryError) as e:
            await explain(e, bucket, prefix, info.name, folder=folder, advice=advice)
            raise
        path = os.path.join(folder, *parts)  # noqa: PTH118
        there = await bucket.follow(info)
        if os.path.isfile(path) and os.path.getsize(path) == there.size:  # noqa: PTH113, PTH202
            with open_regular(path) as source:
                if await has_content(source, there):
                    return Done(info.name, there, "unchanged", info.size)
        return Done(info.name, there, "fetched", info.size)

    act = partial(attempt, act=compare, name=attrgetter("name"), told=lambda _: None)
    return Crew(objects, act, Pace(jobs), attrgetter("size")).results()


def _advice(*, delete: bool) -> str:
    if delete:
        return "move it away; only files that the bucket lacks make room, once all else has succeeded"
    return "move it away; --delete does, if the bucket lacks it"


def _check_way(folder: str, parts: Sequence[str]) -> None:
    """Check, as far as possible without writing, that a file can be written there.

    Raises:
        InvalidKey: a link on the way leads out of the folder.
        OSError: a folder has the name of the file, or a file has the name of a folder on the way.
    """
    path, top = Path(folder), Path(os.path.realpath(folder))
    for number, part in enumerate(parts, 1):
        path /= part
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(top):
            raise InvalidKey(str(path), f"{path} is a link that leads out of the folder")
        error = errno.EISDIR if number == len(parts) else errno.ENOTDIR
        if path.exists() and path.is_dir() == (error == errno.EISDIR):
            raise OSError(error, os.strerror(error), str(path))
