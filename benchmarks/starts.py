"""Workloads that do next to nothing: what is left is the start of the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from benchmarks.bench import Bench, Runs
from benchmarks.clients import GO, NATSOBJ, GoCli, Natsobj, python
from benchmarks.figures import Sample
from benchmarks.measure import Command
from benchmarks.raw import WrongResult

__all__ = ["IMPORT_NATS", "IMPORT_TYPER", "info", "ls", "version"]

IMPORT_TYPER = "import typer"
IMPORT_NATS = "import typer, nats"
"""Commands of their own, `python -c '...'`: what no program on top of them can go below."""

KEY = "only"


@contextmanager
def version(bench: Bench) -> Iterator[Runs]:
    """Print the version."""
    commands: dict[str, Command] = {}
    for client in bench.clients:
        if isinstance(client, Natsobj | GoCli):
            commands[client.name] = client.command("--version")
    yield _runs(bench, {**commands, IMPORT_TYPER: python(IMPORT_TYPER)}, "")


@contextmanager
def ls(bench: Bench) -> Iterator[Runs]:
    """List a bucket with one object into a pipe."""
    with bench.bucket() as bucket:
        bench.fill(bucket, [(KEY, [b"content"])])
        commands = {client.name: client.ls(bench.url, bucket) for client in bench.clients}
        yield _runs(bench, {**commands, IMPORT_NATS: python(IMPORT_NATS)}, KEY)


@contextmanager
def info(bench: Bench) -> Iterator[Runs]:
    """Describe a bucket into a pipe."""
    with bench.bucket() as bucket:
        commands: dict[str, Command] = {}
        for client in bench.clients:
            if isinstance(client, Natsobj):
                commands[client.name] = client.command("-s", bench.url, "info", bucket)
            elif isinstance(client, GoCli):
                commands[client.name] = client.command("-s", bench.url, "object", "info", bucket)
        yield _runs(bench, {**commands, IMPORT_NATS: python(IMPORT_NATS)}, bucket)


def _runs(bench: Bench, commands: Mapping[str, Command], shown: str) -> Runs:
    """Make the runs of commands; what natsobj and the Go CLI print must contain a text."""

    def run(who: str, command: Command) -> Sample:
        return bench.run(command, check if who in {NATSOBJ, GO} else nothing)

    def check() -> None:
        if shown not in bench.runner.output:
            raise WrongResult(f"the output does not show {shown}")

    def nothing() -> None:
        """There is no output."""

    runs: dict[str, Callable[[], Sample]] = {}
    for who, command in commands.items():
        runs[who] = partial(run, who, command)
    return runs
