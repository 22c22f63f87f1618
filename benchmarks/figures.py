"""Samples and what is made of them: medians, ratios, goals. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Goal", "Sample", "Samples", "Summary", "add_up", "ratio", "summarize"]


@dataclass(frozen=True, slots=True)
class Sample:
    """What one participant took in one round, in one process or in several after each other."""

    wall: float
    """Seconds from the start of a process to its end."""
    cpu: float
    """Seconds of processor time, user and system."""
    peak: int
    """Bytes of memory that the largest process had at once."""
    attempts: int = 1
    successes: int = 1
    note: str = ""
    """What went wrong, or what else was seen."""

    @property
    def whole(self) -> bool:
        """Say whether everything succeeded: only then do the times mean anything."""
        return self.successes == self.attempts


Samples = Mapping[int, Sample]
"""One participant's samples by round."""


def add_up(samples: Sequence[Sample], scale: float = 1.0) -> Sample:
    """Make one sample of several that ran after each other; `scale` stands for those that did not run."""
    return Sample(
        wall=sum(sample.wall for sample in samples) * scale,
        cpu=sum(sample.cpu for sample in samples) * scale,
        peak=max(sample.peak for sample in samples),
        attempts=sum(sample.attempts for sample in samples),
        successes=sum(sample.successes for sample in samples),
        note="; ".join(dict.fromkeys(sample.note for sample in samples if sample.note)),
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """One participant's samples of one workload in short."""

    wall: float
    """Median, as `cpu`."""
    fastest: float
    slowest: float
    cpu: float
    peak: int
    """The highest of all."""


def summarize(samples: Samples) -> Summary | None:
    """Sum up the samples in which everything succeeded; None when there is none."""
    whole = [sample for sample in samples.values() if sample.whole]
    if not whole:
        return None
    walls = [sample.wall for sample in whole]
    return Summary(
        wall=median(walls),
        fastest=min(walls),
        slowest=max(walls),
        cpu=median(sample.cpu for sample in whole),
        peak=max(sample.peak for sample in whole),
    )


def ratio(ours: Samples, theirs: Samples) -> float | None:
    """Give the median of the rounds' ratios of wall time, ours to theirs; None when no round has both."""
    rounds = [each for each in ours if each in theirs and ours[each].whole and theirs[each].whole]
    return median(ours[each].wall / theirs[each].wall for each in rounds) if rounds else None


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio to reach."""

    against: str
    """The participant whose wall time is 1."""
    limit: float
    noise: float | None = None
    """A higher limit up to which it may as well be noise."""

    def verdict(self, value: float) -> str:
        """Say `reached`, `noise` or `missed`."""
        if value <= self.limit:
            return "reached"
        return "noise" if self.noise is not None and value <= self.noise else "missed"
