"""Completion in real shells: what a TAB does at the prompts of bash, zsh and fish."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.program import TIMEOUT, Program

pytestmark = pytest.mark.interop

COMPLETIONS = Path(__file__).parents[2] / "completions"
SHELLS = ("bash", "zsh", "fish")
PROMPT = "READY> "
TAB, CLEAR, REPORT = "\t", "\x15", "\x18\x02"

COMMANDS = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"], "fish": ["--no-config", "-i"]}

INSTALLED = {
    "bash": f"source '{COMPLETIONS}/natsobj.bash'",
    "zsh": f"fpath=('{COMPLETIONS}' $fpath); autoload -Uz compinit; compinit -u -D",
    "fish": f"set -g fish_complete_path '{COMPLETIONS}' $fish_complete_path",
}
"""The completions as a package installs them."""

PRINTED = {
    "bash": 'eval "$(natsobj completion bash)"',
    "zsh": 'autoload -Uz compinit; compinit -u -D; eval "$(natsobj completion zsh)"',
    "fish": "natsobj completion fish | source",
}
"""The completions as the program prints them."""

SETUP = {
    "bash": """PS1='{prompt}'
        bind -x '"\\C-x\\C-b": printf "%s\\n" "$READLINE_LINE" >"$REPORT"'""",
    "zsh": """PS1='{prompt}'
        report() {{ print -r -- "$BUFFER" >$REPORT }}
        zle -N report
        bindkey '^X^B' report""",
    "fish": """function fish_prompt; echo -n '{prompt}'; end
        bind \\cx\\cb 'commandline >$REPORT'""",
}
"""A prompt that is known, and a key that tells what the line is."""

WITH_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a program on standard input as its terminal, without which a shell has no job control."""


class Shell:
    """An interactive shell in a pseudo-terminal, whose command line can be read."""

    def __init__(self, name: str, completion: str, env: dict[str, str], home: Path) -> None:
        program = shutil.which(name)
        if program is None:
            pytest.fail(f"no {name} here: install it from the system's packages", pytrace=False)
        self.shown = ""
        """What the terminal was sent."""
        report, setup = home / "report", home / "setup"
        os.mkfifo(report)
        self._report = os.open(report, os.O_RDWR)
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", WITH_TERMINAL, program, *COMMANDS[name]],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**env, "REPORT": str(report)},
            cwd=home,
            start_new_session=True,
        )
        os.close(theirs)
        setup.write_text(f"{completion}\n{SETUP[name].format(prompt=PROMPT)}\n", encoding="utf-8")
        self._read_until(lambda: bool(self.shown))
        self.press(f"source '{setup}'\n")
        self.wait_for(PROMPT)

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._terminal, keys.encode())

    def wait_for(self, text: str) -> None:
        """Read on until the terminal shows a text."""
        self._read_until(lambda: text in self.shown)

    def line(self, keys: str) -> str:
        """Type something and give the whole command line, as it is then."""
        self.press(keys + REPORT)
        return self.report()

    def fresh_line(self, keys: str) -> str:
        """Type it into an empty line."""
        return self.line(CLEAR + keys)

    def completed(self, keys: str) -> str:
        """Type it and press TAB until it did something: on a busy machine a server's answer can be late."""
        before = self.fresh_line(keys)
        deadline = time.monotonic() + TIMEOUT
        while (after := self.line(TAB)) == before and time.monotonic() < deadline:
            pass
        return after

    def report(self) -> str:
        """The next line that the shell reports."""
        told = bytearray()
        self._read_until(lambda: told.endswith(b"\n"), told)
        return told.decode().removesuffix("\n")

    def _read_until(self, enough: Callable[[], bool], told: bytearray | None = None) -> None:
        deadline = time.monotonic() + TIMEOUT
        sources = [self._terminal] if told is None else [self._terminal, self._report]
        while not enough():
            ready = select.select(sources, [], [], max(0, deadline - time.monotonic()))[0]
            if not ready:
                pytest.fail(f"the shell does not answer: {self.shown[-2000:]!r}")
            if self._terminal in ready:
                self.shown += os.read(self._terminal, 65536).decode(errors="replace")
            if told is not None and self._report in ready:
                told += os.read(self._report, 65536)

    def end(self) -> None:
        """End the shell, whatever it does."""
        self._process.kill()
        self._process.wait(TIMEOUT)
        os.close(self._terminal)
        os.close(self._report)


