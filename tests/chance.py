"""Repetition at random: a test that asks for `chance` runs `--fault-runs` times, each run a test of its own.

Whatever is random in a run comes from its `chance`, whose seed is `--fault-seed` and the name of the test: a
failed run is repeated by its name and the seed that was printed, but for the timing, which is the machine's.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

MIB = 1024 * 1024

_EARLIER = 0.6
_ATTEMPTS = 6

_SEED = pytest.StashKey[int]()
_FIGURES = pytest.StashKey["dict[str, Figures]"]()


@dataclass(slots=True)
class Figures:
    """What all runs of one test saw."""

    runs: int = 0
    missed: int = 0
    """Attempts whose fault came too late and that were repeated with an earlier one."""
    codes: dict[int, int] = field(default_factory=dict)
    recovery: list[float] = field(default_factory=list)
    """Seconds from the return of what was away to the end of the program."""


class Chance(random.Random):
    """The dice of one run."""

    def __init__(self, seed: str, run: int, figures: Figures) -> None:
        super().__init__(seed)
        self.run = run
        self.figures = figures
        figures.runs += 1

    def turn(self, ways: Sequence[T], every: int = 1) -> T:
        """Take one way after the other, from run to run; `every` lets another turn go round first."""
        return ways[self.run // every % len(ways)]

    def content(self, least: int = 16 * MIB, most: int = 40 * MIB) -> bytes:
        """Bytes of a random number, no chunk like another."""
        return self.randbytes(self.randint(least, most))

    def saw(self, code: int, recovery: float | None = None) -> None:
        """Note how the program ended, and how long after the return of what was away."""
        self.figures.codes[code] = self.figures.codes.get(code, 0) + 1
        if recovery is not None:
            self.figures.recovery.append(recovery)

    async def until_hit(self, attempt: Callable[[float], Awaitable[bool]]) -> None:
        """Repeat an attempt until its fault came before the end of the program.

        Args:
            attempt: does the whole test with the fault at that part (0 to 1) of the way, says whether it hit.
        """
        part = self.random()
        for _ in range(_ATTEMPTS):
            if await attempt(part):
                return
            self.figures.missed += 1
            part *= _EARLIER
        pytest.fail(f"the fault came too late {_ATTEMPTS} times")


# What pytest asks for; tests/conftest.py takes these in.


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often, and from which seed."""
    group = parser.getgroup("faults")
    group.addoption("--fault-runs", type=int, default=1, help="how often each fault is tried (default 1)")
    group.addoption(
        "--fault-seed", type=int, help="what the random moments come from (default: another each time)"
    )
    group.addoption(
        "--fuzz-records", type=int, default=300, help="how many odd records are tried (default 300)"
    )


def seed_of(config: pytest.Config) -> int:
    """The seed of this session, the same in all processes of `pytest -n`."""
    if _SEED not in config.stash:
        given: int | None = getattr(config, "workerinput", {}).get("seed", config.getoption("--fault-seed"))
        config.stash[_SEED] = random.SystemRandom().randrange(10**9) if given is None else given
    return config.stash[_SEED]


def pytest_report_header(config: pytest.Config) -> str:
    """Say what repeats these runs."""
    given = (f"{name}={config.getoption(name)}" for name in ("--fault-runs", "--fuzz-records"))
    return f"faults: {' '.join(given)} --fault-seed={seed_of(config)}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the seed to a process of `pytest -n`."""
    node.workerinput["seed"] = seed_of(node.config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every run."""
    if "chance" in metafunc.fixturenames:
        runs = range(metafunc.config.getoption("--fault-runs"))
        each = [pytest.param(run, id=f"run{run + 1}", marks=pytest.mark.fault) for run in runs]
        metafunc.parametrize("chance", each, indirect=True)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Chance:
    """What is random in this run of the test."""
    name, run = request.node.name, f"run{request.param + 1}"
    others = [part for part in request.node.callspec.id.split("-") if part != run]
    row = " ".join([request.node.originalname.removeprefix("test_"), *others])
    figures = request.config.stash.setdefault(_FIGURES, {}).setdefault(row, Figures())
    return Chance(f"{seed_of(request.config)} {name}", request.param, figures)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures as a table, and the seed once more."""
    figures = config.stash.get(_FIGURES, {})
    if not figures:
        return
    terminalreporter.section(f"faults, --fault-seed={seed_of(config)}")
    terminalreporter.line("| test | runs | missed | exit codes | recovery s, median (max) |")
    terminalreporter.line("|---|---|---|---|---|")
    for name, seen in figures.items():
        codes = ", ".join(f"{code}: {number}" for code, number in sorted(seen.codes.items()))
        times = f"{median(seen.recovery):.1f} ({max(seen.recovery):.1f})" if seen.recovery else ""
        terminalreporter.line(f"| {name} | {seen.runs} | {seen.missed} | {codes} | {times} |")
