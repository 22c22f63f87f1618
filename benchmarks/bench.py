"""What every workload works with: a server, a folder, the participants, buckets and files to store."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from benchmarks import raw
from benchmarks.clients import Client
from benchmarks.figures import Goal, Sample
from benchmarks.measure import Command, Runner

__all__ = ["Bench", "File", "Runs", "Workload", "sha256"]

MIB = 1 << 20

Runs = Mapping[str, Callable[[], Sample]]
"""For each participant what makes one sample, in the order of a round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Something that is measured side by side."""

    name: str
    title: str
    open: Callable[[Bench], AbstractContextManager[Runs]]
    """Prepares it, and tidies up after it."""
    goals: Sequence[Goal] = ()
    room: int = 0
    """Bytes that it needs in the folder at most."""
    warm_up: bool = False
    """A first round does not count."""
    times: int = 1
    """It is short: so many times the rounds that were asked for."""
    once: bool = False
    """It has many repetitions in itself: a single round."""

    def rounds(self, asked: int) -> int:
        """Say how many rounds it gets."""
        return 1 if self.once else asked * self.times


@dataclass(frozen=True, slots=True)
class File:
    """A file of random bytes."""

    path: Path
    digest: str
    """Hex SHA-256."""

    def chunks(self) -> Iterator[bytes]:
        """Read it in chunks."""
        with self.path.open("rb") as file:
            while chunk := file.read(raw.CHUNK_SIZE):
                yield chunk


class Bench:
    """One run of the benchmarks."""

    def __init__(
        self,
        folder: Path,
        url: str,
        runner: Runner,
        clients: Sequence[Client],
        peers: Sequence[Client] = (),
    ) -> None:
        self.folder = folder
        self.url = url
        self.runner = runner
        self.clients = clients
        self.peers = peers
        """Those who only take part where many small files are moved."""
        self._files: dict[int, File] = {}
        self._numbers = count(1)

    def file(self, size: int) -> File:
        """Give a file of that size, the same one each time."""
        if size not in self._files:
            path = self.folder / f"{size}.bin"
            with path.open("wb") as file:
                for start in range(0, size, MIB):
                    file.write(os.urandom(min(MIB, size - start)))
            self._files[size] = File(path, sha256(path))
        return self._files[size]

    @contextmanager
    def bucket(self) -> Iterator[str]:
        """Make a fresh bucket and delete it in the end."""
        name = f"bench-{next(self._numbers)}"
        with raw.connect(self.url) as server:
            server.create_bucket(name)
        try:
            yield name
        finally:
            with raw.connect(self.url) as server:
                server.delete_bucket(name)

    def fill(self, bucket: str, objects: Iterable[tuple[str, Iterable[bytes]]]) -> None:
        """Store objects, each a key and its chunks."""
        with raw.connect(self.url) as server:
            server.store(bucket, objects)

    def fill_records(self, bucket: str, keys: Iterable[str]) -> None:
        """Write the records of very many objects of which nobody reads the bytes."""
        with raw.connect(self.url) as server:
            server.write_records(bucket, keys)

    def consumers(self, bucket: str) -> int:
        """Count the consumers that were left behind."""
        with raw.connect(self.url) as server:
            return server.consumers(bucket)

    def forget_consumers(self, bucket: str) -> None:
        """Delete what was left behind, so that the next participant finds what this one found."""
        with raw.connect(self.url) as server:
            server.delete_consumers(bucket)

    @contextmanager
    def target(self) -> Iterator[Path]:
        """Make a fresh folder to fetch into and remove it in the end."""
        folder = self.folder / f"target-{next(self._numbers)}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def run(self, command: Command, check: Callable[[], None]) -> Sample:
        """Measure a command; when it succeeds its result is checked."""
        return self.checked(self.runner.run(command)[0], check)

    def checked(self, sample: Sample, check: Callable[[], None]) -> Sample:
        """Let a sample count only when the check of its result raises no WrongResult."""
        if sample.whole:
            try:
                check()
            except raw.WrongResult as error:
                return replace(sample, successes=0, note=f"wrong: {error}")
        return sample

    def check_stored(self, bucket: str, expected: Mapping[str, str]) -> None:
        """Read a bucket back and compare it with keys and their hex SHA-256."""
        with raw.connect(self.url) as server:
            server.check(bucket, expected)

    def check_fetched(self, folder: Path, expected: Mapping[str, str]) -> None:
        """Compare all files of a folder with names and their hex SHA-256."""
        found = {str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()}
        if found != expected:
            wrong = [name for name in expected if found.get(name) != expected[name]]
            raise raw.WrongResult(f"{len(wrong)} of {len(expected)} files differ, {len(found)} are there")


def sha256(path: Path) -> str:
    """Give a file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
