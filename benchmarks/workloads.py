"""Which workloads there are, in which sizes, and the figures to reach."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks import many, resumed, starts, transfers
from benchmarks.bench import Workload
from benchmarks.clients import GO, NATSOBJ
from benchmarks.figures import Goal

__all__ = ["ONE_WAY", "every", "select"]

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

ONE_WAY = 0.0105
"""Seconds: round trips of 21 ms."""

RATE = 40 * MIB
"""Bytes a second of a line that is limited."""

GOALS = {
    "put-256m": Goal(GO, 1.15),
    "get-256m": Goal(GO, 1.15),
    "put-1g": Goal(GO, 1.0, noise=1.1),
    "get-1g": Goal(GO, 0.85, noise=0.92),
    "put-files": Goal(GO, 1 / 20),
    "get-files": Goal(GO, 1 / 20),
    "ls": Goal(GO, 2.3),
    "put-far": Goal(GO, 1.5),
    "get-far": Goal(GO, 1.5),
    "start-version": Goal(starts.IMPORT_TYPER, 1.3),
    "start-info": Goal(starts.IMPORT_NATS, 1.0),
}


def every(*, quick: bool) -> list[Workload]:
    """Give all workloads; the quick ones have the same names and are smaller."""
    parts = (_starts, _transfers, _far, _resumed, _many, _many_far, _mixed, _million, _hard)
    return [workload for part in parts for workload in part(quick)]


def select(workloads: Sequence[Workload], wanted: Sequence[str]) -> list[Workload]:
    """Choose by name, or by a part of the name: `put` is `put-64m`, `put-far` and more. Nothing wanted: all.

    Raises:
        ValueError: there is no such workload.
    """
    chosen = {workload.name for workload in workloads if not wanted}
    for word in wanted:
        exactly = {workload.name for workload in workloads if workload.name == word}
        found = exactly or {workload.name for workload in workloads if word in workload.name.split("-")}
        if not found:
            raise ValueError(f"no such workload: {word} (--list shows them)")
        chosen |= found
    return [workload for workload in workloads if workload.name in chosen]


def _starts(quick: bool) -> list[Workload]:
    opened = {"version": starts.version, "ls": starts.ls, "info": starts.info}
    titles = {"version": "--version", "ls": "ls, one object", "info": "info BUCKET"}
    return [
        Workload(
            name=f"start-{name}",
            title=f"start-up: {titles[name]}",
            open=opened[name],
            goals=_goals(f"start-{name}"),
            warm_up=True,
            times=1 if quick else 3,
        )
        for name in opened
    ]


def _transfers(quick: bool) -> list[Workload]:
    sizes = {"64m": 64 * MIB} if quick else {"64m": 64 * MIB, "256m": 256 * MIB, "1g": GIB}
    return [
        Workload(
            name=f"{verb}-{name}",
            title=f"{verb} {_size(size)}",
            open=partial(move, size=size),
            goals=_goals(f"{verb}-{name}"),
            room=3 * size,
        )
        for name, size in sizes.items()
        for verb, move in (("put", transfers.put), ("get", transfers.get))
    ]


def _far(quick: bool) -> list[Workload]:
    size = 8 * MIB if quick else 64 * MIB
    return [
        Workload(
            name=f"{verb}-far",
            title=f"{verb} {_size(size)}, round trips of {ONE_WAY * 2000:.0f} ms",
            open=partial(move, size=size, one_way=ONE_WAY),
            goals=() if quick else _goals(f"{verb}-far"),
            room=3 * size,
        )
        for verb, move in (("put", transfers.put), ("get", transfers.get))
    ]


def _resumed(quick: bool) -> list[Workload]:
    size = 32 * MIB if quick else 256 * MIB
    return [
        Workload(
            name=f"{verb}-resume",
            title=f"{verb} {_size(size)} of which half is there",
            open=partial(move, size=size),
            goals=() if quick else (Goal(resumed.ANEW, 0.9),),
            room=3 * size,
        )
        for verb, move in (("put", resumed.put), ("get", resumed.get))
    ]


def _many(quick: bool) -> list[Workload]:
    files, listed = (200, 2_000) if quick else (2_000, 20_000)
    return [
        Workload(
            name=name,
            title=title,
            open=opened,
            goals=() if quick else _goals(name),
            room=64 * MIB,
            warm_up=True,
        )
        for name, title, opened in (
            (
                "put-files",
                f"put {files:,} files of 4 KiB",
                partial(many.put_folder, count=files, size=4 * KIB),
            ),
            (
                "get-files",
                f"get {files:,} files of 4 KiB",
                partial(many.get_folder, count=files, size=4 * KIB),
            ),
            ("ls", f"ls of {listed:,} objects", partial(many.ls, count=listed)),
        )
    ]


def _many_far(quick: bool) -> list[Workload]:
    files = 200 if quick else 2_000
    return [
        Workload(
            name=f"{verb}-files-{milliseconds}",
            title=f"{verb} {files:,} files of 4 KiB, round trips of {milliseconds} ms",
            open=partial(move, count=files, size=4 * KIB, one_way=milliseconds / 2000),
            goals=() if quick else tuple(Goal(f"{NATSOBJ} -j {jobs}", 1.25) for jobs in many.FIXED_JOBS),
            room=64 * MIB,
        )
        for milliseconds in (21, 100)
        for verb, move in (("put", many.put_folder), ("get", many.get_folder))
    ]


def _mixed(quick: bool) -> list[Workload]:
    files = 24 if quick else 200
    return [
        Workload(
            name=f"{verb}-mixed",
            title=f"{verb} {files} files of 4 KiB to 8 MiB, {ONE_WAY * 2000:.0f} ms, {RATE // MIB} MiB/s",
            open=partial(move, count=files, one_way=ONE_WAY, rate=RATE),
            goals=() if quick else (Goal(many.LINE, 1.3),),
            room=4 * files * 2 * MIB,
        )
        for verb, move in (("put", many.put_mixed), ("get", many.get_mixed))
    ]


def _million(quick: bool) -> list[Workload]:
    listed = 60_000 if quick else 1_000_000
    return [
        Workload(
            name="ls-many",
            title=f"ls of {listed:,} objects",
            open=partial(many.ls_many, count=listed),
            room=listed * KIB,
            once=True,
        )
    ]


def _hard(quick: bool) -> list[Workload]:
    size, overwrites, gets = (64 * MIB, 3, 10) if quick else (GIB, 10, 1_500)
    return [
        Workload(
            name="overwrite",
            title=f"{overwrites} puts in a row over {_size(size)}",
            open=partial(transfers.overwrite, size=size, times=overwrites),
            room=size * (3 + overwrites // 2),  # a put that fails may leave its chunks
            once=True,
        ),
        Workload(
            name="get-often",
            title=f"{gets:,} gets of 2 MiB in a row",
            open=partial(transfers.get_often, size=2 * MIB, times=gets),
            room=2 * transfers.AT_ONCE * 2 * MIB,
            once=True,
        ),
    ]


def _goals(name: str) -> Sequence[Goal]:
    return (GOALS[name],) if name in GOALS else ()


def _size(size: int) -> str:
    return f"{size // GIB} GiB" if size >= GIB else f"{size // MIB} MiB"
