"""Runs whole processes and measures them, from the outside only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import Sample
from benchmarks.signals import held

__all__ = ["ROOT", "Command", "Runner"]

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: the commands run in it, so that `python -m natsobj` is what stands there."""

LAUNCHER = Path(__file__).with_name("launcher.py")

LIMIT = 120.0
"""Seconds after which a command is ended, for some wait for ever."""

Command = Sequence[str]


class Runner:
    """Runs commands with nothing of this user's environment but PATH; their scratch files are in a folder."""

    def __init__(self, folder: Path) -> None:
        self._stdout = folder / "stdout"
        self._stderr = folder / "stderr"
        home = folder / "home"
        home.mkdir()
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "TMPDIR": str(folder),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }

    @property
    def output(self) -> str:
        """What the last command wrote to stdout."""
        return self._stdout.read_text(encoding="utf-8", errors="replace")

    def run(self, *commands: Command, limit: float = LIMIT, go_on: bool = False) -> list[Sample]:
        """Run commands after each other, each for `limit` seconds at most.

        Nothing runs behind the first that fails, unless told to `go_on`.
        """
        asked = {
            "commands": [list(command) for command in commands],
            "go_on": go_on,
            "stdout": str(self._stdout),
            "stderr": str(self._stderr),
            "limit": limit,
        }
        with ExitStack() as stack:
            with held():
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(LAUNCHER)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=self._environment,
                    cwd=ROOT,
                    start_new_session=True,  # Ctrl-C is ours alone: we end it, and what it runs
                )
                stack.callback(_end, process)
            answer, _ = process.communicate(json.dumps(asked).encode())
        if process.returncode:
            raise RuntimeError(f"the launcher ended with {process.returncode}")
        return [
            _sample(command, **result) for command, result in zip(commands, json.loads(answer), strict=False)
        ]

    def kill(self, command: Command, when: Callable[[], bool]) -> None:
        """Run a command that is not measured, and kill it as soon as something is true."""
        deadline = time.monotonic() + LIMIT
        with held():
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                cwd=ROOT,
                start_new_session=True,
            )
        try:
            while not when():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("it ended before it could be killed")
        finally:
            _end(process)

    def ask(self, *command: str) -> str:
        """Run a command that is not measured and give its output."""
        sample = self.run(command)[0]
        if not sample.whole:
            raise RuntimeError(sample.note)
        return self.output


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the launcher, and what it runs, if it has not done so."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _sample(command: Command, *, code: int, wall: float, cpu: float, peak: int, said: str) -> Sample:
    """Make a sample of what the launcher says; a note is the last line of stderr."""
    if code == 0:
        return Sample(wall, cpu, peak)
    lines = said.replace(f"{ROOT}/", "").strip().splitlines()
    note = f"{Path(command[0]).name}: exit {code}: {lines[-1] if lines else 'nothing was said'}"
    return Sample(wall, cpu, peak, successes=0, note=note)
