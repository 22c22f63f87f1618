"""Workloads of many small objects: folders and listings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench, Runs, sha256
from benchmarks.clients import NATS_PY, NATSOBJ, Client, Fixed, Floor
from benchmarks.figures import Sample, add_up
from benchmarks.proxy import slow_link
from benchmarks.raw import CHUNK_SIZE, WrongResult
from benchmarks.transfers import link

__all__ = ["FIXED_JOBS", "LINE", "get_folder", "get_mixed", "ls", "ls_many", "put_folder", "put_mixed"]

PREFIX = "tree"
FOLDERS = 20

LINE = "bytes / rate"
"""What the line itself takes."""

MIXED_SIZES = [4096 << step for step in range(12)]

FIXED_JOBS = (64, 256)
"""As many at once as somebody might choose; 256 is the most that -j takes."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder of small files in a few subfolders."""

    folder: Path
    digests: dict[str, str]
    """Hex SHA-256 by the path below the folder."""

    def expected(self, names: Sequence[str], prefix: str = "") -> dict[str, str]:
        """Give the digests of some of the files, under other names."""
        return {f"{prefix}{name}": self.digests[name] for name in names}


@contextmanager
def _tree(bench: Bench, count: int, size: int) -> Iterator[Tree]:
    with bench.target() as folder:
        names = [f"{number % FOLDERS:02}/{number:06}.bin" for number in range(count)]
        _make_subfolders(folder)
        for name in names:
            (folder / name).write_bytes(os.urandom(size))
        yield Tree(folder, {name: sha256(folder / name) for name in names})


def _make_subfolders(folder: Path) -> None:
    for number in range(FOLDERS):
        (folder / f"{number:02}").mkdir()


def _scaled(samples: Sequence[Sample], part: int, count: int) -> Sample:
    """Make one sample of a loop over a part of the files."""
    done = add_up(samples, count / part)
    note = done.note if part == count else f"measured on {part:,} files, times {count / part:g}; {done.note}"
    return replace(done, attempts=1, successes=int(done.whole), note=note.removesuffix("; "))


def _participants(bench: Bench, one_way: float) -> Sequence[Client]:
    """Those who take part: far from the server only those who have several files under way."""
    peers = [*bench.peers, Floor()]
    if not one_way:
        return [*bench.clients, *peers]
    ours = [each for each in bench.clients if each.name == NATSOBJ]
    return [*ours, *(Fixed(jobs) for jobs in FIXED_JOBS), *peers]


@contextmanager
def put_folder(bench: Bench, *, count: int, size: int, one_way: float = 0.0) -> Iterator[Runs]:
    """Store all files of a folder in a fresh bucket."""
    with _tree(bench, count, size) as tree, link(bench.url, one_way) as url:

        def run(client: Client) -> Sample:
            names = client.some(list(tree.digests))
            with bench.bucket() as bucket:
                commands = client.put_all(url, bucket, PREFIX, tree.folder, names)
                done = _scaled(bench.runner.run(*commands), len(names), count)
                expected = tree.expected(names, f"{PREFIX}/")
                return bench.checked(done, lambda: bench.check_stored(bucket, expected))

        yield {client.name: partial(run, client) for client in _participants(bench, one_way)}


@contextmanager
def get_folder(bench: Bench, *, count: int, size: int, one_way: float = 0.0) -> Iterator[Runs]:
    """Fetch all objects under a prefix into a folder."""
    with (
        _tree(bench, count, size) as tree,
        bench.bucket() as bucket,
        link(bench.url, one_way) as url,
    ):
        bench.fill(
            bucket, ((f"{PREFIX}/{name}", [(tree.folder / name).read_bytes()]) for name in tree.digests)
        )

        def run(client: Client) -> Sample:
            names = client.some(list(tree.digests))
            with bench.target() as folder:
                _make_subfolders(folder)
                commands = client.get_all(url, bucket, PREFIX, folder, names)
                done = _scaled(bench.runner.run(*commands), len(names), count)
                done = bench.checked(done, lambda: bench.check_fetched(folder, tree.expected(names)))
            bench.forget_consumers(bucket)
            return done

        yield {client.name: partial(run, client) for client in _participants(bench, one_way)}


