"""A file that appears whole or not at all, and whose bytes so far survive an interrupted fetch.

They stay next to the target in a file that is named after it and after the nuid of the content, and locked
while a process writes to it. A file found under that name is only continued if nobody else can have written
it: it is a regular file, ours, and has no other name. No link is followed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from natsobj.errors import InvalidArgument, RefusedError, TransferUnderWay
from natsobj.files.atomic_file import AtomicFile, beginning
from natsobj.files.descriptors import is_stream, named_descriptor
from natsobj.files.folder import Folder, identity
from natsobj.files.keeping import lock, note_kept
from natsobj.files.targets import begin, check_target, remove_folders

__all__ = ["PartialFile", "open_partial"]

_SUFFIX = ".part.natsobj"
_CONTENT = re.compile(r"[A-Za-z0-9]{22}|[0-9a-f]{64}")
_MOST_OF_NAMES = (180, 60, 20)
"""Bytes of the target's name in the partial file's, tried in turn: no call tells how long a name may be."""
_ATTEMPTS = 10
"""How often to try to open a file that others keep removing or replacing."""
_BLOCK = 1024 * 1024
_ORDINARY = 0o666
_ALL_PERMISSIONS = 0o777


class PartialFile(AtomicFile):
    """A sink whose bytes stay when the block ends with an error, unless they were called useless.

    Args:
        folder: contains the file and its target.
        content: the nuid of what is fetched.
        whole: the size of the complete file.
    """

    def __init__(self, folder: Folder, target: str, name: str, content: str, whole: int) -> None:
        super().__init__(folder, target, name)
        usual = _CONTENT.fullmatch(content)
        self._content = content if usual else hashlib.sha256(content.encode()).hexdigest()
        self._whole = whole
        self._held = -1
        """A second descriptor of the file: it keeps the lock until the file has its final name."""
        self._passing = 0
        """Bytes that will be written once more, but are already there."""
        self._useless = False
        self.of_another = False
        """There was one of another content, which is gone."""

    def __exit__(self, *how: object) -> None:
        error = how[1] if len(how) > 1 and isinstance(how[1], BaseException) else None
        there = self._is_there()
        kept = os.fstat(self._held).st_size if there and error is not None and not self._useless else 0
        try:
            if kept or not there:
                self._temporary = None  # so whatever has that name stays
            super().__exit__()
        finally:
            os.close(self._held)
        if kept and error is not None and not isinstance(error, RefusedError):
            note_kept(error, kept, self._whole)

    @property
    def size(self) -> int:
        """Bytes that are already there."""
        return os.fstat(self._held).st_size

    @property
    def path(self) -> str:
        """Where it lies."""
        return os.path.join(self._folder.path, self._temporary or "")  # noqa: PTH118

    def useless(self) -> None:
        """Keep nothing of it, however the block ends."""
        self._useless = True

    def beginning(self, size: int) -> Iterator[bytes]:
        """Truncate the file to a size and read it; writing the same bytes again meanwhile changes nothing."""
        os.ftruncate(self._held, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)
        self._passing, done = size, 0
        while done < size and (block := os.pread(self._held, min(_BLOCK, size - done), done)):
            done += len(block)
            yield block

    def write(self, view: memoryview, /) -> None:
        if self._passing:
            self._passing -= len(view)
        else:
            super().write(view)

    def restart(self) -> None:
        self._passing = 0
        super().restart()

    # Inside

    def _is_there(self) -> bool:
        """Return whether it still has its name: somebody may have removed or replaced it."""
        try:
            there = None if self._temporary is None else self._folder.status(self._temporary)
        except OSError:
            return False
        return there is not None and identity(there) == identity(os.fstat(self._held))

    def _create(self) -> None:
        old = self._old()
        mode = _ORDINARY if old is None else old.st_mode & _ALL_PERMISSIONS | stat.S_IRUSR | stat.S_IWUSR
        for most in _MOST_OF_NAMES:
            stem = _stem(self._target, most)
            try:
                self._remove_others(stem)
                self._descriptor = self._open(f".{stem}.{self._content}{_SUFFIX}", mode)
                break
            except OSError as e:
                if e.errno != errno.ENAMETOOLONG or most == _MOST_OF_NAMES[-1]:
                    raise
        try:
            self._held = os.dup(self._descriptor)
            if old is not None and os.fstat(self._held).st_mode & _ALL_PERMISSIONS & ~mode:
                os.fchmod(self._held, mode)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _remove_others(self, stem: str) -> None:
        """Remove the partial files of other contents for the same target.

        Raises:
            TransferUnderWay: another process is fetching one of them.
        """
        pattern = re.compile(rf"\.{re.escape(stem)}\.({_CONTENT.pattern}){re.escape(_SUFFIX)}")
        try:
            names = os.listdir(self._folder.path)  # only names: the path may lead elsewhere by now
        except OSError:  # a folder may be writable and not readable
            return
        for name in names:
            if (found := pattern.fullmatch(name)) and found[1] != self._content:
                with contextlib.suppress(OSError):
                    os.close(self._take(name))
                    self._folder.remove(name)
                    self.of_another = True

    def _open(self, name: str, mode: int) -> int:
        """Open the file, old or new, and lock it."""
        for _ in range(_ATTEMPTS):
            there = self._folder.status(name)
            if there is not None and not _is_ours(there):
                self._folder.remove(name)
                there = self._folder.status(name)
            try:
                if there is None:
                    os.close(self._folder.create(name, mode))
                elif not _is_ours(there):
                    break
                descriptor = self._take(name)
            except (FileExistsError, FileNotFoundError):
                continue
            status, there = os.fstat(descriptor), self._folder.status(name)
            if _is_ours(status) and there is not None and identity(there) == identity(status):
                self._temporary = name
                return descriptor
            os.close(descriptor)
        raise OSError(errno.EEXIST, f"{name} is in the way, which is not ours")

    def _take(self, name: str) -> int:
        """Open and lock an existing file.

        Raises:
            TransferUnderWay: another process has the lock.
        """
        descriptor = self._folder.open_file(name, write=True)
        try:
            if not lock(descriptor):
                raise TransferUnderWay(self._name)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


@contextlib.contextmanager
def open_partial(path: Path, content: str, size: int, *, replace: bool) -> Iterator[PartialFile]:
    """Open the file that a get writes to, with the bytes that an earlier get of the same content has left.

    Apart from that it works like `open_target`.

    Args:
        content: the nuid of what is fetched.
        size: its size in bytes.

    Raises:
        InvalidArgument: the path is not that of a regular file.
        TransferUnderWay: another process is fetching to the same target.
    """
    if named_descriptor(str(path)) is not None or is_stream(path):
        raise InvalidArgument(f"cannot resume into what is not a regular file: {path}")
    check_target(path, replace=replace)
    made: list[Path] = []
    try:
        with contextlib.ExitStack() as stack:
            file = begin(
                path,
                made,
                stack,
                lambda folder, target, name: PartialFile(folder, target, name, content, size),
            )
            yield file
            file.finish(replace=replace)
    except BaseException:
        remove_folders(made)
        raise


def _stem(target: str, most: int) -> str:
    """Return the target's part of the name: a long one is cut, and a hash keeps it distinct."""
    if len(os.fsencode(target)) <= most:
        return target
    return f"{beginning(target, most - 9)}~{hashlib.sha256(os.fsencode(target)).hexdigest()[:8]}"


def _is_ours(status: os.stat_result) -> bool:
    """Return whether nobody else can have written the file."""
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid == os.geteuid()
