"""Lists that are longer than memory: what is more than some thousands waits in a temporary file.

The file has no name, so that nothing is left of it however the program ends.
"""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import IO, Any, Generic, NamedTuple, Self, TypeVar

__all__ = ["Sorted", "Spool"]

MOST_HELD = 8192
"""Items in memory."""

_HELD_BYTES = 4 * 1024 * 1024
"""Of names in memory, for those that are very long."""

_BATCH = 32
"""Items of a run that are in memory while runs are merged."""

_BATCH_BYTES = 8192

T = TypeVar("T")


class _Run(NamedTuple):
    """Items in a row in the file."""

    begin: int
    end: int


class Spool(Generic[T]):
    """A list that is written, then read, in that order; a context that ends the file.

    Args:
        name: gives the text of an item that takes most of its memory.
    """

    def __init__(self, name: Callable[[T], str]) -> None:
        self._name = name
        self._file: IO[bytes] | None = None
        self._held: list[T] = []
        self._bytes = 0
        self._runs: list[_Run] = []
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, item: T) -> None:
        """Add an item.

        Raises:
            OSError: there is no room for the file.
        """
        self._held.append(item)
        self._number += 1
        self._bytes += len(self._name(item))
        if len(self._held) >= MOST_HELD or self._bytes > _HELD_BYTES:
            self._write(self._in_order(self._held))
            self._held, self._bytes = [], 0

    def __iter__(self) -> Iterator[T]:
        for run in self._runs:
            yield from self._read(run)
        yield from self._held

    def _in_order(self, items: list[T]) -> list[T]:
        return items

    def _write(self, items: list[T]) -> None:
        """Write a run, in batches that are read again one by one."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="natsobj-")  # noqa: SIM115  # closed by the context
        begin = self._file.seek(0, 2)
        batch: list[T] = []
        size = 0
        for item in items:
            batch.append(item)
            size += len(self._name(item))
            if len(batch) >= _BATCH or size > _BATCH_BYTES:
                pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)
                batch, size = [], 0
        if batch:
            pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)
        self._runs.append(_Run(begin, self._file.tell()))

    def _read(self, run: _Run) -> Iterator[T]:
        file, at = self._file, run.begin
        assert file is not None
        while at < run.end:
            file.seek(at)
            batch: list[T] = pickle.load(file)  # nobody else can write to it
            at = file.tell()
            yield from batch


class Sorted(Spool[T]):
    """A list that is written in any order and read in the order of a key, or in the reverse of it."""

    def __init__(self, name: Callable[[T], str], key: Callable[[T], Any], *, reverse: bool = False) -> None:
        super().__init__(name)
        self._key = key
        self._reverse = reverse

    def _in_order(self, items: list[T]) -> list[T]:
        return sorted(items, key=self._key, reverse=self._reverse)

    def __iter__(self) -> Iterator[T]:
        runs: list[Iterable[T]] = [self._read(run) for run in self._runs]
        return heapq.merge(*runs, self._in_order(self._held), key=self._key, reverse=self._reverse)
