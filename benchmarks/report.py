"""The table, and the README's block that it stands in. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import Goal, Samples, Summary, ratio, summarize

__all__ = ["PEAK_LIMIT", "Result", "notes", "page", "replace_block", "table"]

MIB = 1 << 20
PEAK_LIMIT = 80 * MIB
"""Bytes of memory that natsobj may need, whatever it does."""

HEAD = ("workload", "who", "runs", "wall s", "(from – to)", "ratio", "goal", "CPU s", "peak MiB")
TO_THE_RIGHT = {"runs", "wall s", "ratio", "CPU s", "peak MiB"}


@dataclass(frozen=True, slots=True)
class Result:
    """All samples of one workload."""

    title: str
    samples: Mapping[str, Samples]
    """By participant, ours first."""
    goals: Sequence[Goal] = ()


def page(head: Sequence[str], results: Sequence[Result]) -> str:
    """Put together what is printed: lines about the machine, the table, the notes."""
    blocks = ["\n".join(f"- {line}" for line in head), table(results)]
    if remarks := notes(results):
        blocks.append("\n".join(f"- {line}" for line in remarks))
    return "\n\n".join(blocks)


def table(results: Sequence[Result]) -> str:
    """Lay out a Markdown table that is also read well as it is."""
    rows = [HEAD, *(row for result in results for row in _rows(result))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    rule = [
        "-" * (width - 1) + ":" if name in TO_THE_RIGHT else "-" * width
        for name, width in zip(HEAD, widths, strict=True)
    ]
    return "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if name in TO_THE_RIGHT else cell.ljust(width)
        for name, cell, width in zip(HEAD, row, widths, strict=True)
    ]
    return f"| {' | '.join(cells)} |"


def _rows(result: Result) -> list[tuple[str, ...]]:
    ours, *_ = result.samples
    rows: list[tuple[str, ...]] = []
    for who, samples in result.samples.items():
        title = result.title if who == ours else ""
        summary = summarize(samples)
        shown: tuple[str, ...] = ("–", "", "", "", "–", "–")
        if summary and who == ours:
            shown = _cells(summary, "", _peak_goal(summary.peak))
        elif summary:
            value = ratio(result.samples[ours], samples)
            shown = _cells(summary, "–" if value is None else _number(value), _goal(result.goals, who, value))
        rows.append((title, who, _runs(samples), *shown))
    return rows


def _cells(summary: Summary, value: str, goal: str) -> tuple[str, ...]:
    span = f"({_number(summary.fastest)} – {_number(summary.slowest)})"
    return (_number(summary.wall), span, value, goal, _number(summary.cpu), f"{summary.peak / MIB:.0f}")


def _runs(samples: Samples) -> str:
    """Count what was tried; where something failed, what succeeded as well."""
    attempts = sum(sample.attempts for sample in samples.values())
    successes = sum(sample.successes for sample in samples.values())
    return f"{attempts:,}" if successes == attempts else f"{successes:,} of {attempts:,}"


def _goal(goals: Sequence[Goal], who: str, value: float | None) -> str:
    for goal in goals:
        if goal.against == who:
            return f"≤ {goal.limit:g}: {'missed' if value is None else goal.verdict(value)}"
    return ""


def _peak_goal(peak: int) -> str:
    return f"≤ {PEAK_LIMIT // MIB} MiB: {'reached' if peak <= PEAK_LIMIT else 'missed'}"


def _number(value: float) -> str:
    """Write a number with three digits or more that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def notes(results: Sequence[Result]) -> list[str]:
    """List what was noted, each once."""
    said = [
        f"{result.title}, {who}: {sample.note}"
        for result in results
        for who, samples in result.samples.items()
        for sample in samples.values()
        if sample.note
    ]
    return list(dict.fromkeys(said))


def replace_block(text: str, name: str, content: str) -> str:
    """Put content between the two comments of that name.

    Raises:
        ValueError: the text does not have exactly one such block.
    """
    begin, end = f"<!-- output: {name} -->\n", f"<!-- end of output: {name} -->"
    pattern = re.compile(f"(?<={re.escape(begin)}).*?(?={re.escape(end)})", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"there must be exactly one block {begin.strip()}")
    return pattern.sub(lambda _: f"\n{content}\n\n", text)
