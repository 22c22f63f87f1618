"""Targets: files that appear whole or not at all, and streams."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from natsobj.errors import FileExists, InvalidKey
from natsobj.files import Sink
from natsobj.files.atomic_file import AtomicFile
from natsobj.files.descriptors import descriptor_of, is_stream, named_descriptor
from natsobj.files.folder import Folder
from natsobj.files.pipes import PipeSink, naming, write_all

__all__ = [
    "begin",
    "check_target",
    "is_there",
    "make_folders",
    "open_stdout",
    "open_target",
    "remove_folders",
    "target_path",
]

FileT = TypeVar("FileT", bound=AtomicFile)

_STDOUT = "standard output"
_ATTEMPTS = 5
"""At making folders that others take away again."""


def target_path(file: str, key: str) -> Path:
    """Return the file that a get writes: `file`, or below it when it is a folder or is named as one.

    Raises:
        InvalidKey: in the folder form, the key's last part names no file.
    """
    if os.path.basename(file) not in ("", ".", "..") and not Path(file).is_dir():  # noqa: PTH119
        return Path(file)
    last = key.rpartition("/")[2]
    if last in ("", ".", "..") or "\0" in last:
        raise InvalidKey(key, "its last part is not a file name: give a FILE")
    return Path(file) / last


def is_there(path: Path) -> bool:
    """Return whether there is a regular file that a get would replace; only that counts as existing."""
    return named_descriptor(str(path)) is None and path.is_file() and not is_stream(path)


@contextlib.asynccontextmanager
async def open_target(path: Path, *, replace: bool) -> AsyncIterator[Sink]:
    """Open the file that a get writes; it appears whole at the clean end, and not at all otherwise.

    Missing folders on the way are made, and taken away again if nothing lands in them. A symbolic link is
    followed and its target replaced. Written directly are a FIFO, a device, and an open descriptor that the
    path is a name of, such as `/dev/fd/3`.

    Args:
        replace: an existing file may be replaced.

    Raises:
        FileExists: it is there and may not be replaced, at once or at the end.
        OSError: the folder cannot be made, is full, or may not be written.
    """
    if (descriptor := named_descriptor(str(path))) is not None:
        async with _open_descriptor(descriptor, str(path)) as sink:
            yield sink
        return
    if is_stream(path):
        flags = os.O_WRONLY | (os.O_APPEND if path.is_file() else 0)
        with PipeSink(lambda: os.open(path, flags), str(path), close=True) as pipe:
            yield pipe
            await pipe.flush()
        return
    check_target(path, replace=replace)
    made: list[Path] = []
    try:
        with contextlib.ExitStack() as stack:
            file = begin(path, made, stack, AtomicFile)
            yield file
            file.finish(replace=replace)
    except BaseException:
        remove_folders(made)
        raise


def begin(
    path: Path, made: list[Path], stack: contextlib.ExitStack, kind: Callable[[Folder, str, str], FileT]
) -> FileT:
    """Create the file to write, and the missing folders; those of a link's target are not created.

    Args:
        made: the folders are noted here.
        kind: makes it, of its folder, the target's name in that, and what errors call the target.
    """
    link = path.is_symlink()
    for attempt in range(_ATTEMPTS):
        try:
            if not link:
                make_folders(path.parent, made)
            target = Path(os.path.realpath(path)) if link else path
            with naming(str(path)):
                folder = stack.enter_context(Folder.open(str(target.parent)))
            file = kind(folder, target.name, str(path))
            stack.enter_context(file)
            return file
        except FileNotFoundError:  # another get took a folder away that it had made for nothing
            if link or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError


def make_folders(folder: Path, made: list[Path]) -> None:
    """Make a folder and those it lies in, and note which as they are made.

    Raises:
        OSError: something else is in the place of one of them, or it cannot be made.
    """
    missing = []
    while not folder.exists() and folder != folder.parent:  # a working folder may be gone
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        try:
            each.mkdir()
        except FileExistsError:  # another process was quicker
            if each.is_symlink() and not each.exists():
                raise FileNotFoundError(errno.ENOENT, "it is a link that leads nowhere", str(each)) from None
            if not each.is_dir():
                raise
        else:
            made.append(each)


def remove_folders(made: list[Path]) -> None:
    """Take folders away that were made, as far as nothing is in them."""
    for folder in sorted(made, key=lambda path: len(path.parts), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()


class _Descriptor:
    """A sink that writes to an open descriptor of a regular file, and cannot start over."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self._name = name

    def write(self, view: memoryview, /) -> None:
        with naming(self._name):
            write_all(self._descriptor, view)

    async def drain(self) -> None:
        """A file never makes anyone wait."""

    def restart(self) -> None:
        raise io.UnsupportedOperation(f"what was written to {self._name} cannot be unsent")


@contextlib.asynccontextmanager
async def open_stdout() -> AsyncIterator[Sink]:
    """Open standard output as a sink; all is written at the clean end.

    Raises:
        BrokenPipeError: the reader went away.
    """
    async with _open_descriptor(descriptor_of(sys.stdout, _STDOUT), _STDOUT) as sink:
        yield sink


@contextlib.asynccontextmanager
async def _open_descriptor(descriptor: int, name: str) -> AsyncIterator[Sink]:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        yield _Descriptor(descriptor, name)
        return
    with PipeSink(lambda: descriptor, name) as pipe:
        try:
            yield pipe
        except OSError:  # its own, or a local file's: nothing more is expected here
            raise
        except Exception:  # the verdict on the fetched bytes comes after them
            await pipe.flush()
            raise
        await pipe.flush()


def check_target(path: Path, *, replace: bool) -> None:
    """Refuse what is there: a folder, a file that may not be replaced, a name that cannot be one."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:  # also for a symbolic link whose target is missing
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not replace:
        raise FileExists(str(path))
