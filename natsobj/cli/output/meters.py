"""The counts of transfers: sources and sinks that count, one by one or many as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol, TypeVar

from natsobj.cli.output.formats import count, format_size, format_time_left, printable

if TYPE_CHECKING:
    from natsobj.files import Sink, Source

__all__ = ["CountedSink", "CountedSource", "Meter", "Whole"]

RATE_WINDOW = 5.0
"""Seconds that a rate is the mean of, at least."""

MOST_SECONDS_LEFT = 10 * 24 * 3600
"""What would take longer than that is not foreseen."""


class CountedSource:
    """A source that counts what the server has acknowledged: what is read may still be on its way."""

    __slots__ = ("_meter", "_source")

    def __init__(self, source: Source, meter: Meter | _Part) -> None:
        self._source = source
        self._meter = meter

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def size(self) -> int | None:
        return self._source.size

    async def read(self, size: int, /) -> bytes:
        data = await self._source.read(size)
        if len(data) < size:
            self._meter.ended = True
        return data

    def acknowledged(self, size: int) -> None:
        """Count bytes that are stored."""
        self._meter.done += size

    def restart(self) -> None:
        self._source.restart()
        self._meter.restart()

    def check(self) -> None:
        self._source.check()


class CountedSink:
    """A sink that counts what is written."""

    __slots__ = ("_meter", "_sink")

    def __init__(self, sink: Sink, meter: Meter | _Part) -> None:
        self._sink = sink
        self._meter = meter

    def write(self, view: memoryview, /) -> None:
        self._sink.write(view)
        meter = self._meter
        meter.done += view.nbytes
        if meter.done == meter.size:
            meter.ended = True

    async def drain(self) -> None:
        await self._sink.drain()

    def restart(self) -> None:
        self._sink.restart()
        self._meter.restart()


class Meter:
    """One transfer's count, and how fast it has grown lately."""

    __slots__ = ("_samples", "done", "ended", "label", "size")

    def __init__(self, label: str, size: int | None, start: float) -> None:
        self.label = printable(label)
        self.size = size
        self.done = 0
        self.ended = False
        self._samples = deque([(start, 0)])

    def restart(self) -> None:
        self.done = 0
        self.ended = False

    def sample(self, now: float) -> float:
        """Remember the count and give the rate, in bytes a second."""
        done, samples = self.done, self._samples
        if done < samples[-1][1]:  # started over
            samples.clear()
            samples.append((now, done))
        samples.append((now, done))
        while len(samples) > 2 and samples[1][0] <= now - RATE_WINDOW:
            samples.popleft()
        seconds = now - samples[0][0]
        return (done - samples[0][1]) / seconds if seconds else 0.0

    def facts(self, now: float) -> list[str]:
        """Say `512 MiB of 1 GiB`, `50 %`, `210 MiB/s`, `2 s left`, or bytes and rate of an unknown size."""
        return [fact.strip() for fact in self.columns(now) if fact.strip()]

    def columns(self, now: float) -> list[str]:
        """Say the same in columns that are as wide from the first to the last."""
        rate = self.sample(now)
        done, speed = f"{format_size(self.done):>8}", f"{format_size(int(rate))}/s"
        if self.size is None:
            return [done, f"{speed:>10}"]
        missing = max(self.size - self.done, 0)
        percent = 100 * self.done // self.size if missing else 100
        is_known = rate >= 1 and missing / rate < MOST_SECONDS_LEFT
        left = f"{format_time_left(missing / rate)} left" if is_known else ""
        return [f"{done} of {format_size(self.size)}", f"{percent:>3} %", f"{speed:>10}", f"{left:<16}"]


class Sized(Protocol):
    """What will be transferred, or what cannot be."""

    @property
    def size(self) -> int:
        """Bytes."""


SizedT = TypeVar("SizedT", bound=Sized)


class Whole(Meter):
    """The count of many transfers; how many there are is known when all of them have been found."""

    __slots__ = ("_bytes", "_complete", "_found", "_noun", "_settled", "_shown")

    def __init__(self, label: str, start: float, *, shown: bool, noun: str = "file") -> None:
        super().__init__(label, None, start)
        self._shown = shown
        self._noun = noun
        self._bytes = 0
        self._found = 0
        self._settled = 0
        self._complete = False

    @property
    def found(self) -> int | None:
        """How many there are, None as long as more are being found."""
        return self._found if self._complete else None

    @property
    def settled(self) -> int:
        """How many were dealt with."""
        return self._settled

    def files(self, items: Iterator[SizedT]) -> Iterator[SizedT]:
        """Count what is found, one by one."""
        for item in items:
            self._add(item)
            yield item
        self._finish()

    async def objects(self, items: AsyncGenerator[SizedT, None]) -> AsyncGenerator[SizedT, None]:
        """Count what is found, one by one."""
        async with aclosing(items):
            async for item in items:
                self._add(item)
                yield item
        self._finish()

    def expect(self, number: int, size: int) -> None:
        """Know from the beginning how many there are, and their bytes."""
        self._found, self._bytes = number, size
        self._finish()

    def source(self, source: Source) -> Source:
        """Count what is stored of one of them."""
        return CountedSource(source, _Part(self)) if self._shown else source

    def sink(self, sink: Sink) -> Sink:
        """Count what is written for one of them."""
        return CountedSink(sink, _Part(self)) if self._shown else sink

    def settle(self, *, saved: int = 0) -> None:
        """Count one of them as dealt with; `saved` are bytes that turned out not to be needed."""
        self._settled += 1
        self._bytes -= saved
        if self._complete:
            self.size = self._bytes

    def columns(self, now: float) -> list[str]:
        """Say how many files as well: `12 of 40 files`, or `12 files` while more are being found."""
        size, *others = super().columns(now)
        if not self._complete:
            return [size, f"{count(self._settled, self._noun):>{len(self._noun) + 8}}", *others]
        found = f"{self._found:,}"
        files = f"{self._settled:>{len(found)},} of {count(self._found, self._noun)}"
        return [size, files, *others]

    def _add(self, item: Sized) -> None:
        self._found += 1
        self._bytes += item.size

    def _finish(self) -> None:
        self._complete = True
        self.size = self._bytes


class _Part:
    """The count of one transfer as a part of a whole."""

    __slots__ = ("_done", "_whole", "ended")

    size: int | None = None

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self._done = 0
        self.ended = False

    @property
    def done(self) -> int:
        return self._done

    @done.setter
    def done(self, value: int) -> None:
        self._whole.done += value - self._done
        self._done = value

    def restart(self) -> None:
        self.done = 0
