"""Completion in real shells: what a TAB does at the prompt of bash, zsh and fish."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.program import Program

pytestmark = pytest.mark.interop

ROOT = Path(__file__).parents[2]
WITHIN = 30.0
PROMPT = "READY> "

OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the controlling terminal, which a shell needs to be interactive."""


class Shell:
    """An interactive shell in a pseudo-terminal."""

    def __init__(self, command: list[str], env: dict[str, str], cwd: Path) -> None:
        ours, theirs = pty.openpty()
        self._terminal = ours
        self._shown = ""
        self._process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        os.close(theirs)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def wait_for(self, pattern: str) -> str:
        """Read on until the screen shows it, and forget what came before."""
        deadline = time.monotonic() + WITHIN
        while (found := re.search(pattern, self._shown)) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._terminal], [], [], left)[0]:
                pytest.fail(f"{pattern!r} is not in what was shown: {self._shown!r}")
            self._shown += os.read(self._terminal, 65536).decode(errors="replace")
        self._shown = self._shown[found.end() :]
        return found[0]

    def end(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait(WITHIN)
        os.close(self._terminal)


Start = Callable[[str], Shell]


@pytest.fixture
def start(cli: Program, tmp_path: Path) -> Iterator[Start]:
    """Start a shell that has `natsobj` on its PATH and the completions installed, and wait for its prompt."""
    folder = tmp_path / "bin"
    folder.mkdir()
    wrapper = folder / "natsobj"
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m natsobj "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    env = cli.environment({"PATH": f"{folder}:{cli.env['PATH']}", "TERM": "xterm", "PS1": PROMPT})
    completions = ROOT / "completions"
    started: list[Shell] = []

    def begin(name: str) -> Shell:
        program = shutil.which(name)
        if program is None:
            pytest.fail(f"no {name} here: install it from the system's packages", pytrace=False)
        command = {
            "bash": [program, "--norc", "--noprofile", "-i"],
            "zsh": [program, "-f", "-i"],
            "fish": [program, "--no-config", "-i"],
        }[name]
        shell = Shell(command, env, cli.home)
        started.append(shell)
        first = {
            "bash": f"source '{completions}/natsobj.bash'",
            "zsh": f"PS1='{PROMPT}'; fpath=('{completions}' $fpath); autoload -Uz compinit; compinit -u",
            "fish": f"function fish_prompt; echo -n '{PROMPT}'; end; source '{completions}/natsobj.fish'",
        }[name]
        shell.type(f"{first}; echo LO''ADED\n")
        shell.wait_for("LOADED")
        shell.wait_for(PROMPT)
        return shell

    yield begin
    for shell in started:
        shell.end()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_first_tab_completes_a_command(start: Start, name: str) -> None:
    """`natsobj g` and TAB is `natsobj get`, which the shell then runs."""
    shell = start(name)
    shell.type("natsobj g\t")
    shell.wait_for(r"g\S*et ?")
    shell.type("--help\n")
    shell.wait_for("Fetch an object to a file or standard output")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
async def test_names_come_from_the_server_and_are_quoted(start: Start, bucket: Bucket, name: str) -> None:
    """A bucket and a key with a space, a colon and a quote complete to a line that fetches that object."""
    await bucket.put("odd: it's/one.txt", b"the content of the odd one\n")
    shell = start(name)
    shell.type(f"natsobj get {bucket.name[:-2]}\t")
    shell.wait_for(re.escape(bucket.name[-2:]))
    shell.type("od\t")
    shell.wait_for(r"one\.txt")
    shell.type(" - > out; cat out\n")
    shell.wait_for("the content of the odd one")