@contextmanager
def put_mixed(bench: Bench, *, count: int, one_way: float, rate: float) -> Iterator[Runs]:
    """Store files of all sizes over a line of limited rate."""
    with _mixed(bench, count) as tree, slow_link(bench.url, one_way, rate) as url:

        def run(client: Client) -> Sample:
            with bench.bucket() as bucket:
                (done,) = bench.runner.run(*client.put_all(url, bucket, PREFIX, tree.folder, []))
                expected = tree.expected(list(tree.digests), f"{PREFIX}/")
                return bench.checked(done, lambda: bench.check_stored(bucket, expected))

        yield {NATSOBJ: partial(run, _ours(bench)), LINE: _line_itself(tree, rate)}


@contextmanager
def get_mixed(bench: Bench, *, count: int, one_way: float, rate: float) -> Iterator[Runs]:
    """Fetch objects of all sizes over such a line."""
    with _mixed(bench, count) as tree, bench.bucket() as bucket, slow_link(bench.url, one_way, rate) as url:
        bench.fill(bucket, ((f"{PREFIX}/{name}", _chunks(tree.folder / name)) for name in tree.digests))

        def run(client: Client) -> Sample:
            with bench.target() as folder:
                (done,) = bench.runner.run(*client.get_all(url, bucket, PREFIX, folder, []))
                return bench.checked(done, lambda: bench.check_fetched(folder, tree.digests))

        yield {NATSOBJ: partial(run, _ours(bench)), LINE: _line_itself(tree, rate)}


@contextmanager
def _mixed(bench: Bench, count: int) -> Iterator[Tree]:
    """Make files of 4 KiB to 8 MiB, as many of each order of magnitude, in no order."""
    steps = len(MIXED_SIZES)
    with bench.target() as folder:
        names = [f"{number:06}.bin" for number in range(count)]
        for number, name in enumerate(names):
            (folder / name).write_bytes(os.urandom(MIXED_SIZES[number * 7 % steps]))
        yield Tree(folder, {name: sha256(folder / name) for name in names})


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_SIZE):
            yield chunk


def _ours(bench: Bench) -> Client:
    return next(each for each in bench.clients if each.name == NATSOBJ)


def _line_itself(tree: Tree, rate: float) -> Callable[[], Sample]:
    """Give what the bytes take at that rate."""
    size = sum(each.stat().st_size for each in tree.folder.iterdir())
    return lambda: Sample(wall=size / rate, cpu=0.0, peak=0)


@contextmanager
def ls(bench: Bench, *, count: int) -> Iterator[Runs]:
    """List a bucket into a pipe."""
    names = {f"listed/{number:06}.dat" for number in range(count)}

    def check() -> None:
        found = [word for word in bench.runner.output.split() if word.startswith("listed/")]
        if len(found) != count or set(found) != names:
            raise WrongResult(f"{len(found)} names instead of {count}")

    with bench.bucket() as bucket:
        bench.fill(bucket, ((name, [name.encode()]) for name in sorted(names)))

        def run(client: Client) -> Sample:
            sample = bench.run(client.ls(bench.url, bucket), check)
            bench.forget_consumers(bucket)
            return sample

        yield {client.name: partial(run, client) for client in bench.clients}


@contextmanager
def ls_many(bench: Bench, *, count: int) -> Iterator[Runs]:
    """List a bucket with very many records into a pipe; they are written without a wait for each."""

    def check() -> None:
        found = bench.runner.output.count("listed/")
        if found != count:
            raise WrongResult(f"{found} names instead of {count}")

    with bench.bucket() as bucket:
        bench.fill_records(bucket, (f"listed/{number:07}.dat" for number in range(count)))

        def run(client: Client) -> Sample:
            return bench.run(client.ls(bench.url, bucket), check)

        yield {client.name: partial(run, client) for client in bench.clients if client.name != NATS_PY}
