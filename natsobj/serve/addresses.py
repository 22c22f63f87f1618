"""Keys and folders as addresses, and back: each has one that no browser or proxy changes on the way.

A key is the path, percent-encoded. What a path cannot carry stands in the query: `.` and `..` between
slashes, which browsers take out, and a slash at the end, which is a folder's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import parse_qs, quote, unquote_to_bytes

__all__ = ["Asked", "Mark", "NoAddress", "Order", "folder_address", "key_address", "page_address", "read"]

Order = Literal["name", "size", "time"]

_MOST_FIELDS = 20
_MARK = re.compile(r"([fo]),(\d{1,24}),(.+)", re.DOTALL)
_BYTES = "surrogatepass"
"""Records of others may have names with lone surrogates: they come back as they went."""


class NoAddress(ValueError):
    """An address that stands for nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The last entry of a page, behind which the next one begins."""

    folder: bool
    value: int
    """What it is sorted by, besides its name."""
    name: str

    def __str__(self) -> str:
        return f"{'f' if self.folder else 'o'},{self.value},{self.name}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for."""

    name: str
    """A key, or the beginning of those in a folder."""
    folder: bool
    json: bool = False
    listed: bool = False
    """The list is wanted even where the folder has a page of its own."""
    order: Order = "name"
    reverse: bool = False
    after: Mark | None = None


def key_address(key: str) -> str:
    """Return the address of an object, on this site and on no other, whatever its key is."""
    return f"/?key={_quoted(key)}" if key.endswith("/") or _dotted(key) else f"/{_path(key)}"


def folder_address(prefix: str) -> str:
    """Return the address of a folder: a prefix that is empty or ends in a slash."""
    return f"/?folder={_quoted(prefix)}" if _dotted(prefix) else f"/{_path(prefix)}"


def page_address(prefix: str, order: Order, *, reverse: bool, after: Mark | None = None) -> str:
    """Return the address of a folder's list in some order."""
    address = folder_address(prefix)
    address += f"{'&' if '?' in address else '?'}sort={order}{'&reverse' if reverse else ''}"
    return address if after is None else f"{address}&after={_quoted(str(after))}"


def read(path: bytes, query: bytes) -> Asked:
    """Read the path and the query of a request, as they came.

    Raises:
        NoAddress: they are not ours.
    """
    try:
        fields = parse_qs(
            query.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors=_BYTES,
            max_num_fields=_MOST_FIELDS,
        )
        name = unquote_to_bytes(path[1:]).decode("utf-8", _BYTES)
    except ValueError:
        raise NoAddress("no such address") from None
    if not path.startswith(b"/"):
        raise NoAddress("no such address")
    if not name and "key" in fields:
        return Asked(fields["key"][-1], folder=False)
    if not name and "folder" in fields:
        name = fields["folder"][-1]
        if not name.endswith("/"):
            raise NoAddress("a folder ends in a slash")
    order = fields.get("sort", ["name"])[-1]
    if order not in get_args(Order):
        raise NoAddress("sort is name, size or time")
    return Asked(
        name,
        folder=not name or name.endswith("/"),
        json="json" in fields,
        listed=not fields.keys().isdisjoint(("list", "sort", "after")),
        order=cast("Order", order),
        reverse="reverse" in fields,
        after=_mark(fields["after"][-1]) if "after" in fields else None,
    )


def _mark(text: str) -> Mark:
    match = _MARK.fullmatch(text)
    if match is None:
        raise NoAddress("no such page")
    return Mark(match[1] == "f", int(match[2]), match[3])


def _dotted(key: str) -> bool:
    return any(part in {".", ".."} for part in key.split("/"))


def _quoted(text: str, safe: str = "") -> str:
    return quote(text.encode("utf-8", _BYTES), safe=safe)


def _path(key: str) -> str:
    """Write a key as a path in which no slash follows another: two at the beginning would name a host."""
    return re.sub(r"^/|(?<=/)/", "%2F", _quoted(key, "/"))
