"""Models as text: JSON and rows for programs, one-line reports, tables and details for people.

Pure: nothing is printed here, and no string that is returned ends in a newline. What is drawn for a terminal
comes from `tables` and `details`, which import Rich only then: a pipe does not pay for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from natsobj.cli.output.detail import account_detail, bucket_detail, object_detail, server_detail
from natsobj.cli.output.formats import (
    UNPRINTABLE,
    count,
    escape_tsv,
    format_duration,
    format_size,
    format_time,
    printable,
    rfc3339,
)
from natsobj.cli.output.table import Table, bucket_table, object_table
from natsobj.models import AccountInfo, BucketInfo, Cluster, Link, ObjectInfo, Placement

__all__ = [
    "ACCOUNT_FIELDS",
    "BUCKET_FIELDS",
    "OBJECT_FIELDS",
    "SERVER_FIELDS",
    "Table",
    "account_detail",
    "account_json",
    "bucket_detail",
    "bucket_json",
    "bucket_row",
    "bucket_table",
    "changed_bucket_json",
    "changed_bucket_line",
    "changed_line",
    "checksum_line",
    "created_bucket_line",
    "deleted_bucket_line",
    "deleted_line",
    "edited_line",
    "escape_tsv",
    "fetched_line",
    "fetched_part_line",
    "field_lines",
    "format_duration",
    "format_size",
    "format_time",
    "json_line",
    "left_out_line",
    "linked_line",
    "moved_line",
    "object_detail",
    "object_json",
    "object_row",
    "object_table",
    "printable",
    "server_detail",
    "server_json",
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
BUCKET_FIELDS = (
    "bucket",
    "description",
    "created",
    "last_update",
    "size",
    "objects",
    "chunks",
    "storage",
    "replicas",
    "ttl",
    "max_bytes",
    "sealed",
    "compressed",
    "metadata",
    "placement",
    "stream",
    "cluster",
)
ACCOUNT_FIELDS = ("buckets", "size", "storage", "limits", "server", "cluster", "domain")
SERVER_FIELDS = ("running", "pid", "url", "data")


# For programs: JSON


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
        "headers": {name: list(values) for name, values in info.headers.items()} or None,
        "metadata": dict(info.metadata) or None,
        "link": _link_json(info.link),
        "deleted": info.deleted,
    }


def bucket_json(info: BucketInfo) -> dict[str, object]:
    """Give a bucket's JSON fields; absent is None, metadata without entries as well."""
    return {
        "bucket": info.bucket,
        "description": info.description,
        "created": rfc3339(info.created),
        "last_update": None if info.last_update is None else rfc3339(info.last_update),
        "size": info.size,
        "objects": info.objects,
        "chunks": info.chunks,
        "storage": info.storage,
        "replicas": info.replicas,
        "ttl": None if info.ttl is None else _seconds(info.ttl),
        "max_bytes": info.max_bytes,
        "sealed": info.sealed,
        "compressed": info.compressed,
        "metadata": dict(info.metadata) or None,
        "placement": _placement_json(info.placement),
        "stream": info.stream,
        "cluster": _cluster_json(info.cluster),
    }


def changed_bucket_json(info: BucketInfo | None, bucket: str) -> dict[str, object]:
    """Give the same of a bucket that was made or deleted; the name alone where nobody may look."""
    if info is None:
        return {**dict.fromkeys(BUCKET_FIELDS), "bucket": bucket}
    return {**bucket_json(info), "cluster": None}


def account_json(info: AccountInfo) -> dict[str, object]:
    """Give the account's JSON fields; a limit that is not set is None."""
    return {
        "buckets": info.buckets,
        "size": info.size,
        "storage": dict(info.storage),
        "limits": dict(info.limits),
        "server": info.server,
        "cluster": info.cluster,
        "domain": info.domain,
    }


def server_json(*, pid: int | None, url: str | None, data: Path | None) -> dict[str, object]:
    """Give the local server's JSON fields; one without a `pid` does not run."""
    return {
        "running": pid is not None,
        "pid": pid,
        "url": url,
        "data": None if data is None else str(data),
    }


def _link_json(link: Link | None) -> dict[str, object] | None:
    return None if link is None else {"bucket": link.bucket, "name": link.name}


def _placement_json(placement: Placement | None) -> dict[str, object] | None:
    return None if placement is None else {"cluster": placement.cluster, "tags": list(placement.tags)}


def _cluster_json(cluster: Cluster | None) -> dict[str, object] | None:
    if cluster is None:
        return None
    replicas = [{"name": each.name, "current": each.current, "lag": each.lag} for each in cluster.replicas]
    return {"name": cluster.name, "leader": cluster.leader, "replicas": replicas}


def _seconds(duration: timedelta) -> int | float:
    seconds = duration.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def json_line(fields: Mapping[str, object]) -> str:
    """Write one compact line of JSON, UTF-8 as it is.

    Only what would harm a terminal or cannot be UTF-8 (`UNPRINTABLE`) is written as `\\uXXXX`: the value is
    the same to every parser.
    """
    return UNPRINTABLE.sub(_json_escape, _compact(fields))


def _json_escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# For programs: tab-separated


def object_row(info: ObjectInfo) -> str:
    """Write `size chunks sha256 modified name` between tabs; a tombstone has no size and no digest."""
    size, chunks, sha256 = (0, 0, "") if info.deleted else (info.size, info.chunks, info.sha256 or "")
    return f"{size}\t{chunks}\t{sha256}\t{rfc3339(info.modified)}\t{escape_tsv(info.name)}"


def bucket_row(info: BucketInfo) -> str:
    """Write `size created last_update description name` between tabs; absent is empty."""
    last_update = "" if info.last_update is None else rfc3339(info.last_update)
    description = escape_tsv(info.description or "")
    return f"{info.size}\t{rfc3339(info.created)}\t{last_update}\t{description}\t{escape_tsv(info.bucket)}"


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


def field_lines(fields: Mapping[str, object]) -> str:
    """Write a `field<TAB>value` line for each JSON field.

    Text is escaped as in rows, null is empty, and nested values are compact JSON as it is (which has no
    tab or newline of its own).
    """
    return "\n".join(f"{name}\t{_field_value(value)}" for name, value in fields.items())


def _field_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return escape_tsv(value)
    return UNPRINTABLE.sub(_json_escape, _compact(value))


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


def created_bucket_line(bucket: str) -> str:
    """Report an add: `created bucket photos`."""
    return f"created bucket {printable(bucket)}"


def changed_bucket_line(change: str, info: BucketInfo) -> str:
    """Report an edit or a seal: `edited bucket photos`."""
    return f"{change} bucket {printable(info.bucket)}"


def deleted_bucket_line(bucket: str) -> str:
    """Report an rm --bucket: `deleted bucket photos`."""
    return f"deleted bucket {printable(bucket)}"


def _report(verb: str, info: ObjectInfo, *facts: str) -> str:
    return "  ".join((f"{verb} {printable(info.bucket)}/{printable(info.name)}", *facts))


def _digest(info: ObjectInfo) -> tuple[str, ...]:
    return () if info.sha256 is None else (f"sha256:{info.sha256[:12]}",)
