"""What is shown of a bucket: JSON and rows for programs, lines, details and tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from natsobj.cli.output.detail import Marked, Value, detail, limited, pairs, yes
from natsobj.cli.output.formats import (
    escape_tsv,
    format_exact_size,
    format_size,
    format_time,
    format_ttl,
    printable,
    rfc3339,
)
from natsobj.cli.output.rendering import ListRendering, Rendering
from natsobj.cli.output.sorting import MOST_SORTED
from natsobj.cli.output.table import DAYS, MINUTES, SIZE, Column, Layout, Table, Total
from natsobj.models import BucketConfig, BucketInfo, Cluster, Placement

if TYPE_CHECKING:
    from rich.text import Text

__all__ = [
    "BUCKET",
    "BUCKETS",
    "BUCKET_FIELDS",
    "bucket_detail",
    "bucket_json",
    "bucket_row",
    "bucket_table",
    "changed_bucket_json",
    "changed_bucket_line",
    "created_bucket_line",
    "deleted_bucket_line",
    "differences",
]

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


# For programs


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


def bucket_row(info: BucketInfo) -> str:
    """Write `size created last_update description name` between tabs; absent is empty."""
    last_update = "" if info.last_update is None else rfc3339(info.last_update)
    description = escape_tsv(info.description or "")
    return f"{info.size}\t{rfc3339(info.created)}\t{last_update}\t{description}\t{escape_tsv(info.bucket)}"


# For people: one-line reports


def created_bucket_line(bucket: str) -> str:
    """Report an add: `created bucket photos`."""
    return f"created bucket {printable(bucket)}"


def differences(config: BucketConfig, info: BucketInfo) -> list[str]:
    """Say how a bucket differs from what was asked for: `TTL none, not 3 d`; what is a default was not."""
    texts: list[tuple[str, object, object]] = [
        ("description", info.description or "none", config.description),
        ("TTL", _ttl(info.ttl), config.ttl and _ttl(config.ttl)),
        ("replicas", info.replicas, config.replicas if config.replicas > 1 else None),
        ("storage", info.storage, config.storage if config.storage == "memory" else None),
        ("size limit", _limit(info.max_bytes), config.max_bytes and _limit(config.max_bytes)),
        *(
            (f"metadata {name}", info.metadata.get(name, "none"), value)
            for name, value in config.metadata.items()
        ),
        (
            "placement",
            ", ".join(_placement(info.placement)) or "none",
            ", ".join(_placement(config.placement)),
        ),
    ]
    found = [f"{name} {there}, not {asked}" for name, there, asked in texts if asked and asked != there]
    found += ["no TTL of single objects"] if config.object_ttl and not info.object_ttl else []
    return found + (["not compressed"] if config.compressed and not info.compressed else [])


def changed_bucket_line(change: str, info: BucketInfo) -> str:
    """Report an edit or a seal: `edited bucket photos`."""
    return f"{change} bucket {printable(info.bucket)}"


def deleted_bucket_line(bucket: str) -> str:
    """Report an rm --bucket: `deleted bucket photos`."""
    return f"deleted bucket {printable(bucket)}"


# For people: one bucket, or a table


def bucket_detail(info: BucketInfo) -> Text:
    """Draw one bucket."""
    return detail(
        info.bucket,
        ("Description", info.description),
        ("Objects", None if info.objects is None else f"{info.objects:,}"),
        ("Chunks", None if info.chunks is None else f"{info.chunks:,}"),
        ("Size", format_exact_size(info.size)),
        ("Created", format_time(info.created, offset=True)),
        ("Last Update", "never" if info.last_update is None else format_time(info.last_update, offset=True)),
        ("Storage", info.storage),
        ("Replicas", str(info.replicas)),
        ("TTL", _ttl(info.ttl) + (", objects may have their own" if info.object_ttl else "")),
        ("Size Limit", limited(_limit(info.max_bytes), info.size, info.max_bytes)),
        ("Sealed", yes(info.sealed)),
        ("Mirror", "yes" if info.mirror else None),
        ("Compressed", yes(info.compressed)),
        ("Metadata", pairs(info.metadata)),
        ("Placement", _placement(info.placement)),
        ("Stream", info.stream),
        *_cluster(info.cluster),
    )


def _ttl(ttl: timedelta | None) -> str:
    return "none" if ttl is None else format_ttl(ttl)


def _limit(size: int | None) -> str:
    return "none" if size is None else format_exact_size(size)


def _placement(placement: Placement | None) -> list[str]:
    if placement is None:
        return []
    cluster = [] if placement.cluster is None else [f"cluster {placement.cluster}"]
    return cluster + [f"tag {tag}" for tag in placement.tags]


def _cluster(cluster: Cluster | None) -> tuple[tuple[str, Value | Sequence[Value] | None], ...]:
    if cluster is None:
        return ()
    followers = [
        Marked(
            f"{each.name}, {'current' if each.current else 'not current'}, lag {each.lag:,}",
            "" if each.current else "yellow",
        )
        for each in cluster.replicas
    ]
    leader = cluster.leader or Marked("none", "red")
    return (("Cluster", cluster.name), ("Leader", leader), ("Followers", followers))


_COLUMNS = Layout(
    (
        Column("Bucket", wide="own line"),
        Column("Description", wide="cut"),
        Column("Created"),
        SIZE,
        Column("Last Update", least=len("2026-11-20 14:54:02")),
    ),
    ((1, 16), (2, MINUTES), (4, MINUTES), (2, DAYS), (4, DAYS + 1), (1, 0), (2, 0), (4, 0), (3, 0)),
)


def bucket_table(infos: Iterable[BucketInfo], *, more_follow: bool = False) -> Table[BucketInfo]:
    """Draw buckets; `more_follow` leaves room for rows that come later."""
    return Table(_COLUMNS, _cells, infos, more_follow=more_follow)


def _cells(info: BucketInfo) -> Sequence[str]:
    return (
        printable(info.bucket),
        printable(info.description or ""),
        format_time(info.created),
        format_size(info.size),
        "never" if info.last_update is None else format_time(info.last_update),
    )


BUCKET = Rendering(bucket_json, bucket_detail)
BUCKETS = ListRendering(
    "buckets",
    bucket_json,
    bucket_row,
    bucket_table,
    lambda info: str(info.bucket),
    total=lambda: Total("bucket", lambda info: info.size),
    first=MOST_SORTED,
)
