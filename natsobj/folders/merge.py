"""Walks through two sorted lists side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["side_by_side"]

L = TypeVar("L")
R = TypeVar("R")


def side_by_side(
    left: Iterable[L], right: Iterable[R], left_key: Callable[[L], Any], right_key: Callable[[R], Any]
) -> Iterator[tuple[list[L], list[R]]]:
    """Yield for each key its items in both lists; one side is empty if only the other has the key.

    Both lists must be sorted by key. Only the items of one key are held in memory.
    """
    lefts, rights = iter(left), iter(right)
    one, other = next(lefts, None), next(rights, None)
    while one is not None or other is not None:
        keys = [left_key(one)] if one is not None else []
        keys += [right_key(other)] if other is not None else []
        key = min(keys)
        ones: list[L] = []
        others: list[R] = []
        while one is not None and left_key(one) == key:
            ones.append(one)
            one = next(lefts, None)
        while other is not None and right_key(other) == key:
            others.append(other)
            other = next(rights, None)
        yield ones, others
