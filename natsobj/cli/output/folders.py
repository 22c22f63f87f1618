"""What is shown of one level, by `ls --folders`: the folders, and the objects beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from natsobj.cli.output.formats import count, escape_tsv, format_size, format_time, printable, rfc3339
from natsobj.cli.output.objects import object_json
from natsobj.cli.output.rendering import ListRendering
from natsobj.cli.output.sorting import MOST_SORTED
from natsobj.cli.output.table import DAYS, MINUTES, SIZE, Column, Layout, Table, Total
from natsobj.models import Folder, ObjectInfo

__all__ = ["FOLDER_FIELDS", "LEVEL", "LevelTotal", "level_json", "level_row", "level_table"]

FOLDER_FIELDS = ("folder", "name", "objects", "size")

_COLUMNS = Layout(
    (
        Column("Name", least=16, wide="own line"),
        SIZE,
        Column("Objects", right=True, least=len("999,999")),
        Column("Modified"),
    ),
    ((3, MINUTES), (3, DAYS), (3, 0), (2, 0), (1, 0)),
)


def level_json(entry: Folder | ObjectInfo) -> dict[str, object]:
    """Give the JSON fields of a folder, or of an object."""
    if isinstance(entry, ObjectInfo):
        return object_json(entry)
    return {"folder": True, "name": entry.name, "objects": entry.objects, "size": entry.size}


def level_row(entry: Folder | ObjectInfo) -> str:
    """Write `size objects modified name` between tabs; the name of a folder ends in a slash."""
    facts = (str(entry.size), str(_objects(entry)), rfc3339(entry.modified))
    return "\t".join((*facts, escape_tsv(entry.name)))


def level_table(
    entries: Iterable[Folder | ObjectInfo], *, more_follow: bool = False
) -> Table[Folder | ObjectInfo]:
    """Draw folders and objects; folders stand out, and end in a slash."""
    return Table(_COLUMNS, _level_cells, entries, more_follow=more_follow, style=_style)


def _level_cells(entry: Folder | ObjectInfo) -> Sequence[str]:
    name, modified = printable(entry.name), format_time(entry.modified)
    if isinstance(entry, Folder):
        return name, format_size(entry.size), f"{entry.objects:,}", modified
    if entry.deleted:
        name = f"{name} (deleted)"
    elif entry.link is not None:
        name = f"{name} -> {printable(str(entry.link))}"
    return name, format_size(entry.size), "", modified


def _style(entry: Folder | ObjectInfo) -> str:
    if isinstance(entry, Folder):
        return "bold blue"
    return "dim" if entry.deleted else ""


def _objects(entry: Folder | ObjectInfo) -> int:
    return entry.objects if isinstance(entry, Folder) else int(not entry.deleted)


@dataclass(slots=True)
class LevelTotal(Total[Folder | ObjectInfo]):
    """Folders and all objects in them and beside them, counted."""

    folders: int = 0

    def add(self, item: Folder | ObjectInfo) -> None:
        """Count one folder or object."""
        self.folders += isinstance(item, Folder)
        self.number += _objects(item)
        self.bytes += item.size
        self.deleted += isinstance(item, ObjectInfo) and item.deleted

    def line(self) -> str:
        """Say it: `3 folders  40 objects  1.2 GiB`."""
        return "  ".join((count(self.folders, "folder"), Total.line(self)))


LEVEL = ListRendering(
    "objects",
    level_json,
    level_row,
    level_table,
    lambda entry: str(entry.name),
    total=lambda: LevelTotal("object", lambda entry: entry.size),
    first=MOST_SORTED,
)
