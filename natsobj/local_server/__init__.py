"""The local server: a private nats-server that is started on first use and kept (Linux and macOS).

Everything of it lies in one folder, `home`, that only its owner can enter:

    server.json     its address, token and process; written by a start, removed by a stop
    server.conf     its configuration, with the token; the paths in it are relative to `home`
    server.log      what it says (`before-server.log`: what the one before it said)
    *.ports         its pid (in the name) and address, as it wrote them down itself
    server.lock     locked by a command while it starts or stops the server
    data.lock       locked by the server for its whole life, through a descriptor that it inherits
    data/           the JetStream storage

The lock on `data.lock` ends with the process, however that ends: the data is in use if and only if it is
locked. A process is believed, and signalled, only while it is locked and the process was born when
`server.json` says.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from natsobj.errors import LocalServerError
from natsobj.local_server.locks import LOCK, exclusive, held
from natsobj.local_server.owner import (
    CONFIG,
    STATE,
    LocalServer,
    adopted,
    introduce,
    last_words,
    owner_of,
    status,
    wait_until_ready,
)
from natsobj.local_server.process import binary, claim, end, launch, signals_forwarded, spawn
from natsobj.settings import Settings, xdg_folder

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["LocalServer", "data_home", "run", "settings", "start", "status", "stop"]


def data_home(env: Mapping[str, str]) -> Path:
    """Name the folder of the local server: `$XDG_DATA_HOME/natsobj`, by default under `~/.local/share`.

    Raises:
        LocalServerError: there is neither of them, as an absolute path.
    """
    folder = xdg_folder(env, "XDG_DATA_HOME", ".local/share")
    if folder is None:
        raise LocalServerError(
            "no folder for the local server: neither XDG_DATA_HOME nor HOME is an absolute path"
        )
    return folder / "natsobj"


def settings(server: LocalServer, timeout: timedelta) -> Settings:
    """Return the settings to connect to a local server."""
    return Settings(servers=(server.url,), token=server.token, timeout=timeout, origin="local server")


def start(home: Path, *, timeout: timedelta) -> LocalServer:
    """Start the server on `home`, or find the running one; any number of processes may do so at once.

    A server that is not ready in time keeps running, because it may have much data to recover; the next start
    waits for it.

    Raises:
        LocalServerError: no binary, or not ready within the timeout.
    """
    if running := status(home):
        return running
    home = home.absolute()
    deadline = time.monotonic() + timeout.total_seconds()
    with exclusive(home, deadline):
        if server := wait_until_ready(home, deadline):
            return server
        launch(home)
        if server := wait_until_ready(home, deadline):
            return server
    raise LocalServerError(f"the local server ended before it was ready: {last_words(home)}")


def stop(home: Path, *, timeout: timedelta) -> bool:
    """End the server on `home`, by force if it takes longer than the timeout; False if there was none.

    Raises:
        LocalServerError: it does not end, or nothing proves which process it is.
    """
    if not (home / LOCK).exists():
        return False
    home = home.absolute()
    with exclusive(home):
        owner = owner_of(home) or adopted(home)
        if owner:
            end(home, owner, timeout.total_seconds())
        elif held(home):
            raise LocalServerError(f"cannot tell which process uses the data in {home}")
        (home / STATE).unlink(missing_ok=True)
    return owner is not None


def run(home: Path) -> int:
    """Run the server on `home` in the foreground, its log on stderr, and return its exit status.

    SIGINT, SIGTERM and SIGHUP end it gracefully (status 0), a second one at once. Works in the main thread
    only. Killed itself, it leaves the server behind as if it had been started.

    Raises:
        LocalServerError: no binary, a server already runs, or it ended before it was ready.
    """
    home = home.absolute()
    command = [binary(), "-c", str(home / CONFIG)]
    children: list[Popen[bytes]] = []
    with ExitStack() as lock:
        lock.enter_context(exclusive(home))
        if owner := owner_of(home):
            raise LocalServerError(f"a local server already runs in {home} (pid {owner.pid})")
        with signals_forwarded(children) as received:
            with claim(home) as life:
                child = spawn(command, home, life, stdout=2, stderr=2)
            children.append(child)
            try:
                introduce(home, child.pid)
                if received:
                    child.terminate()
                ready = wait_until_ready(home, float("inf"))
                lock.close()
                while child.poll() is None:  # a signal that comes just before a long wait would wait as well
                    time.sleep(0.1)
            finally:
                child.kill()
                code = child.wait()
    with suppress(LocalServerError), exclusive(home):
        if not held(home):
            (home / STATE).unlink(missing_ok=True)
    if not ready and not received:
        raise LocalServerError(f"the local server ended before it was ready, with status {code}")
    return 128 - code if code < 0 else code
