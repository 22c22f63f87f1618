"""Command lines as people type them, run by a shell that finds this program as `natsobj`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.program import TIMEOUT, Program, Result


class Shell:
    """A shell in a folder of its own."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.folder = folder
        scripts = folder / ".bin"
        scripts.mkdir()
        script = scripts / "natsobj"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m natsobj "$@"\n')
        script.chmod(0o755)
        self._env = program.environment({"PATH": f"{scripts}{os.pathsep}{program.env['PATH']}"})

    def __call__(self, line: str) -> Result:
        """Run a line in bash, where a failure anywhere in a pipe is one; nothing comes through stdin."""
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=self.folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr.decode())


def stand_in(folder: Path, name: str, script: str) -> None:
    """Put a program into the folder of a shell that not every machine has, or that does not matter here."""
    program = folder / ".bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
