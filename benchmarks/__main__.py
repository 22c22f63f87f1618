"""Measure natsobj beside the Go CLI and nats-py: whole processes, in turn, on a server of its own."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, report, signals, workloads
from benchmarks.bench import Bench, Workload
from benchmarks.clients import GO, NATS_PY, NATSOBJ, build_peer, take_part
from benchmarks.figures import Sample
from benchmarks.measure import Runner
from benchmarks.raw import WrongResult
from benchmarks.server import nats_server, serve

README = Path(__file__).with_name("README.md")
ROUNDS, QUICK_ROUNDS = 7, 1
MOST_ROUNDS = {NATS_PY: 3}
"""It is slow and far behind: more rounds would take longer and tell nothing."""

FILES = 2 << 30
"""Bytes for the files that several workloads share and for what the server does not free at once."""


def main() -> int:
    """Do what the command line asks for; 1 when natsobj failed or a workload could not be measured."""
    parser = _parser()
    asked = parser.parse_args()
    if asked.write and asked.quick:
        parser.error("--write wants the real sizes: leave out --quick")
    try:
        chosen = workloads.select(workloads.every(quick=asked.quick), asked.only)
    except ValueError as error:
        parser.error(str(error))
    if asked.list:
        print("\n".join(f"{each.name:15}{each.title}" for each in chosen))
        return 0
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    place = machine.find_place(max(each.room for each in chosen) + FILES, disk=asked.disk)
    head: list[str] = []
    results: list[report.Result] = []
    with signals.handled() as received:
        try:
            with _bench(place, quick=asked.quick) as bench:
                head += _head(bench, place, rounds)
                for workload in chosen:
                    try:
                        results += [_measure(bench, workload, workload.rounds(rounds))]
                    except (OSError, RuntimeError, WrongResult) as error:
                        _say(f"benchmarks: {workload.name} could not be measured: {error!r}")
        except signals.Interrupted:
            _say(f"\nbenchmarks: ended by a signal after {len(results)} of {len(chosen)} workloads")
    if results:
        text = report.page(head, results)
        print(text)
        if asked.write and len(results) == len(chosen):
            README.write_text(report.replace_block(README.read_text("utf-8"), place.kind, text), "utf-8")
    if received:
        return 128 + received[0]
    ours = [sample for result in results for sample in result.samples[NATSOBJ].values()]
    return int(len(results) < len(chosen) or not all(sample.whole for sample in ours))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds: under a minute")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds of each workload ({ROUNDS})")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="such workloads, by name or a part of it: put-1g, start, far",
    )
    parser.add_argument("--list", action="store_true", help="show the workloads and do nothing")
    parser.add_argument(
        "--disk", action="store_true", help="put the store and all files on a disk, not in memory"
    )
    parser.add_argument(
        "--write", action="store_true", help="put the result into benchmarks/README.md as well"
    )
    return parser


@contextmanager
def _bench(place: machine.Place, *, quick: bool) -> Iterator[Bench]:
    """Start the server in a folder that is gone in the end."""
    with ExitStack() as stack:
        with signals.held():
            folder = Path(tempfile.mkdtemp(prefix="natsobj-benchmarks-", dir=place.folder))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = stack.enter_context(serve(folder))
        yield Bench(folder, url, Runner(folder), take_part(part=10 if quick else 100), build_peer(folder))


def _head(bench: Bench, place: machine.Place, rounds: int) -> list[str]:
    """Say what is measured, on what and how."""
    programs = [f"{client.name} {client.version(bench.runner)}" for client in bench.clients]
    programs.append(f"nats-server {bench.runner.ask(nats_server(), '--version').split()[-1]}")
    if all(client.name != GO for client in bench.clients):
        programs.append(f"no {GO}: `nats` is not on PATH, and NATS_CLI does not name it")
    kind = "in memory" if place.kind == machine.MEMORY else "on disk"
    where = f"store and all files {kind} ({place.file_system})"
    busy = f"load before: {os.getloadavg()[0]:.1f}"
    how = (where, place.note, f"rounds: {rounds}", busy, f"{datetime.now(UTC):%Y-%m-%d}")
    return [", ".join(programs), machine.describe(), ", ".join(part for part in how if part)]


def _measure(bench: Bench, workload: Workload, rounds: int) -> report.Result:
    """Let the participants run in turn: A B C A B C."""
    samples: dict[str, dict[int, Sample]] = {}
    with workload.open(bench) as runs:
        if workload.warm_up:
            for run in runs.values():
                run()
        for number in range(rounds):
            for who, run in runs.items():
                if number < MOST_ROUNDS.get(who, rounds):
                    sample = run()
                    samples.setdefault(who, {})[number] = sample
                    _say(f"{workload.name} {number + 1}/{rounds} {who}: {sample.wall:.3f} s  {sample.note}")
    return report.Result(workload.title, samples, workload.goals)


def _say(text: str) -> None:
    print(text.rstrip(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
