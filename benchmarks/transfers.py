"""Workloads that move one object: put, get, overwrite, near and far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from benchmarks import raw
from benchmarks.bench import Bench, Runs
from benchmarks.clients import NATSOBJ, Client, Floor
from benchmarks.figures import Sample, add_up
from benchmarks.proxy import slow_link

__all__ = ["get", "get_often", "link", "overwrite", "put"]

KEY = "some/data.bin"
AT_ONCE = 100
"""Files that are there at once while one object is fetched often."""


@contextmanager
def link(url: str, one_way: float) -> Iterator[str]:
    """Give the URL for the participants: that of the server, or one that is as far away as it shall be."""
    if not one_way:
        yield url
        return
    with slow_link(url, one_way) as far:
        with raw.connect(far) as connection:
            measured = connection.round_trip()
        if not 2 * one_way <= measured <= 2.2 * one_way:
            raise RuntimeError(f"round trips take {measured * 1000:.1f} ms")
        yield far


@contextmanager
def put(bench: Bench, *, size: int, one_way: float = 0.0) -> Iterator[Runs]:
    """Store a file in a fresh bucket."""
    file = bench.file(size)
    with link(bench.url, one_way) as url:

        def run(client: Client) -> Sample:
            with bench.bucket() as bucket:
                command = client.put(url, bucket, KEY, file.path)
                return bench.run(command, lambda: bench.check_stored(bucket, {KEY: file.digest}))

        yield {client.name: partial(run, client) for client in (*bench.clients, Floor())}


@contextmanager
def get(bench: Bench, *, size: int, one_way: float = 0.0) -> Iterator[Runs]:
    """Fetch an object into a file."""
    file = bench.file(size)
    with bench.bucket() as bucket, link(bench.url, one_way) as url:
        bench.fill(bucket, [(KEY, file.chunks())])

        def run(client: Client) -> Sample:
            with bench.target() as folder:
                command = client.get(url, bucket, KEY, folder / "data")
                sample = bench.run(command, lambda: bench.check_fetched(folder, {"data": file.digest}))
            bench.forget_consumers(bucket)
            return sample

        yield {client.name: partial(run, client) for client in (*bench.clients, Floor())}


@contextmanager
def overwrite(bench: Bench, *, size: int, times: int) -> Iterator[Runs]:
    """Replace an object several times in a row."""
    file = bench.file(size)

    def run(client: Client) -> Sample:
        with bench.bucket() as bucket:
            bench.fill(bucket, [(KEY, file.chunks())])
            command = client.put(bench.url, bucket, KEY, file.path)
            sample = add_up(bench.runner.run(*[command] * times, go_on=True))
            return bench.checked(sample, lambda: bench.check_stored(bucket, {KEY: file.digest}))

    yield {client.name: partial(run, client) for client in bench.clients}


@contextmanager
def get_often(bench: Bench, *, size: int, times: int) -> Iterator[Runs]:
    """Fetch one object again and again; natsobj must leave no consumer behind."""
    file = bench.file(size)

    def run(client: Client) -> Sample:
        samples: list[Sample] = []
        with bench.bucket() as bucket:
            bench.fill(bucket, [(KEY, file.chunks())])
            for start in range(0, times, AT_ONCE):
                samples.append(fetch(client, bucket, min(AT_ONCE, times - start)))
                if not samples[-1].whole:
                    break
            left = bench.consumers(bucket)
        done = replace(add_up(samples), attempts=times)
        if left and client.name == NATSOBJ:
            done = replace(done, successes=0)
        return replace(done, note="; ".join(filter(None, (f"{left} consumers left", done.note))))

    def fetch(client: Client, bucket: str, count: int) -> Sample:
        names = [str(number) for number in range(count)]
        with bench.target() as folder:
            commands = client.get_often(bench.url, bucket, KEY, [folder / name for name in names])
            expected = dict.fromkeys(names, file.digest)
            done = add_up(bench.runner.run(*commands))
            done = bench.checked(done, lambda: bench.check_fetched(folder, expected))
        return replace(done, attempts=count, successes=count if done.whole else 0)

    yield {client.name: partial(run, client) for client in bench.clients}