class Desk:
    """A home with `natsobj` on the PATH, and the shells that were started there."""

    def __init__(self, cli: Program) -> None:
        self.home = cli.home
        self._calls = cli.home / "calls"
        self._cli = cli
        self._shells: list[Shell] = []
        program = cli.home / "bin" / "natsobj"
        program.parent.mkdir()
        program.write_text(
            f"#!/bin/sh\necho \"$_NATSOBJ_COMPLETE\" >>'{self._calls}'\n"
            f"exec '{sys.executable}' -W error -m natsobj \"$@\"\n",
            encoding="utf-8",
        )
        program.chmod(0o755)

    def open(self, name: str, completion: str | None = None, url: str | None = None) -> Shell:
        """Start a shell with the completions in place."""
        env = {"PATH": f"{self.home}/bin:{self._cli.env['PATH']}", **({"NATS_URL": url} if url else {})}
        shell = Shell(name, completion or INSTALLED[name], self._cli.environment(env), self.home)
        self._shells.append(shell)
        return shell

    @property
    def questions(self) -> int:
        """How often the program was asked what TAB may offer."""
        return sum(1 for line in self._calls.read_text(encoding="utf-8").splitlines() if line)

    def close(self) -> None:
        """End all shells."""
        for shell in self._shells:
            shell.end()


@pytest.fixture
def desk(cli: Program) -> Iterator[Desk]:
    """A home of its own, whose NATS_URL is the session's server."""
    place = Desk(cli)
    yield place
    place.close()


@pytest.mark.parametrize("name", SHELLS)
def test_the_very_first_tab_completes_a_command(desk: Desk, name: str) -> None:
    """With the completions as a package installs them; the program is asked once."""
    assert desk.open(name).line("natsobj ge" + TAB) == "natsobj get "
    assert desk.questions == 1


@pytest.mark.parametrize("name", SHELLS)
def test_the_printed_script_works_at_once(desk: Desk, name: str) -> None:
    """In the shell that reads it, with the line that the README shows."""
    assert desk.open(name, PRINTED[name]).line("natsobj ge" + TAB) == "natsobj get "


def test_zsh_needs_no_compinit_before_the_printed_script(desk: Desk) -> None:
    """The script sees to it."""
    assert desk.open("zsh", 'eval "$(natsobj completion zsh)"').line("natsobj ge" + TAB) == "natsobj get "


@pytest.mark.parametrize("name", SHELLS)
def test_every_tab_asks_the_program_once(desk: Desk, name: str) -> None:
    """Whatever is completed, and also where nothing can be."""
    shell = desk.open(name)
    lines = ["natsobj ls --sort n", "natsobj ls --sort=n", "natsobj --js-d", "natsobj nonsense"]
    told = [shell.fresh_line(line + TAB) for line in lines]
    assert told[:3] == ["natsobj ls --sort name ", "natsobj ls --sort=name ", "natsobj --js-domain "]
    assert told[3] == lines[3]
    assert desk.questions == len(lines)


@pytest.mark.parametrize("name", SHELLS)
def test_the_program_is_found_where_the_line_names_it(desk: Desk, name: str) -> None:
    """By a path as well; and where that is wrong, the one on the PATH knows the commands."""
    shell = desk.open(name)
    for program in ("./bin/natsobj", "~/bin/natsobj", "/nowhere/natsobj"):
        assert shell.fresh_line(f"{program} ge{TAB}") == f"{program} get "


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("bash", ["add", "completion", "get", "info", "put", "server", "verify"]),
        ("zsh", ["Fetch an object to a file or a pipe, or many into a folder.", "Create a bucket."]),
        ("fish", ["Fetch an object to a file or a pipe, or many into a folder.", "Create a bucket."]),
    ],
)
def test_a_list_is_shown_where_there_is_more_than_one(desk: Desk, name: str, shown: list[str]) -> None:
    """With what the commands do, where the shell has a place for that."""
    shell = desk.open(name)
    shell.press("natsobj " + TAB + TAB)
    for text in shown:
        shell.wait_for(text)


