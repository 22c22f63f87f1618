"""What stays of a transfer that was ended: a word on how to go on, and the lock that only one goes on."""

from __future__ import annotations

import errno
import logging
import sys

from natsobj.units import format_size

__all__ = ["lock", "note_kept"]

log = logging.getLogger(__name__)


def lock(descriptor: int) -> bool:
    """Lock an open file until it is closed, or the process ends; False when somebody else has it.

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


def note_kept(error: BaseException, kept: int, whole: int) -> None:
    """Say what stays, with the error that has ended the transfer; a cancellation carries no words.

    Args:
        kept: bytes, of as many as are to be transferred in the `whole`.
    """
    note = f"kept {format_size(kept)} of {format_size(whole)}; continue with the same command"
    if isinstance(error, Exception):
        error.add_note(note)
    else:
        log.warning("%s", note)
