"""What is shown of an object: JSON and rows for programs, lines, details and tables for people.

Pure: nothing is printed here, and no string that is returned ends in a newline. Rich is imported only where
something is drawn: a pipe does not pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from natsobj.cli.output.detail import detail, pairs
from natsobj.cli.output.formats import (
    count,
    escape_tsv,
    format_duration,
    format_exact_size,
    format_size,
    format_time,
    harmless,
    json_encoder,
    printable,
    rfc3339,
)
from natsobj.cli.output.rendering import ListRendering, Rendering
from natsobj.cli.output.sorting import MOST_SORTED
from natsobj.cli.output.table import DAYS, MINUTES, SIZE, Column, Layout, Table, Total
from natsobj.models import Link, ObjectInfo

if TYPE_CHECKING:
    from rich.text import Text

__all__ = [
    "OBJECT",
    "OBJECTS",
    "OBJECT_FIELDS",
    "changed_line",
    "checksum_line",
    "deleted_line",
    "edited_line",
    "fetched_line",
    "fetched_part_line",
    "left_out_line",
    "linked_line",
    "moved_line",
    "object_detail",
    "object_json",
    "object_json_line",
    "object_row",
    "object_table",
    "stored_line",
]

OBJECT_FIELDS = (
    "bucket",
    "name",
    "size",
    "chunks",
    "chunk_size",
    "digest",
    "sha256",
    "modified",
    "nuid",
    "revision",
    "description",
    "headers",
    "metadata",
    "link",
    "deleted",
)


# For programs


def object_json(info: ObjectInfo) -> dict[str, object]:
    """Give an object's JSON fields; absent is None, headers and metadata without entries as well."""
    return {
        "bucket": info.bucket,
        "name": info.name,
        "size": info.size,
        "chunks": info.chunks,
        "chunk_size": info.chunk_size,
        "digest": info.digest,
        "sha256": info.sha256,
        "modified": rfc3339(info.modified),
        "nuid": info.nuid,
        "revision": info.revision,
        "description": info.description,
        "headers": {name: list(values) for name, values in info.headers.items()} if info.headers else None,
        "metadata": dict(info.metadata) if info.metadata else None,
        "link": None if info.link is None else _link_json(info.link),
        "deleted": info.deleted,
    }


def _link_json(link: Link) -> dict[str, object]:
    return {"bucket": link.bucket, "name": link.name}


def object_json_line(info: ObjectInfo) -> str:
    """Write the line of JSON that these fields make, in half the time: a list has many."""
    text = json_encoder().encode
    fields = (
        text(info.bucket),
        text(info.name),
        info.size,
        info.chunks,
        _NULL if info.chunk_size is None else info.chunk_size,
        _NULL if info.digest is None else text(info.digest),
        _NULL if info.sha256 is None else text(info.sha256),
        f'"{rfc3339(info.modified)}"',
        _NULL if info.nuid is None else text(info.nuid),
        info.revision,
        _NULL if info.description is None else text(info.description),
        text(dict(info.headers)) if info.headers else _NULL,
        text(dict(info.metadata)) if info.metadata else _NULL,
        _NULL if info.link is None else text(_link_json(info.link)),
        "true" if info.deleted else "false",
    )
    return harmless(_JSON_LINE % fields)


_NULL = "null"
_JSON_LINE = "{" + ",".join(f'"{name}":%s' for name in OBJECT_FIELDS) + "}"


def object_row(info: ObjectInfo) -> str:
    """Write `size chunks sha256 modified name` between tabs; a tombstone has no size and no digest."""
    size, chunks, sha256 = (0, 0, "") if info.deleted else (info.size, info.chunks, info.sha256 or "")
    return f"{size}\t{chunks}\t{sha256}\t{rfc3339(info.modified)}\t{escape_tsv(info.name)}"


_NOT_CHECKSUM = re.compile(r"[\\\n\r]")
_CHECKSUM_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}


def checksum_line(info: ObjectInfo, folder: str = "") -> str | None:
    """Write `HEX  name` as sha256sum does, to be checked by it; None for what it cannot check.

    A name with a backslash, a newline or a carriage return is escaped, and a backslash before the digest says
    so. `-` alone would be standard input.

    Args:
        folder: what is left out at the beginning of the name.
    """
    if info.link is not None or info.sha256 is None or "\0" in info.name:
        return None
    below = info.name.removeprefix(folder)
    name = _NOT_CHECKSUM.sub(lambda match: _CHECKSUM_ESCAPES[match[0]], below)
    mark = "" if name == below else "\\"
    return f"{mark}{info.sha256}  {'./-' if name == '-' else name}"


# For people: one-line reports


def stored_line(info: ObjectInfo, seconds: float) -> str:
    """Report a put: `stored photos/cat.jpg  10 MiB  80 chunks  sha256:d34334673e4e  0.4 s`."""
    facts = (format_size(info.size), count(info.chunks, "chunk"), *_digest(info), format_duration(seconds))
    return _report("stored", info, *facts)


def fetched_line(info: ObjectInfo, seconds: float) -> str:
    """Report a get: `fetched photos/cat.jpg  10 MiB  sha256:d34334673e4e  0.4 s`."""
    return _report("fetched", info, format_size(info.size), *_digest(info), format_duration(seconds))


