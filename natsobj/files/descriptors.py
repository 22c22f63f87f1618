"""Paths that are not files of their own: open descriptors, by number or by name, and standard streams."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from pathlib import Path
from typing import TextIO

__all__ = ["descriptor_of", "is_stream", "named_descriptor"]

_MOST_LINKS = 40
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_FOLDER = re.compile(r"/dev/fd|/proc/(?P<process>self|[0-9]+)(/task/[0-9]+)?/fd", re.ASCII)
"""Where the system shows the open descriptors of a process."""


def named_descriptor(path: str) -> int | None:
    """Return the open descriptor that a path is a name of: `/dev/stdout`, `/dev/fd/N`, `/proc/self/fd/N`.

    A link to one is one. Opening it would give a file of its own, that begins at the first byte and does not
    append, or fail where it is a socket; replacing it would replace what somebody else has open.

    Raises:
        OSError: nothing was open under the number when the program began.
    """
    process, number = _way(path)
    return _inherited(number, path) if process in ("self", str(os.getpid())) else None


def _way(path: str) -> tuple[str | None, int]:
    """Return the process and the number of the descriptor that a path names; None if it names none."""
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(path)
        if _NUMBER.fullmatch(name) and (found := _FOLDER.fullmatch(os.path.realpath(folder))):
            return found["process"] or "self", int(name)
        try:
            path = os.path.join(folder, os.readlink(path))  # noqa: PTH115, PTH118  # a Path would drop dots
        except (OSError, ValueError):
            break
    return None, -1


def _inherited(number: int, name: str) -> int:
    """Return a descriptor that was open when the program began, and none that it opened for itself."""
    with contextlib.suppress(OSError):
        if os.get_inheritable(number):
            return number
    raise OSError(errno.EBADF, os.strerror(errno.EBADF), name)


def descriptor_of(stream: TextIO | None, name: str) -> int:
    """Return the descriptor of a standard stream.

    Raises:
        OSError: the stream is closed.
    """
    if stream is None:  # it was closed before the program began
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), name)
    return stream.fileno()


def is_stream(path: Path) -> bool:
    """Return whether a path leads to a FIFO, a device, or what another process has open (`/proc/1/fd/1`).

    Raises:
        OSError: it leads to a socket.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if stat.S_ISSOCK(mode):
        raise OSError(errno.ENXIO, "a socket cannot be opened as a file", str(path))
    return (not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)) or _way(str(path))[0] is not None
