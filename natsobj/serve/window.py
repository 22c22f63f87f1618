"""One page of a folder's list, however long the list and whatever its order, in little memory.

The bucket is read once. Of the entries after the previous page, only those that this page shows are kept:
first the folders, by name, then the objects.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from natsobj.adr20.names import MAX_KEY_SIZE
from natsobj.errors import InvalidMetadata
from natsobj.models import Folder, ObjectInfo
from natsobj.serve.addresses import Mark, Order

__all__ = ["Row", "Window", "read_window"]

_MOST_TOLD = 20
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


class Row(NamedTuple):
    """What is shown of an object."""

    name: str
    size: int
    chunks: int
    sha256: str | None
    modified: datetime
    link: str | None


class Window:
    """The entries of one page, and the totals of the folder.

    Args:
        prefix: what all names in the folder begin with.
        after: the last entry of the previous page.
        most: the number of entries on a page.
    """

    def __init__(self, prefix: str, order: Order, *, reverse: bool, after: Mark | None, most: int) -> None:
        self.prefix = prefix
        self.order: Order = order
        self.reverse = reverse
        self.objects = 0
        """The number of all objects below the prefix."""
        self.bytes = 0
        self.unreadable: list[str] = []
        """Messages about the first records that cannot be read."""
        self.unreadables = 0
        self._after = after
        self._most = most
        self._folders: dict[str, Folder] = {}
        self._last_folder: str | None = None
        """Folders after this one are not on the page; None until that is known."""
        self._rows: list[Row] = []
        self._last_row: tuple[int, str] | None = None

    def add(self, entry: ObjectInfo | InvalidMetadata) -> None:
        """Take the next entry of the bucket's list."""
        if isinstance(entry, InvalidMetadata):
            self._tell(str(entry))
        elif not entry.deleted:
            self.objects += 1
            self.bytes += entry.size
            head, slash, _ = entry.name[len(self.prefix) :].partition("/")
            if len(entry.name) > MAX_KEY_SIZE:
                self._tell(f"a name of {len(entry.name):,} characters: {entry.name[:80]}")
            elif slash:
                self._add_folder(f"{self.prefix}{head}/", entry)
            else:
                self._add_row(entry)

    def entries(self) -> tuple[list[Folder | Row], Mark | None]:
        """Return the entries of the page, and the mark of the last one if more follow."""
        self._cut_folders()
        self._cut_rows()
        found: list[Folder | Row] = [*self._folders.values(), *self._rows]
        shown = found[: self._most]
        if len(found) == len(shown):
            return shown, None
        last = shown[-1]
        folder = isinstance(last, Folder)
        return shown, Mark(folder, 0 if isinstance(last, Folder) else self._key(last)[0], last.name)

    def _tell(self, text: str) -> None:
        self.unreadables += 1
        if len(self.unreadable) < _MOST_TOLD:
            self.unreadable.append(text)

    def _add_folder(self, name: str, info: ObjectInfo) -> None:
        after = self._after
        if after is not None and (not after.folder or not self._behind(name, after.name)):
            return
        if self._last_folder is not None and self._behind(name, self._last_folder):
            return
        folder = self._folders.get(name)
        if folder is None:
            self._folders[name] = Folder(name, 1, info.size, info.modified)
            if len(self._folders) > 2 * self._most:
                self._cut_folders()
        else:
            folder.objects += 1
            folder.size += info.size
            folder.modified = max(folder.modified, info.modified)

    def _add_row(self, info: ObjectInfo) -> None:
        link = None if info.link is None else str(info.link)[:MAX_KEY_SIZE]
        row = Row(info.name, info.size, info.chunks, info.sha256, info.modified, link)
        key, after = self._key(row), self._after
        if after is not None and not after.folder and not self._behind(key, (after.value, after.name)):
            return
        if self._last_row is not None and self._behind(key, self._last_row):
            return
        self._rows.append(row)
        if len(self._rows) > 2 * self._most:
            self._cut_rows()

    def _cut_folders(self) -> None:
        names = sorted(self._folders, reverse=self.reverse and self.order == "name")[: self._most + 1]
        self._folders = {name: self._folders[name] for name in names}
        if len(names) > self._most:
            self._last_folder = names[-1]

    def _cut_rows(self) -> None:
        self._rows = sorted(self._rows, key=self._key, reverse=self.reverse)[: self._most + 1]
        if len(self._rows) > self._most:
            self._last_row = self._key(self._rows[-1])

    def _key(self, row: Row) -> tuple[int, str]:
        if self.order == "size":
            return row.size, row.name
        return (row.modified - _EPOCH) // _MICROSECOND if self.order == "time" else 0, row.name

    def _behind(self, one: str | tuple[int, str], other: str | tuple[int, str]) -> bool:
        """Return whether one entry comes after another of its kind; folders are always sorted by name."""
        turned = self.reverse and (isinstance(one, tuple) or self.order == "name")
        return one < other if turned else one > other  # type: ignore[operator]


async def read_window(entries: AsyncGenerator[ObjectInfo | InvalidMetadata, None], window: Window) -> Window:
    """Pass a bucket's whole list through a window."""
    async with aclosing(entries) as each:
        async for entry in each:
            window.add(entry)
    return window
