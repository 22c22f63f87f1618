"""A file that appears whole or not at all, and whose bytes so far outlive a fetch that was ended.

They stay beside the target under a name that has its name and the nuid of the content, locked as long as a
process writes them. What is found under that name is gone on with only if nobody else can have written it:
a regular file of our own, without another name; no link is followed.
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
"""Bytes of the target's name in the partial file's, tried in turn: how long a name may be is not told."""
_ATTEMPTS = 10
"""At opening what others take away or put there."""
_BLOCK = 1024 * 1024
_ORDINARY = 0o666
_ALL_PERMISSIONS = 0o777


class PartialFile(AtomicFile):
    """A sink whose bytes stay when the block ends with an error that does not say that they are useless.

    Args:
        folder: it lies in it, beside its target.
        content: the nuid of what is fetched.
        whole: the bytes that it is to have.
    """

    def __init__(self, folder: Folder, target: str, name: str, content: str, whole: int) -> None:
        super().__init__(folder, target, name)
        usual = _CONTENT.fullmatch(content)
        self._content = content if usual else hashlib.sha256(content.encode()).hexdigest()
        self._whole = whole
        self._held = -1
        """Another descriptor of the file: it keeps the lock until the file has its name."""
        self._passing = 0
        """Bytes that come again and are there already."""
        self._useless = False

    def __exit__(self, *how: object) -> None:
        error = how[1] if len(how) > 1 and isinstance(how[1], BaseException) else None
        there = self._is_there()
        kept = os.fstat(self._held).st_size if there and error is not None and not self._useless else 0
        try:
            if kept or not there:
                self._temporary = None  # which leaves what has the name where it is
            super().__exit__()
        finally:
            os.close(self._held)
        if kept and error is not None and not isinstance(error, RefusedError):
            note_kept(error, kept, self._whole)

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return os.fstat(self._held).st_size

    def useless(self) -> None:
        """Let nothing of it stay, however the block ends."""
        self._useless = True

    def beginning(self, size: int) -> Iterator[bytes]:
        """Cut the file to a size and read it; whoever writes it again on the way changes nothing."""
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
        """Return whether it still has its name: somebody may have taken it away."""
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
        """Remove what was fetched of other contents for the same target.

        Raises:
            TransferUnderWay: somebody is about to fetch one.
        """
        pattern = re.compile(rf"\.{re.escape(stem)}\.({_CONTENT.pattern}){re.escape(_SUFFIX)}")
        try:
            names = os.listdir(self._folder.path)  # names, whatever the path leads to by now
        except OSError:  # it may be written and not read
            return
        for name in names:
            if (found := pattern.fullmatch(name)) and found[1] != self._content:
                with contextlib.suppress(OSError):
                    os.close(self._take(name))
                    self._folder.remove(name)

    def _open(self, name: str, mode: int) -> int:
        """Return the descriptor of the file, old or new, which nobody else has then."""
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
        """Open and lock what is there.

        Raises:
            TransferUnderWay: somebody else has the lock.
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
    """Open the file that a get writes, with what an earlier get of the same content has left.

    Otherwise as `open_target`.

    Args:
        content: the nuid of what is fetched.
        size: the bytes that it has.

    Raises:
        InvalidArgument: the path is no place for a regular file.
        TransferUnderWay: another process fetches to the same target.
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
    """Return what stands for the target in the name: a long one is cut, and told from its like."""
    if len(os.fsencode(target)) <= most:
        return target
    return f"{beginning(target, most - 9)}~{hashlib.sha256(os.fsencode(target)).hexdigest()[:8]}"


def _is_ours(status: os.stat_result) -> bool:
    """Return whether nobody else can have written it."""
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid == os.geteuid()
