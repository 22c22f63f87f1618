"""Runs of the program at servers that lie: how they end, and how much memory they took."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.program import Argument, Program

PEAK = 80 * 1024 * 1024
"""Bytes of memory that no lie makes the program exceed."""

TIMEOUTS = 7
"""Timeouts after which the program ends whatever the server does; one of them is for tidying."""

_SLACK = 60.0
"""Seconds more, on a busy machine: what hangs, hangs longer."""

_LOOK = 0.01


class Ended(NamedTuple):
    """How a run ended."""

    code: int
    stdout: bytes
    said: str
    peak: int

    def foreseen(self, *codes: int) -> Ended:
        """Return itself where it ended as it should: by one of these codes, one line, little memory."""
        assert "Traceback" not in self.said, self.said
        assert "never retrieved" not in self.said, self.said
        assert self.code in codes, f"exit {self.code}: {self.said}"
        assert self.code == 0 or self.said.count("\n") == 1, self.said
        assert self.peak <= PEAK, f"{self.peak:,} bytes: {self.said}"
        return self


def at(cli: Program, url: str, *args: Argument, seconds: float = 0.2, feed: bytes = b"") -> Ended:
    """Run the program at a server with this timeout; killed, with a code below zero, when it hangs."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stdin.write(feed)
        stdin.seek(0)
        process = subprocess.Popen(
            cli.command(*args, "--timeout", f"{seconds}s"),
            stdin=stdin,
            stdout=out,
            stderr=err,
            env=cli.environment({"NATS_URL": url}),
            cwd=cli.home,
        )
        deadline = time.monotonic() + TIMEOUTS * seconds + _SLACK
        peak = 0
        while process.poll() is None:
            peak = max(peak, _peak(process.pid))
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(_LOOK)
        out.seek(0)
        err.seek(0)
        return Ended(process.returncode, out.read(), err.read().decode(), peak)


def _peak(pid: int) -> int:
    """The most memory that a process has had so far, in bytes; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0