def fetched_part_line(info: ObjectInfo, offset: int, size: int, seconds: float) -> str:
    """Report a get of a part: `fetched photos/cat.jpg  1 KiB of 10 MiB from 4,096  not verified  0.1 s`."""
    part = f"{format_size(size)} of {format_size(info.size)} from {offset:,}"
    return _report("fetched", info, part, "not verified", format_duration(seconds))


def changed_line(change: str, info: ObjectInfo) -> str:
    """Report what was done to one of many: `stored photos/cat.jpg  10 MiB  sha256:d34334673e4e`."""
    return _report(change, info, format_size(info.size), *_digest(info))


def deleted_line(info: ObjectInfo) -> str:
    """Report an rm, given the object as it was: `deleted photos/cat.jpg  10 MiB  sha256:d34334673e4e`."""
    if info.link is not None:
        return _report("deleted", info, f"-> {printable(str(info.link))}")
    return _report("deleted", info, format_size(info.size), *_digest(info))


def linked_line(info: ObjectInfo) -> str:
    """Report an ln: `linked photos/latest.jpg -> photos/2026/cat.jpg`."""
    return f"{_report('linked', info)} -> {printable(str(info.link))}"


def moved_line(change: str, old: str, info: ObjectInfo, seconds: float) -> str:
    """Report a mv or cp: `moved photos/a.jpg -> photos/b.jpg  10 MiB  sha256:d34334673e4e  0.1 s`."""
    new = f"{printable(info.bucket)}/{printable(info.name)}"
    what = (f"-> {printable(str(info.link))}",) if info.link else (format_size(info.size), *_digest(info))
    return "  ".join((f"{change} {printable(old)} -> {new}", *what, format_duration(seconds)))


def edited_line(info: ObjectInfo) -> str:
    """Report an edit of an object: `edited photos/cat.jpg`."""
    return _report("edited", info)


def left_out_line(number: int) -> str:
    """Report what a list of checksums does not have: `left out 2 objects: links, ...`."""
    return f"left out {count(number, 'object')}: links, without a SHA-256, or with a NUL in the name"


def _report(verb: str, info: ObjectInfo, *facts: str) -> str:
    return "  ".join((f"{verb} {printable(info.bucket)}/{printable(info.name)}", *facts))


def _digest(info: ObjectInfo) -> tuple[str, ...]:
    return () if info.sha256 is None else (f"sha256:{info.sha256[:12]}",)


# For people: one object, or a table


def object_detail(info: ObjectInfo) -> Text:
    """Draw one object."""
    chunks = f"{info.chunks:,}"
    if info.chunk_size is not None:
        chunks += f" of {_chunk_size(info.chunk_size)}"
    digest = info.digest or "none"
    return detail(
        f"{info.bucket} > {info.name}",
        ("Size", format_exact_size(info.size)),
        ("Modified", format_time(info.modified, offset=True)),
        ("Chunks", chunks),
        ("Digest", digest if info.sha256 is None else None),
        ("SHA-256", info.sha256),
        ("Description", info.description),
        ("Headers", [f"{name}: {value}" for name, values in info.headers.items() for value in values]),
        ("Metadata", pairs(info.metadata)),
        ("Link", _link(info.link)),
    )


def _chunk_size(size: int) -> str:
    """Write a chunk size, with its bytes where the short form is not exact."""
    exact = size < 1024 or (size % 1024 == 0 and size < 1024 * 1024) or size % (1024 * 1024) == 0
    return format_size(size) if exact else format_exact_size(size)


def _link(link: Link | None) -> str | None:
    if link is None:
        return None
    return f"bucket {link.bucket}" if link.name is None else str(link)


_COLUMNS = Layout(
    (
        Column("Name", least=16, wide="own line"),
        SIZE,
        Column("Chunks", right=True, least=len("819,200")),
        Column("Digest", least=12),
        Column("Modified"),
    ),
    ((3, 8), (4, MINUTES), (4, DAYS), (3, 0), (2, 0), (4, 0), (1, 0)),
)
_WHOLE_DIGESTS = replace(_COLUMNS, steps=tuple(step for step in _COLUMNS.steps if step[0] != 3))


def object_table(
    infos: Iterable[ObjectInfo], *, long: bool = False, more_follow: bool = False
) -> Table[ObjectInfo]:
    """Draw objects; `long` shows whole digests, `more_follow` leaves room for rows that come later.

    Deleted ones, which say so, step back.
    """
    layout, digits = (_WHOLE_DIGESTS, None) if long else (_COLUMNS, 12)
    return Table(
        layout,
        lambda info: _cells(info, digits),
        infos,
        more_follow=more_follow,
        style=lambda info: "dim" if info.deleted else "",
    )


def _cells(info: ObjectInfo, digits: int | None) -> Sequence[str]:
    name, modified = printable(info.name), format_time(info.modified)
    if info.deleted:
        return f"{name} (deleted)", format_size(0), "0", "", modified
    if info.link is not None:
        name = f"{name} -> {printable(str(info.link))}"
    return name, format_size(info.size), f"{info.chunks:,}", (info.sha256 or "")[:digits], modified


OBJECT = Rendering(object_json, object_detail)
OBJECTS = ListRendering(
    "objects",
    object_json,
    object_row,
    object_table,
    lambda info: str(info.name),
    json_line=object_json_line,
    total=lambda: Total("object", lambda info: info.size, lambda info: info.deleted),
    lean=lambda info: replace(info, description=None, headers={}, metadata={}, digest=None, nuid=None),
    first=MOST_SORTED,
)
