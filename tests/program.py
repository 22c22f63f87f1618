"""Runs the real `natsobj` command as a process: with pipes, or inside a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

Argument = str | bytes | Path

TIMEOUT = 60.0
"""Seconds after which a test gives up on the program; far more than any case needs on a busy machine."""


class Result(NamedTuple):
    """How a run of the program ended."""

    code: int
    stdout: bytes
    stderr: str

    def expect(self, code: int = 0) -> Result:
        """Return itself if that is the exit code; else the test fails with what was said on stderr."""
        assert self.code == code, f"exit {self.code} instead of {code}: {self.stderr}"
        return self

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode()

    @property
    def lines(self) -> list[str]:
        """Standard output, line by line."""
        return self.text.splitlines()


class Program:
    """The `natsobj` command with an environment of its own: no NATS_*, an empty HOME, empty XDG folders."""

    def __init__(self, home: Path, url: str | None) -> None:
        self.home = home
        self.config_home = home / ".config"
        self.data_home = home / ".local" / "share"
        self.env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(self.config_home),
            "XDG_DATA_HOME": str(self.data_home),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_STATE_HOME": str(home / ".local" / "state"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "xterm-256color",
            "PYTHONPATH": str(Path(__file__).parents[1]),
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
        }
        if url is not None:
            self.env["NATS_URL"] = url

    def command(self, *args: Argument) -> list[str | bytes]:
        """The whole command line; warnings are errors in the program, too."""
        tail = [arg if isinstance(arg, bytes) else str(arg) for arg in args]
        return [sys.executable, "-W", "error", "-m", "natsobj", *tail]

    def environment(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """The environment with some variables set, or removed (None)."""
        merged = {**self.env, **(changes or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def __call__(
        self,
        *args: Argument,
        input: bytes = b"",  # noqa: A002 - the word of subprocess.run
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> Result:
        """Run to the end with pipes on all three streams; `input` is all of stdin."""
        done = subprocess.run(
            self.command(*args),
            input=input,
            capture_output=True,
            env=self.environment(env),
            cwd=cwd or self.home,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr.decode())

    @contextmanager
    def running(
        self, *args: Argument, env: Mapping[str, str | None] | None = None, cwd: Path | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start with pipes on all three streams, to be signalled or fed step by step; killed at the end."""
        with subprocess.Popen(
            self.command(*args),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(env),
            cwd=cwd or self.home,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def terminal(
        self,
        *args: Argument,
        typed: bytes = b"",
        stdin: bytes | None = None,
        columns: int = 100,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> Result:
        """Run inside a pseudo-terminal: stdout and stderr are it, and stdin unless `stdin` feeds a pipe.

        Result.stdout is all that the terminal was sent, with its line ends as newlines; stderr is empty.
        """
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = subprocess.Popen(
            self.command(*args),
            stdin=theirs if stdin is None else subprocess.PIPE,
            stdout=theirs,
            stderr=theirs,
            env=self.environment(env),
            cwd=cwd or self.home,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            with process:
                if process.stdin is not None:
                    process.stdin.write(stdin or b"")
                    process.stdin.close()
                os.write(ours, typed)
                shown = _read_terminal(ours, process, timeout)
        finally:
            os.close(ours)
        return Result(process.returncode, shown.replace(b"\r\n", b"\n"), "")


def _read_terminal(terminal: int, process: subprocess.Popen[bytes], timeout: float) -> bytes:
    """Everything shown until the program and its children have left the terminal."""
    deadline = time.monotonic() + timeout
    shown = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([terminal], [], [], left)[0]:
            break
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux: EIO once nobody holds the other side any more
            return bytes(shown)
        if not part:
            return bytes(shown)
        shown += part
    process.kill()
    raise subprocess.TimeoutExpired(process.args, timeout, output=bytes(shown))
