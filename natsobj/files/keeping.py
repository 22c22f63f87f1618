"""Transfers that can be resumed: the note that says how, and the lock that lets only one process do it."""

from __future__ import annotations

import errno
import logging
import sys

from natsobj.units import format_size

__all__ = ["lock", "note_anew", "note_kept", "note_resumed"]

log = logging.getLogger(__name__)
resuming = logging.getLogger("natsobj.resuming")
"""Says at the level of information whether an earlier run is of use; the command shows it."""


def lock(descriptor: int) -> bool:
    """Lock an open file until it is closed or the process ends; return False if another process has it.

    Raises:
        OSError: there are no locks on this system or file system.
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
    """Add to the error that ended a transfer how much is kept; for a cancellation, log it instead.

    Args:
        kept: bytes transferred so far.
        whole: bytes of the whole transfer.
    """
    note = f"kept {format_size(kept)} of {format_size(whole)}; continue with the same command"
    if isinstance(error, Exception):
        error.add_note(note)
    else:
        log.warning("%s", note)


def note_resumed(there: int, whole: int) -> None:
    """Say where a transfer is resumed.

    Args:
        there: bytes, of as many as are to be transferred in the `whole`.
    """
    resuming.info("resuming at %s of %s", format_size(there), format_size(whole))


def note_anew(why: str) -> None:
    """Say why a transfer starts over, though there is something of an earlier run."""
    resuming.info("starting over: %s", why)
