"""Workloads of transfers that were killed half-way: what it takes to go on, and to do all of it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import raw
from benchmarks.bench import Bench, Runs
from benchmarks.clients import Natsobj
from benchmarks.figures import Sample
from benchmarks.transfers import KEY

__all__ = ["ANEW", "get", "put"]

ANEW = "natsobj, all of it"
"""What goes on is held against a run that was never ended."""


class Resuming(Natsobj):
    """natsobj with --resume."""

    def command(self, *arguments: str) -> tuple[str, ...]:
        return (*super().command(*arguments), "--resume")


@contextmanager
def put(bench: Bench, *, size: int) -> Iterator[Runs]:
    """Store a file of which half is stored."""
    file = bench.file(size)

    def run(half: int) -> Sample:
        with bench.bucket() as bucket, raw.connect(bench.url) as server:
            command = Resuming().put(bench.url, bucket, KEY, file.path)
            if half:
                bench.runner.kill(command, lambda: server.stored(bucket) >= half)
            return bench.run(command, lambda: bench.check_stored(bucket, {KEY: file.digest}))

    yield {Resuming.name: lambda: run(size // 2), ANEW: lambda: run(0)}


@contextmanager
def get(bench: Bench, *, size: int) -> Iterator[Runs]:
    """Fetch an object of which half lies beside the file."""
    file = bench.file(size)
    with bench.bucket() as bucket:
        bench.fill(bucket, [(KEY, file.chunks())])

        def run(half: int) -> Sample:
            with bench.target() as folder:
                command = Resuming().get(bench.url, bucket, KEY, folder / "data")
                if half:
                    bench.runner.kill(
                        command, lambda: any(each.stat().st_size >= half for each in folder.iterdir())
                    )
                sample = bench.run(command, lambda: bench.check_fetched(folder, {"data": file.digest}))
            bench.forget_consumers(bucket)
            return sample

        yield {Resuming.name: lambda: run(size // 2), ANEW: lambda: run(0)}
