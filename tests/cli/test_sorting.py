"""Lists by name, as far as memory allows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from natsobj.cli.output.sorting import MOST_SORTED, by_name


async def numbers(amount: int) -> AsyncIterator[str]:
    """Names in falling order."""
    for number in reversed(range(amount)):
        yield f"{number:06}"


@pytest.mark.parametrize(("amount", "is_sorted"), [(0, True), (MOST_SORTED, True), (MOST_SORTED + 1, False)])
async def test_so_many_names_are_sorted_and_more_come_as_they_are(amount: int, is_sorted: bool) -> None:
    """None is lost or doubled on either side of the limit."""
    found = [name async for name in by_name(numbers(amount), str)]
    assert sorted(found) == [f"{number:06}" for number in range(amount)]
    assert (found == sorted(found)) is is_sorted


async def test_long_names_count_for_more() -> None:
    """The names that are held have at most a few million characters."""
    names = [f"{number:04}" + "x" * 2_000 for number in reversed(range(3_000))]

    async def given() -> AsyncIterator[str]:
        for name in names:
            yield name

    assert [name async for name in by_name(given(), str)] == names
