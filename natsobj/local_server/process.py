"""Starting and ending the process of the local server."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from natsobj.errors import LocalServerError
from natsobj.local_server.locks import LIFE, LONGEST_WAIT, held, locked, until, write_private
from natsobj.local_server.owner import CONFIG, LOG, STATE, LocalServer, birth_of, introduce

if TYPE_CHECKING:
    from subprocess import Popen
    from types import FrameType

_LOG_LIMIT = 8 * 1024 * 1024


def binary() -> str:
    """Find nats-server: beside Python, where the extra `natsobj[server]` puts it, else on PATH."""
    import shutil
    import sysconfig

    for folder in (sysconfig.get_path("scripts"), str(Path(sys.executable).parent), None):
        if found := shutil.which("nats-server", path=folder):
            return str(Path(found).absolute())
    raise LocalServerError("no nats-server beside Python or on PATH: pip install 'natsobj[server]'")


def launch(home: Path) -> None:
    """Start a process that is not our child: the shell that starts it prints its pid and ends.

    So it survives the command and its terminal, and a long-lived caller has no child to reap.
    """
    from subprocess import PIPE

    server = [binary(), "-c", str(home / CONFIG), "-l", LOG, "--log_size_limit", str(_LOG_LIMIT)]
    command = ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *server]
    with suppress(FileNotFoundError):
        (home / LOG).replace(home / f"before-{LOG}")
    (home / LOG).touch(mode=0o600)
    with claim(home) as life, (home / LOG).open("ab") as log:
        shell = spawn(command, home, life, stdout=PIPE, stderr=log.fileno())
        introduce(home, int(shell.communicate()[0]))


def spawn(command: list[str], home: Path, life: int, *, stdout: int, stderr: int) -> Popen[bytes]:
    """Start a process in a session of its own, in `home`, that inherits the lock and nothing else."""
    from subprocess import DEVNULL, Popen

    return Popen(
        command,
        stdin=DEVNULL,
        stdout=stdout,
        stderr=stderr,
        cwd=home,
        start_new_session=True,
        pass_fds=(life,),
    )


@contextmanager
def claim(home: Path) -> Iterator[int]:
    """Lock the data for the server to inherit, after removing what an earlier one left. Needs the lock."""
    import secrets

    for leftover in (home / STATE, *home.glob("*.ports")):
        leftover.unlink(missing_ok=True)
    config = {
        "listen": "127.0.0.1:-1",
        "server_name": "natsobj-local",
        "authorization": {"token": secrets.token_urlsafe(32)},
        "jetstream": {"store_dir": "data"},
        "ports_file_dir": ".",
        "logfile_max_num": 2,
    }
    write_private(home / CONFIG, json.dumps(config, indent=2))
    with locked(home / LIFE) as life:
        yield life


def end(home: Path, owner: LocalServer, grace: float) -> None:
    """End a server, gracefully if that takes no longer than `grace` seconds. Needs the lock."""
    from signal import SIGKILL, SIGTERM

    for signum, seconds in ((SIGTERM, grace), (SIGKILL, LONGEST_WAIT)):
        if held(home) and birth_of(owner.pid) == owner.birth:
            with suppress(ProcessLookupError):
                os.kill(owner.pid, signum)
        (home / STATE).unlink(missing_ok=True)
        if until(lambda: not held(home), time.monotonic() + seconds):
            return
    raise LocalServerError(f"the local server does not end (pid {owner.pid})")


@contextmanager
def signals_forwarded(children: list[Popen[bytes]]) -> Iterator[list[int]]:
    """Forward signals that would end this process to the children; yield those that arrived."""
    import signal

    received: list[int] = []

    def forward(signum: int, _frame: FrameType | None) -> None:
        received.append(signum)
        for child in children:
            child.send_signal(signal.SIGTERM if len(received) == 1 else signal.SIGKILL)

    endings = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    taken = [which for which in endings if signal.getsignal(which) is not signal.SIG_IGN]
    before = {which: signal.signal(which, forward) for which in taken}
    try:
        yield received
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
