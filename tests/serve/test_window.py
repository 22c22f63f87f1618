"""Pages of a long list: together they have every entry once, in order, and each keeps little."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from natsobj.errors import InvalidMetadata
from natsobj.models import Folder, Link, ObjectInfo
from natsobj.serve.addresses import Order
from natsobj.serve.window import Row, Window

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def thing(name: str, size: int = 1, age: int = 0) -> ObjectInfo:
    """An object of a list."""
    return ObjectInfo("b", name, size, 1, BEGIN - timedelta(hours=age), 1)


def pages(infos: list[ObjectInfo], order: Order, *, reverse: bool, most: int) -> list[Folder | Row]:
    """All pages one behind the other."""
    found: list[Folder | Row] = []
    after = None
    while True:
        window = Window("", order, reverse=reverse, after=after, most=most)
        for info in infos:
            window.add(info)
        shown, after = window.entries()
        assert len(shown) <= most
        found += shown
        if after is None:
            return found


@pytest.mark.parametrize("order", ["name", "size", "time"])
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_have_every_entry_once_in_order(order: Order, reverse: bool) -> None:
    """Folders come first, by name and counted whole; objects behind them, sorted."""
    chance = random.Random(f"{order}{reverse}")
    infos = [thing(f"{n % 23:02}/{n}", n) for n in range(200)]
    infos += [thing(f"file-{n:03}", chance.randrange(9), chance.randrange(9)) for n in range(100)]
    chance.shuffle(infos)
    found = pages(infos, order, reverse=reverse, most=7)
    folders, rows = found[:23], found[23:]
    names = [f"{n:02}/" for n in range(23)]
    assert [each.name for each in folders] == (names[::-1] if reverse and order == "name" else names)
    assert sum(each.objects for each in folders if isinstance(each, Folder)) == 200
    values = {"name": lambda row: row.name, "size": lambda row: (row.size, row.name)}
    key = values.get(order, lambda row: (row.modified, row.name))
    expected = sorted((info for info in infos if "/" not in info.name), key=key, reverse=reverse)
    assert [row.name for row in rows] == [info.name for info in expected]


def test_what_others_write_is_cut() -> None:
    """Long names, long targets of links and many broken records are told without being kept."""
    window = Window("", "name", reverse=False, after=None, most=5)
    for number in range(1000):
        window.add(thing(f"{number}" + "n" * 9_000))
        window.add(InvalidMetadata("b", f"broken-{number}", "it is no JSON"))
    window.add(ObjectInfo("b", "link", 0, 0, BEGIN, 1, link=Link("other", "t" * 9_000)))
    (row,), more = window.entries()
    assert isinstance(row, Row)
    assert row.link is not None
    assert len(row.link) < 3_000
    assert more is None
    assert window.unreadables == 2000
    assert len("".join(window.unreadable)) < 5_000
