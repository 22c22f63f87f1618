"""Texts in flat memory: millions of them must not make a command grow."""

from __future__ import annotations

import tracemalloc

from natsobj.files.spool import Sorted, Spool
from natsobj.stream.marks import Counts, Marks, Unstruck

MANY = 100_000


def texts() -> list[str]:
    """As long as a nuid, and none in order."""
    return [f"N{number * 7919 % MANY:021d}" for number in range(MANY)]


def test_what_is_struck_out_is_not_there_any_more() -> None:
    """What was never counted cannot be struck, and once is enough."""
    counts = Counts()
    for number, text in enumerate(texts()[:1000]):
        counts.add(text, number)
    left = Unstruck(counts)
    struck = texts()[:1000:2]
    for text in (*struck, *struck, "never counted"):
        left.strike(text)
    assert len(left) == 500
    assert [text for text in texts()[:1000] if text in left] == texts()[1:1000:2]
    assert "never counted" not in left
    assert [counts.get(text, -1) for text in (texts()[7], "never counted")] == [7, -1]


def test_a_hundred_thousand_take_some_bytes_each() -> None:
    """Marks 8, counts 16 and a byte to strike them out; arrays grow ahead, and a part is sorted at a time."""
    names = texts()
    tracemalloc.start()
    try:
        marks, counts = Marks(), Counts()
        for text in names:
            marks.add(text)
            counts.add(text, 1)
        left = Unstruck(counts)
        for text in names:
            assert text in marks
            left.strike(text)
        assert len(left) == 0
        assert tracemalloc.get_traced_memory()[1] < 40 * MANY
    finally:
        tracemalloc.stop()


def test_a_list_in_a_file_is_read_backwards_as_well() -> None:
    """Across all runs, and what is equal stands in the same order."""
    with Sorted[int](str, lambda number: number // 2, reverse=True) as found:
        for number in range(20_000):
            found.add(number)
        assert list(found) == sorted(range(20_000), key=lambda number: number // 2, reverse=True)


def test_a_hundred_thousand_lie_in_a_file() -> None:
    """In order or as they came: memory has some thousands of them, also while they are read."""
    tracemalloc.start()
    try:
        with Spool[str](str) as as_they_came, Sorted[str](str, str) as in_order:
            for number in range(MANY):
                as_they_came.add(f"{number * 7919 % MANY:022d}")
                in_order.add(f"{number * 7919 % MANY:022d}")
            assert sum(int(str(text)) for text in as_they_came) == sum(range(MANY))
            assert all(int(str(text)) == number for number, text in enumerate(in_order))
        assert tracemalloc.get_traced_memory()[1] < 50 * MANY
    finally:
        tracemalloc.stop()
