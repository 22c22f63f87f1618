"""Targets: files that appear whole or not at all, and streams."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from natsobj.errors import FileExists, InvalidKey
from natsobj.files import Sink
from natsobj.files.pipes import PipeSink, descriptor_of, is_stream, naming

__all__ = ["AtomicFile", "make_folders", "open_stdout", "open_target", "target_path"]

_STDOUT = "standard output"
_TEMPORARY_SUFFIX = ".natsobj"
_MOST_OF_NAME = 200
"""Bytes of the target's name that its temporary file has in its own: 255 is the limit of both."""


def target_path(file: str, key: str) -> Path:
    """Return the file that a get writes: `file`, or below it when it is a folder or ends in a slash.

    Raises:
        InvalidKey: in the folder form, the key's last part names no file.
    """
    if not file.endswith("/") and not Path(file).is_dir():
        return Path(file)
    last = key.rpartition("/")[2]
    if last in ("", ".", "..") or "\0" in last:
        raise InvalidKey(key, "its last part names no file in a folder: name a FILE")
    return Path(file) / last


@contextlib.asynccontextmanager
async def open_target(path: Path, *, replace: bool, make_folder: bool = False) -> AsyncIterator[Sink]:
    """Open the file that a get writes; it appears whole at the clean end, and not at all otherwise.

    A symbolic link is followed and its target replaced. A FIFO or a device is written directly.

    Args:
        replace: an existing file may be replaced.
        make_folder: the folder may be missing and is made, and taken away again if nothing lands in it.

    Raises:
        FileExists: it is there and may not be replaced, at once or at the end.
        OSError: the folder is missing, full, or may not be written.
    """
    if is_stream(path):
        with PipeSink(lambda: os.open(path, os.O_WRONLY), str(path), close=True) as pipe:
            yield pipe
            await pipe.flush()
        return
    _check_target(path, replace=replace)
    made: list[Path] = []
    try:
        if make_folder:
            make_folders(path.parent, made)
        with AtomicFile(Path(os.path.realpath(path)), str(path)) as file:
            yield file
            file.finish(replace=replace)
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def make_folders(folder: Path, made: list[Path]) -> None:
    """Make a folder and those it lies in, and note which, innermost first, as they are made."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        try:
            each.mkdir()
        except FileExistsError:  # somebody else was quicker
            if not each.is_dir():
                raise
        else:
            made.insert(0, each)


class AtomicFile:
    """A sink that is a hidden temporary file beside its target until it is finished.

    Args:
        name: what errors call the target; it is another one where a link was followed.
    """

    def __init__(self, target: Path, name: str) -> None:
        self._target = target
        self._name = name
        self._descriptor = -1
        self._temporary: Path | None = None

    def __enter__(self) -> AtomicFile:
        stem = self._target.name
        while len(os.fsencode(stem)) > _MOST_OF_NAME:
            stem = stem[:-1]
        with naming(self._name):
            self._descriptor, temporary = tempfile.mkstemp(
                _TEMPORARY_SUFFIX, f".{stem}.", str(self._target.parent)
            )
        self._temporary = Path(temporary)
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def write(self, view: memoryview, /) -> None:
        with naming(self._name):
            _write_all(self._descriptor, view)

    async def drain(self) -> None:
        """A file never makes anyone wait."""

    def restart(self) -> None:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)

    def finish(self, *, replace: bool) -> None:
        """Give the file its name.

        Raises:
            FileExists: another one took the name meanwhile and may not be replaced.
        """
        assert self._temporary is not None
        with naming(self._name):
            os.fchmod(self._descriptor, 0o666 & ~_umask())
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
            if not replace:
                try:
                    os.link(self._temporary, self._target)  # fails where a rename would replace
                    return
                except FileExistsError:
                    raise FileExists(self._name) from None
                except OSError:  # no hard links here
                    if os.path.lexists(self._target):
                        raise FileExists(self._name) from None
            self._temporary.replace(self._target)
            self._temporary = None


class _Descriptor:
    """A sink that writes a regular file behind a descriptor and cannot take anything back."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self._name = name

    def write(self, view: memoryview, /) -> None:
        with naming(self._name):
            _write_all(self._descriptor, view)

    async def drain(self) -> None:
        """A file never makes anyone wait."""

    def restart(self) -> None:
        raise io.UnsupportedOperation("standard output cannot be unsent")


@contextlib.asynccontextmanager
async def open_stdout() -> AsyncIterator[Sink]:
    """Open standard output as a sink; all is written at the clean end.

    Raises:
        BrokenPipeError: the reader went away.
    """
    descriptor = descriptor_of(sys.stdout, _STDOUT)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        yield _Descriptor(descriptor, _STDOUT)
        return
    with PipeSink(lambda: descriptor, _STDOUT) as pipe:
        try:
            yield pipe
        except OSError:  # its own, or a local file's: nothing more is expected here
            raise
        except Exception:  # the verdict on what was fetched: it comes behind the bytes
            await pipe.flush()
            raise
        await pipe.flush()


def _write_all(descriptor: int, view: memoryview) -> None:
    written = os.write(descriptor, view)
    while written < len(view):
        written += os.write(descriptor, view[written:])


def _check_target(path: Path, *, replace: bool) -> None:
    """Refuse what is there: a folder, a file that may not be replaced, a name that cannot be one."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:  # also for a symbolic link whose target is missing
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not replace:
        raise FileExists(str(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
