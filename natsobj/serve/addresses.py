"""Keys and folders as addresses, and back: each has one that browsers and proxies leave unchanged.

A key is the path, percent-encoded. A key that a path cannot carry is in the query: one with `.` or `..`
between slashes, which browsers remove, or with a slash at the end, which stands for a folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import parse_qs, quote, unquote, unquote_to_bytes

__all__ = [
    "Asked",
    "Mark",
    "NoAddress",
    "Order",
    "folder_address",
    "folder_address_of",
    "key_address",
    "page_address",
    "read",
]

Order = Literal["name", "size", "time"]

_MOST_FIELDS = 20
_MARK = re.compile(r"([fo]),(\d{1,24}),(.+)", re.DOTALL)
_BYTES = "surrogatepass"
"""Names in records of other clients may have lone surrogates: these survive the round trip."""


class NoAddress(ValueError):
    """An address that stands for nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The last entry of a page; the next page begins after it."""

    folder: bool
    value: int
    """Its sort key, besides its name."""
    name: str

    def __str__(self) -> str:
        return f"{'f' if self.folder else 'o'},{self.value},{self.name}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for."""

    name: str
    """A key, or the prefix of a folder."""
    folder: bool
    json: bool = False
    listed: bool = False
    """Whether the list is wanted even if the folder has an `index.html`."""
    order: Order = "name"
    reverse: bool = False
    after: Mark | None = None


def key_address(key: str) -> str:
    """Return the address of an object; whatever its key is, it never leads to another site."""
    return f"/?key={_quoted(key)}" if key.endswith("/") or _dotted(key) else f"/{_path(key)}"


def folder_address(prefix: str) -> str:
    """Return the address of a folder, given its prefix: empty, or with a slash at the end."""
    return f"/?folder={_quoted(prefix)}" if _dotted(prefix) else f"/{_path(prefix)}"


def folder_address_of(key: str, query: bytes) -> str:
    """Return the address of the folder that was asked for as if it were a key, with the rest of the query."""
    address = folder_address(f"{key}/")
    fields = [
        field
        for field in query.decode("ascii").split("&")
        if field and unquote(field.partition("=")[0]) not in {"key", "folder"}
    ]
    return f"{address}{'&' if '?' in address else '?'}{'&'.join(fields)}" if fields else address


def page_address(prefix: str, order: Order, *, reverse: bool, after: Mark | None = None) -> str:
    """Return the address of a page of a folder's list."""
    address = folder_address(prefix)
    address += f"{'&' if '?' in address else '?'}sort={order}{'&reverse' if reverse else ''}"
    return address if after is None else f"{address}&after={_quoted(str(after))}"


def read(path: bytes, query: bytes) -> Asked:
    """Read the raw path and query of a request.

    Raises:
        NoAddress: they stand for nothing on this site.
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
    """Write a key as a path without consecutive slashes: two at the beginning would name a host."""
    return re.sub(r"^/|(?<=/)/", "%2F", _quoted(key, "/"))
