"""The participants: which command lines do the same thing in each of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Command, Runner

__all__ = [
    "FLOOR",
    "GO",
    "GO_PEER",
    "NATSOBJ",
    "NATS_PY",
    "Client",
    "Fixed",
    "Floor",
    "GoCli",
    "GoPeer",
    "NatsPy",
    "Natsobj",
    "build_peer",
    "python",
    "take_part",
]

NATSOBJ = "natsobj"
GO = "Go CLI"
NATS_PY = "nats-py"
FLOOR = "bare socket"
GO_PEER = "nats.go, 64"


def python(code: str) -> Command:
    """Give the command line of a line of Python, the same Python that runs natsobj."""
    return (sys.executable, "-c", code)


class Client(ABC):
    """Something that stores, fetches and lists objects, a process at a time."""

    name: str
    most_rounds: int | None = None
    """It takes part in so many rounds only: it is slow, its distance is large."""

    @abstractmethod
    def version(self, runner: Runner) -> str:
        """Say which one it is."""

    @abstractmethod
    def put(self, url: str, bucket: str, key: str, file: Path) -> Command:
        """Store a file."""

    @abstractmethod
    def get(self, url: str, bucket: str, key: str, file: Path) -> Command:
        """Fetch into a file that does not exist."""

    @abstractmethod
    def ls(self, url: str, bucket: str) -> Command:
        """List all names, among other things."""

    @abstractmethod
    def put_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        """Store what `some` gave of the files of a folder."""

    @abstractmethod
    def get_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        """Fetch what `some` gave of the objects under a prefix, into a folder whose subfolders exist."""

    def some(self, names: Sequence[str]) -> Sequence[str]:
        """Choose how many of many files are enough to tell how long all of them take: all."""
        return names

    def get_often(self, url: str, bucket: str, key: str, files: Sequence[Path]) -> list[Command]:
        """Fetch one object into many files."""
        return [self.get(url, bucket, key, file) for file in files]


class Natsobj(Client):
    """The program of this checkout."""

    name = NATSOBJ

    def version(self, runner: Runner) -> str:
        number = runner.ask(*self.command("--version")).split()[-1]
        commit = runner.ask("git", "describe", "--always", "--dirty").strip() if shutil.which("git") else ""
        return f"{number} {commit}".strip()

    def command(self, *arguments: str) -> Command:
        """Put a command line together."""
        return (sys.executable, "-m", "natsobj", *arguments)

    def put(self, url: str, bucket: str, key: str, file: Path) -> Command:
        return self.command("-s", url, "put", bucket, key, str(file))

    def get(self, url: str, bucket: str, key: str, file: Path) -> Command:
        return self.command("-s", url, "get", bucket, key, str(file))

    def ls(self, url: str, bucket: str) -> Command:
        return self.command("-s", url, "ls", bucket)

    def put_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        return [self.command("-s", url, "put", "-r", bucket, prefix, str(folder))]

    def get_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        return [self.command("-s", url, "get", "-r", bucket, prefix, str(folder), "-f")]


class Fixed(Natsobj):
    """natsobj with as many at once as somebody chose; what it finds by itself should be as good."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self.name = f"{NATSOBJ} -j {jobs}"

    def command(self, *arguments: str) -> Command:
        return (*super().command(*arguments), *(("-j", str(self._jobs)) if "-r" in arguments else ()))


