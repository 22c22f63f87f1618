"""One level of a bucket, as people see folders: what follows the next slash is counted, not listed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from natsobj.models import Folder, ObjectInfo

__all__ = ["one_level"]

MOST_HELD = 20_000
"""Objects of the level itself that are held until all folders are known; for more the list is read again."""


Entry = Folder | ObjectInfo


async def one_level(
    read: Callable[[bool], AsyncGenerator[ObjectInfo, None]],
    prefix: str,
    order: Callable[[Entry], Any] | None = None,
    *,
    reverse: bool = False,
    most: int = MOST_HELD,
) -> AsyncGenerator[Entry, None]:
    """Yield each folder once, then the objects outside of folders; memory grows with the folders only.

    Args:
        read: lists what begins with the prefix; its argument is False if that was done before.
        order: sorts the folders, by name without it, and the objects, which come as they are without it.
    """
    folders: dict[str, Folder] = {}
    held: list[ObjectInfo] | None = []
    async with aclosing(read(True)) as infos:
        async for info in infos:
            head, slash, _ = info.name[len(prefix) :].partition("/")
            if slash:
                _count(folders, f"{prefix}{head}/", info)
            elif held is not None:
                held.append(info)
                if len(held) > most and order is None and not reverse:
                    held = None
    for folder in sorted(folders.values(), key=order or (lambda each: each.name), reverse=reverse):
        yield folder
    if held is not None:
        if order is not None:
            held.sort(key=order)
        for info in reversed(held) if reverse else held:
            yield info
        return
    async with aclosing(read(False)) as infos:
        async for info in infos:
            if "/" not in info.name[len(prefix) :]:
                yield info


def _count(folders: dict[str, Folder], name: str, info: ObjectInfo) -> None:
    """Count an object in its folder; what was deleted makes none."""
    if info.deleted:
        return
    folder = folders.get(name)
    if folder is None:
        folders[name] = Folder(name, 1, info.size, info.modified)
    else:
        folder.objects += 1
        folder.size += info.size
        folder.modified = max(folder.modified, info.modified)
