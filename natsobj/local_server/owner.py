"""Which process is the local server: what server.json says, and whether it is still true."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from natsobj.errors import LocalServerError
from natsobj.local_server.locks import POLL, held, write_private

STATE = "server.json"
CONFIG = "server.conf"
LOG = "server.log"


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running local server."""

    url: str
    token: str = field(repr=False)
    pid: int
    data: Path
    """The folder of its JetStream storage."""
    birth: str = field(default="", repr=False)
    """When its process began, as the system writes it: a later process with the same pid differs."""


def status(home: Path) -> LocalServer | None:
    """Find the server that runs on `home` and is ready; change nothing.

    Raises:
        LocalServerError: the data is in use by a process that is out of reach, in a container perhaps.
    """
    owner = owner_of(home)
    return owner if owner and owner.url else None


def owner_of(home: Path) -> LocalServer | None:
    """Return which process uses the data, with an empty `url` while it is not ready; None if none is known.

    The lock is checked before the file is read. A start removes the old file before it takes the lock, so the
    file belongs to the process that holds the lock, unless that has just ended: a second look tells.
    """
    doubtful = None
    while held(home):
        owner = _read_state(home)
        if owner is None or birth_of(owner.pid) == owner.birth:
            return owner
        if owner == doubtful:
            raise LocalServerError(
                f"the data in {home} is in use by a server on another machine or in another container"
            )
        doubtful = owner
    return None


def _read_state(home: Path) -> LocalServer | None:
    """Read server.json; None if it is missing or damaged."""
    try:
        stored = json.loads((home / STATE).read_bytes())
        server = LocalServer(**{**stored, "data": Path(stored["data"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = all(isinstance(text, str) for text in (server.url, server.token, server.birth))
    return server if texts and type(server.pid) is int and 1 < server.pid < 1 << 31 else None


def introduce(home: Path, pid: int, url: str = "") -> LocalServer | None:
    """Write server.json for a process; None if that has ended. Needs the lock."""
    birth = birth_of(pid)
    if birth is None:
        return None
    token = json.loads((home / CONFIG).read_bytes())["authorization"]["token"]
    owner = LocalServer(url, token, pid, home / "data", birth)
    write_private(home / STATE, json.dumps(asdict(owner), default=str))
    return owner


def adopted(home: Path) -> LocalServer | None:
    """Introduce the server by its own ports file, if it answers at that address. Needs the lock."""
    for ports in home.glob("*.ports"):  # <name of the binary>_<pid>.ports, at most one
        try:
            pid, url = int(ports.stem.rpartition("_")[2]), str(json.loads(ports.read_bytes())["nats"][0])
        except (FileNotFoundError, ValueError):  # it is being written, or removed
            continue
        if _answers(url) and held(home):
            return introduce(home, pid, url)
    return None


def wait_until_ready(home: Path, deadline: float) -> LocalServer | None:
    """Wait until the server that uses the data answers; None if it has ended. Needs the lock."""
    while held(home):
        if server := status(home) or adopted(home):
            return server
        if time.monotonic() >= deadline:
            raise LocalServerError(f"the local server is not ready yet: {last_words(home)}")
        time.sleep(POLL)
    return None


def _answers(url: str) -> bool:
    """Return whether a server with JetStream answers at the address."""
    import socket

    host, _, port = url.removeprefix("nats://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1.0) as link, link.makefile("rb") as lines:
            verb, _, info = lines.readline(65536).partition(b" ")
        return verb == b"INFO" and json.loads(info).get("jetstream") is True
    except (OSError, ValueError):
        return False


def birth_of(pid: int) -> str | None:
    """Return when a process began; None if there is no such process."""
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


def last_words(home: Path) -> str:
    """Return the last line of the server's log, without its time stamp."""
    import re

    log = (home / LOG).read_text(errors="replace") if (home / LOG).exists() else ""
    last = log.rstrip().rpartition("\n")[2]
    return re.sub(r"^\[\d+\] \S+ \S+ \[\w+\] *", "", last) or "it has logged nothing"
