"""Locks on open files, which end with the process that has them, however it ends."""

from __future__ import annotations

import errno
import sys

__all__ = ["lock"]


def lock(descriptor: int) -> bool:
    """Lock an open file for as long as it is open; False when somebody else has it.

    Raises:
        OSError: there are no locks here.
    """
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, "going on with a transfer needs Linux or macOS")
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as e:
        raise OSError(e.errno, "its file system has no locks, and without them --resume is not safe") from e
    return True