@pytest.mark.parametrize("name", SHELLS)
def test_local_files_are_completed_where_they_belong(desk: Desk, name: str) -> None:
    """To store, to fetch to, and as the value of an option; not in the place of a bucket."""
    (desk.home / "file name.txt").touch()
    (desk.home / "folder").mkdir()
    shell = desk.open(name)
    for line in ("put b k", "get b k", "--tlsca"):
        assert shell.fresh_line(f"natsobj {line} fi{TAB}") == rf"natsobj {line} file\ name.txt "
    assert shell.fresh_line(f"natsobj --tlsca=fi{TAB}") == r"natsobj --tlsca=file\ name.txt "
    assert shell.fresh_line(f"natsobj --creds ~/fo{TAB}") == "natsobj --creds ~/folder/"
    assert shell.fresh_line(f"natsobj get b k > fo{TAB}") == "natsobj get b k > folder/"
    assert shell.fresh_line(f"natsobj nonsense fi{TAB}") == "natsobj nonsense fi"


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("quote", ["", "'", '"'])
async def test_names_from_the_server_make_a_line_that_works(
    desk: Desk, bucket: Bucket, name: str, quote: str
) -> None:
    """A bucket, and a key with spaces, colons, quotes, `$`, `!` and a backslash, in whatever quotes."""
    key = 'odd: it\'s "1" $HOME `x` !a \\n/Köpfe 日本.txt'
    await bucket.put(key, b"the content of the odd one")
    await bucket.put("plain", b"")
    shell = desk.open(name)
    assert shell.completed(f"natsobj get {bucket.name[:-2]}") == f"natsobj get {bucket.name} "
    space = " " if quote else r"\ "
    line = shell.completed(f"natsobj get {bucket.name} {quote}od")
    assert line.endswith(f"/Köpfe{space}日本.txt{quote} ")
    shell.press("out; echo done >$REPORT\n")
    assert shell.report() == "done"
    assert (desk.home / "out").read_bytes() == b"the content of the odd one"


@pytest.mark.parametrize("name", SHELLS)
async def test_what_several_names_have_in_common_is_completed(desk: Desk, bucket: Bucket, name: str) -> None:
    """And what is typed then goes on from there, past colons, spaces and slashes."""
    for key in ("a:b/c d:1", "a:b/c e:1"):
        await bucket.put(key, b"")
    shell = desk.open(name)
    start = f"natsobj rm {bucket.name} "
    assert shell.completed(start + "a:") == start + "a:b/", "one folder level at a time"
    assert shell.completed(start + "a:b/") == start + r"a:b/c\ "
    assert shell.completed(start + r"a:b/c\ d") == start + r"a:b/c\ d:1 "
    assert shell.completed(start + r"a:b/c\ d:1 a:b/c\ e:") == start + r"a:b/c\ d:1 a:b/c\ e:1 "


@pytest.mark.parametrize("name", SHELLS)
def test_without_a_server_tab_changes_nothing(desk: Desk, name: str) -> None:
    """Neither the line nor the screen."""
    shell = desk.open(name, url="nats://127.0.0.1:1")
    shell.shown = ""
    assert shell.line("natsobj get photos ca" + TAB) == "natsobj get photos ca"
    assert "natsobj:" not in shell.shown
    assert "Traceback" not in shell.shown


@pytest.mark.parametrize("name", SHELLS)
def test_contexts_are_completed_by_name_and_by_path(desk: Desk, name: str) -> None:
    """Behind --context, whichever way it is written; no server is asked."""
    folder = desk.home / ".config" / "nats" / "context"
    folder.mkdir(parents=True)
    (folder / "staging eu.json").touch()
    (desk.home / "elsewhere.json").touch()
    shell = desk.open(name, url="nats://127.0.0.1:1")
    assert shell.fresh_line(f"natsobj ls --context sta{TAB}") == r"natsobj ls --context staging\ eu "
    assert shell.fresh_line(f"natsobj --context=sta{TAB}") == r"natsobj --context=staging\ eu "
    assert shell.fresh_line(f"natsobj --context ./els{TAB}") == "natsobj --context ./elsewhere.json "
