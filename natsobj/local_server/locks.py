"""The locks and private files in the folder of the local server."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from natsobj.errors import LocalServerError

LOCK = "server.lock"
LIFE = "data.lock"

POLL = 0.01
LONGEST_WAIT = 10.0
"""Seconds to wait for what has no timeout of its own: another command's lock, the end of a killed process."""


@contextmanager
def exclusive(home: Path, deadline: float | None = None) -> Iterator[None]:
    """Hold the lock of the one command that may start or stop the server; make the folder.

    What is documented with "Needs the lock" is called inside of this.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_mode & 0o077:
        home.chmod(0o700)
    with locked(home / LOCK, deadline):
        yield


@contextmanager
def locked(path: Path, deadline: float | None = None) -> Iterator[int]:
    """Lock a file for as long as the descriptor, or a copy of it in another process, is open."""
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        if not until(lambda: _lock(file.fileno()), deadline or time.monotonic() + LONGEST_WAIT):
            raise LocalServerError(f"another command starts or stops the local server: {path} is locked")
        yield file.fileno()


def held(home: Path) -> bool:
    """Return whether a process uses the data."""
    try:
        with (home / LIFE).open("rb") as file:
            return not _lock(file.fileno(), shared=True)
    except FileNotFoundError:
        return False


def _lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file; False if another process holds the lock."""
    if sys.platform == "win32":
        raise LocalServerError("--local needs Linux or macOS: run nats-server and name it with --server")
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def until(condition: Callable[[], bool], deadline: float) -> bool:
    """Wait for a condition; False if it did not come true in time."""
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL)
    return True


def write_private(path: Path, text: str) -> None:
    """Write a private file so that readers see the old or the new one. Needs the lock."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
