"""A file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat

from natsobj.errors import FileExists
from natsobj.files.folder import Folder
from natsobj.files.pipes import naming, write_all

__all__ = ["AtomicFile", "beginning", "is_unfinished"]

_TEMPORARY_SUFFIX = ".natsobj"
_UNFINISHED = re.compile(r"\..+\.(?:[0-9a-f]{8}|[0-9A-Za-z]+\.part)\.natsobj", re.DOTALL)
"""As they are named here, and by `PartialFile`."""
_MOST_OF_NAME = 200
"""Bytes of the target's name that its temporary file has in its own: 255 is the limit of both."""
_LEAST_OF_NAME = 20
"""As many where the file system allows less."""
_ORDINARY = 0o666
"""The permissions of a new file; the system takes away what the umask, or the folder, has."""
_ALL_PERMISSIONS = 0o777


class AtomicFile:
    """A sink that is a hidden temporary file beside its target until it is finished.

    Args:
        folder: both are in it; it stays open until the file is finished.
        target: the name in it.
        name: the target as errors name it; the file itself is another one if a link was followed.
        replaces: a file may have the target's name.
    """

    def __init__(self, folder: Folder, target: str, name: str, *, replaces: bool = True) -> None:
        self._folder = folder
        self._replaces = replaces
        self._target = target
        self._name = name
        self._descriptor = -1
        self._temporary: str | None = None

    def __enter__(self) -> AtomicFile:
        try:
            with naming(self._name):
                self._create()
        except PermissionError as e:
            e.add_note(f"the new file is written beside it: {self._folder.path} must be writable")
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._folder.remove(self._temporary)
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def write(self, view: memoryview, /) -> None:
        with naming(self._name):
            write_all(self._descriptor, view)

    async def drain(self) -> None:
        """A file never makes anyone wait."""

    def restart(self) -> None:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)

    def finish(self, *, replace: bool) -> None:
        """Give the file its name, and the permissions of the file that has it now.

        Raises:
            FileExists: another file took the name meanwhile, and may not be replaced.
        """
        assert self._temporary is not None
        with naming(self._name):
            if replace:
                self._keep_permissions()
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
            if not replace:
                try:
                    self._folder.link(self._temporary, self._target)  # fails where a rename would replace
                    return
                except FileExistsError:
                    raise FileExists(self._name) from None
                except OSError:  # no hard links here
                    if self._folder.status(self._target) is not None:
                        raise FileExists(self._name) from None
        self._rename(self._temporary)

    def _rename(self, temporary: str) -> None:
        try:
            with naming(self._name):
                self._folder.replace(temporary, self._target)
        except OSError as e:
            if e.errno == errno.EBUSY:
                e.add_note("it is a mount point, which cannot be replaced: get it to - and redirect that")
            raise
        self._temporary = None

    def _create(self) -> None:
        stem, old = beginning(self._target, _MOST_OF_NAME), self._old() if self._replaces else None
        # A private file stays private meanwhile; a read-only one is replaced nevertheless.
        mode = _ORDINARY if old is None else old.st_mode & _ALL_PERMISSIONS | stat.S_IRUSR | stat.S_IWUSR
        while self._descriptor < 0:
            temporary = f".{stem}.{secrets.token_hex(4)}{_TEMPORARY_SUFFIX}"
            try:
                self._descriptor = self._folder.create(temporary, mode)
                self._temporary = temporary
            except FileExistsError:
                continue
            except OSError as e:
                if e.errno != errno.ENAMETOOLONG or stem == (shorter := beginning(stem, _LEAST_OF_NAME)):
                    raise
                stem = shorter

    def _keep_permissions(self) -> None:
        """Take over owner and permissions as far as the system allows; it does not fail if it cannot."""
        old, new = self._old(), os.fstat(self._descriptor)
        if old is None or os.name == "nt":
            return
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            for user, group in ((-1, old.st_gid), (old.st_uid, -1)):
                with contextlib.suppress(OSError):
                    os.fchown(self._descriptor, user, group)
        if (old.st_mode ^ new.st_mode) & _ALL_PERMISSIONS:
            with contextlib.suppress(OSError):
                os.fchmod(self._descriptor, old.st_mode & _ALL_PERMISSIONS)

    def _old(self) -> os.stat_result | None:
        status = self._folder.status(self._target)
        return status if status is not None and stat.S_ISREG(status.st_mode) else None


def is_unfinished(name: str) -> bool:
    """Return whether a file's name is that of a download under way, or of one that was cut short."""
    return _UNFINISHED.fullmatch(name) is not None


def beginning(name: str, most: int) -> str:
    """Cut a name to a number of bytes, between two characters."""
    while len(os.fsencode(name)) > most:
        name = name[:-1]
    return name
