"""Keys as a tree: the parts before a slash are directories, which exist as long as something is below them.

A name is `bucket/key`. Slashes at the beginning of a part belong to that part, so every key has a place. A
key that ends in a slash is an empty directory.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from natsobj.models import ObjectInfo

__all__ = ["Entry", "Tree", "directory", "file", "split"]

Entry = dict[str, Any]
"""What fsspec calls an info: `name`, `size`, `type` and further details."""


def split(path: str) -> tuple[str, str]:
    """Return the bucket and the key of a path without its protocol."""
    bucket, _, key = path.partition("/")
    return bucket, key


def directory(name: str) -> Entry:
    """Describe a directory."""
    return {"name": name, "size": 0, "type": "directory"}


def file(info: ObjectInfo, name: str | None = None) -> Entry:
    """Describe an object, under its own name or that of a link to it."""
    return {
        "name": name or f"{info.bucket}/{info.name}",
        "size": info.size,
        "type": "file",
        "created": info.modified,
        "modified": info.modified,
        "mtime": info.modified.timestamp(),
        "sha256": info.sha256,
        "chunks": info.chunks,
        "revision": info.revision,
        "nuid": info.nuid,
        "description": info.description,
        "headers": {key: list(values) for key, values in info.headers.items()},
        "metadata": dict(info.metadata),
    }


class Tree:
    """What is below a path, down to a depth."""

    def __init__(self, base: str, depth: int | None = None) -> None:
        self.base = base
        self.found = False
        """Whether there is anything below the path, at any depth."""
        self.files: dict[str, Entry] = {}
        self.directories: dict[str, Entry] = {}
        self.parents: dict[str, str] = {}
        """The directory in which each file and directory is listed."""
        self._depth = depth
        self._start = len(base) + 1 if base else 0

    def add(self, info: ObjectInfo) -> None:
        """Add an object and the directories that it is in."""
        name = f"{info.bucket}/{info.name}"
        parts = self._parts(name)
        if not name.endswith("/"):
            *parts, last = parts
            if self._depth is None or len(parts) < self._depth:
                self.files[last] = file(info)
                self.parents[last] = parts[-1] if parts else self.base
        self._enter(parts)

    def add_bucket(self, bucket: str) -> None:
        """Add a bucket, which may be empty."""
        self._enter([bucket])

    def _parts(self, name: str) -> list[str]:
        """Return the directories that a name is in, and the name itself as the last one."""
        ends = [part.end() for part in re.compile("/*[^/]+").finditer(name, self._start)]
        return [name[:end] for end in ends]

    def _enter(self, parts: list[str]) -> None:
        self.found = True
        above = self.base
        for part in parts[: self._depth]:
            self.directories.setdefault(part, directory(part))
            self.parents.setdefault(part, above)
            above = part

    def walk(self, top: str, *, detail: bool, topdown: bool) -> Iterator[tuple[str, Any, Any]]:
        """Iterate over the directories, each with its entries by their last part.

        A caller that removes names from the list of directories before going on skips those directories.
        """
        below: dict[str, tuple[dict[str, Entry], dict[str, Entry]]] = defaultdict(lambda: ({}, {}))
        for place, entries in enumerate((self.directories, self.files)):
            for name, entry in entries.items():
                last = name[len(self.parents[name]) :].removeprefix("/") if self.parents[name] else name
                below[self.parents[name]][place][last] = entry
        return _walk(below, top, self._depth, detail, topdown)


def _walk(
    below: Any, path: str, depth: int | None, detail: bool, topdown: bool
) -> Iterator[tuple[str, Any, Any]]:
    inside, files = below[path]
    paths = {last: entry["name"] for last, entry in inside.items()}
    directories = dict(sorted(inside.items())) if detail else sorted(inside)
    files = dict(sorted(files.items())) if detail else sorted(files)
    if topdown:
        yield path, directories, files
    if depth is None or depth > 1:
        for each in list(directories):
            yield from _walk(below, paths[each], depth and depth - 1, detail, topdown)
    if not topdown:
        yield path, directories, files
