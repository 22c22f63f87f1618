"""Lists in the order that people look for: by name, as far as memory allows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

__all__ = ["MOST_SORTED", "by_name"]

T = TypeVar("T")

MOST_SORTED = 20_000
"""Items that are held to be sorted; more of them come in their own order."""

_MOST_CHARACTERS = 2**22
"""Characters of names, for those that are very long."""


async def by_name(
    items: AsyncIterator[T], name: Callable[[T], str], lean: Callable[[T], T] = lambda item: item
) -> AsyncGenerator[T, None]:
    """Give items sorted by name, or all as they come where they are too many to be held.

    Args:
        lean: makes one of which little is kept.
    """
    held: list[T] = []
    characters = 0
    async for item in items:
        held.append(lean(item))
        characters += len(name(item))
        if len(held) > MOST_SORTED or characters > _MOST_CHARACTERS:
            break
    else:
        held.sort(key=name)
    for item in held:
        yield item
    async for item in items:
        yield lean(item)