class GoCli(Client):
    """The `nats` command, which has no folders: there it is run in a loop, for a part of the files."""

    name = GO

    def __init__(self, program: str, part: int) -> None:
        self._program = program
        self._part = part

    def version(self, runner: Runner) -> str:
        return runner.ask(*self.command("--version")).strip()

    def command(self, *arguments: str) -> Command:
        """Put a command line together."""
        return (self._program, *arguments)

    def put(self, url: str, bucket: str, key: str, file: Path) -> Command:
        options = ("--name", key, "--no-progress", "--force")
        return self.command("-s", url, "object", "put", bucket, str(file), *options)

    def get(self, url: str, bucket: str, key: str, file: Path) -> Command:
        options = ("--output", str(file), "--no-progress", "--force")
        return self.command("-s", url, "object", "get", bucket, key, *options)

    def ls(self, url: str, bucket: str) -> Command:
        return self.command("-s", url, "object", "ls", bucket)

    def some(self, names: Sequence[str]) -> Sequence[str]:
        return names[:: max(1, len(names) // self._part)]

    def put_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        return [self.put(url, bucket, f"{prefix}/{name}", folder / name) for name in names]

    def get_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        return [self.get(url, bucket, f"{prefix}/{name}", folder / name) for name in names]


class NatsPy(Client):
    """nats-py's ObjectStore, in the program `nats_py.py`."""

    name = NATS_PY
    most_rounds = 3

    def version(self, runner: Runner) -> str:
        return version("nats-py")

    def command(self, *arguments: str) -> Command:
        """Put a command line together."""
        return (sys.executable, "-m", "benchmarks.nats_py", *arguments)

    def put(self, url: str, bucket: str, key: str, file: Path) -> Command:
        return self.command(url, bucket, "put", key, str(file))

    def get(self, url: str, bucket: str, key: str, file: Path) -> Command:
        return self.command(url, bucket, "get", key, str(file))

    def get_often(self, url: str, bucket: str, key: str, files: Sequence[Path]) -> list[Command]:
        return [self.command(url, bucket, "get-often", key, *map(str, files))]

    def ls(self, url: str, bucket: str) -> Command:
        return self.command(url, bucket, "ls")

    def some(self, names: Sequence[str]) -> Sequence[str]:
        # each get leaves a consumer behind for a while, and the server allows 1,000
        return names if len(names) < 1000 else names[::4]

    def put_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        return [self.command(url, bucket, "put-all", prefix, str(folder), *names)]

    def get_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        return [self.command(url, bucket, "get-all", prefix, str(folder), *names)]


class Floor(Client):
    """The same messages over a bare socket, in the program `floor.py`: what Python could do at best."""

    name = FLOOR

    def version(self, runner: Runner) -> str:
        return ""

    def command(self, *arguments: str) -> Command:
        """Put a command line together."""
        return (sys.executable, "-m", "benchmarks.floor", *arguments)

    def put(self, url: str, bucket: str, key: str, file: Path) -> Command:
        return self.command(url, bucket, "put", key, str(file))

    def get(self, url: str, bucket: str, key: str, file: Path) -> Command:
        return self.command(url, bucket, "get", key, str(file))

    def ls(self, url: str, bucket: str) -> Command:
        raise NotImplementedError

    def put_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        return [self.command(url, bucket, "put-all", prefix, str(folder), *names)]

    def get_all(
        self, url: str, bucket: str, prefix: str, folder: Path, names: Sequence[str]
    ) -> list[Command]:
        return [self.command(url, bucket, "get-all", prefix, str(folder), *names)]


class GoPeer(Floor):
    """What a Go programmer writes over nats.go for a folder (`go_peer/`), 64 files at once."""

    name = GO_PEER

    def __init__(self, program: str) -> None:
        self._program = program

    def command(self, *arguments: str) -> Command:
        return (self._program, *arguments)


def build_peer(folder: Path) -> list[Client]:
    """Build the Go program where there is a Go to build it with, and its modules are to be had."""
    program, source = folder / "go_peer", Path(__file__).with_name("go_peer")
    if (go := shutil.which("go")) is None:
        return []
    built = subprocess.run([go, "build", "-o", program, "."], cwd=source, capture_output=True, check=False)
    return [GoPeer(str(program))] if built.returncode == 0 else []


def take_part(*, part: int) -> list[Client]:
    """Find out who is there: natsobj and nats-py always, the Go CLI where NATS_CLI or PATH has it.

    `part` is the number of files that its loops are measured on.
    """
    go = shutil.which(os.environ.get("NATS_CLI") or "nats")
    return [Natsobj(), *([GoCli(go, part)] if go else []), NatsPy()]
