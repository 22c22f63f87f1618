"""Processes that stand still: their connections stay, new ones are accepted, and nobody answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STILL_WITHIN = 20.0
_STILL = frozenset("TtZX")
"""Stopped, or ended."""


def freeze(pid: int) -> None:
    """Stop a process, and return when all its threads stand still.

    On a busy machine that takes 0.1 s: one thread takes the signal when it is its turn, and the others go on
    until then. None of them takes another signal once they stand.
    """
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + _STILL_WITHIN
    while not _stands(pid):
        assert time.monotonic() < deadline, "it did not stand still in time"
        time.sleep(0.001)


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Stop a process meanwhile; it goes on after."""
    freeze(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stands(pid: int) -> bool:
    if sys.platform != "linux":
        command = ["/bin/ps", "-o", "stat=", "-p", str(pid)]
        return subprocess.check_output(command, text=True).strip()[0] in _STILL
    try:
        return all(_letter(thread) in _STILL for thread in Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:  # one that ended meanwhile
        return False


def _letter(thread: Path) -> str:
    """The letter for what a thread does."""
    return (thread / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
