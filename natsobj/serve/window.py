"""One page of a folder's list, of any number of entries and in any order, in little memory.

The bucket is read once. Of what is behind the last entry of the page before, only as much is kept as stands
on this page: first folders, by name, then objects.
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
    """The entries of one page, and what is in the folder altogether.

    Args:
        prefix: what all names in the folder begin with.
        after: the last entry of the page before.
        most: entries on the page.
    """

    def __init__(self, prefix: str, order: Order, *, reverse: bool, after: Mark | None, most: int) -> None:
        self.prefix = prefix
        self.order: Order = order
        self.reverse = reverse
        self.objects = 0
        """All that begin with the prefix."""
        self.bytes = 0
        self.unreadable: list[str] = []
        """The first of them, in words."""
        self.unreadables = 0
        self._after = after
        self._most = most
        self._folders: dict[str, Folder] = {}
        self._last_folder: str | None = None
        """Folders behind it do not stand on the page, or None so far."""
        self._rows: list[Row] = []
        self._last_row: tuple[int, str] | None = None

    def add(self, entry: ObjectInfo | InvalidMetadata) -> None:
        """Take what the bucket's list has next."""
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
        """Return what stands on the page, and the mark of its last entry where more follow."""
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
        """Say whether one entry comes behind another of its kind; folders are always by name."""
        turned = self.reverse and (isinstance(one, tuple) or self.order == "name")
        return one < other if turned else one > other  # type: ignore[operator]


async def read_window(entries: AsyncGenerator[ObjectInfo | InvalidMetadata, None], window: Window) -> Window:
    """Let a window see all of a bucket's list."""
    async with aclosing(entries) as each:
        async for entry in each:
            window.add(entry)
    return window
