"""Single things as people see them on a terminal: a title, then aligned field names and values.

Print them with `soft_wrap=True`, so that nothing is cut. What users named is escaped (`printable`) and never
read as markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from natsobj.cli.output.formats import format_exact_size, format_size, format_time, format_ttl, printable
from natsobj.models import AccountInfo, BucketInfo, Cluster, Link, ObjectInfo, Placement

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["account_detail", "bucket_detail", "object_detail", "server_detail"]


def object_detail(info: ObjectInfo) -> Text:
    """Draw one object."""
    chunks = f"{info.chunks:,}"
    if info.chunk_size is not None:
        chunks += f" of {_chunk_size(info.chunk_size)}"
    digest = info.digest or "none"
    return _detail(
        f"{info.bucket} > {info.name}",
        ("Size", format_exact_size(info.size)),
        ("Modified", format_time(info.modified, offset=True)),
        ("Chunks", chunks),
        ("Digest", digest if info.sha256 is None else None),
        ("SHA-256", info.sha256),
        ("Description", info.description),
        ("Headers", [f"{name}: {value}" for name, values in info.headers.items() for value in values]),
        ("Metadata", _pairs(info.metadata)),
        ("Link", _link(info.link)),
    )


def bucket_detail(info: BucketInfo) -> Text:
    """Draw one bucket."""
    return _detail(
        info.bucket,
        ("Description", info.description),
        ("Objects", None if info.objects is None else f"{info.objects:,}"),
        ("Chunks", None if info.chunks is None else f"{info.chunks:,}"),
        ("Size", format_exact_size(info.size)),
        ("Created", format_time(info.created, offset=True)),
        ("Last Update", "never" if info.last_update is None else format_time(info.last_update, offset=True)),
        ("Storage", info.storage),
        ("Replicas", str(info.replicas)),
        ("TTL", "none" if info.ttl is None else format_ttl(info.ttl)),
        ("Size Limit", _limit(info.max_bytes) + _share(info.size, info.max_bytes)),
        ("Sealed", _yes(info.sealed)),
        ("Mirror", "yes" if info.mirror else None),
        ("Compressed", _yes(info.compressed)),
        ("Metadata", _pairs(info.metadata)),
        ("Placement", _placement(info.placement)),
        ("Stream", info.stream),
        *_cluster(info.cluster),
    )


def account_detail(info: AccountInfo) -> Text:
    """Draw the account's store; `Storage` counts the account's other streams, too."""
    used = {**info.storage, **info.used}
    limits = (
        f"{name} {_account_limit(name, limit)}{_share(used.get(name), limit)}"
        for name, limit in info.limits.items()
    )
    return _detail(
        "object store of the account",
        ("Buckets", f"{info.buckets:,}"),
        ("Size", format_exact_size(info.size)),
        ("Storage", [f"{name} {format_exact_size(size)}" for name, size in info.storage.items()]),
        ("Limits", list(limits)),
        ("Server", info.server),
        ("Cluster", info.cluster),
        ("Domain", info.domain),
    )


def server_detail(*, pid: int | None, url: str | None, data: Path | None) -> Text:
    """Draw the local server's state; one without a `pid` does not run."""
    return _detail(
        "local server",
        ("Running", _yes(pid is not None)),
        ("PID", None if pid is None else str(pid)),
        ("URL", url),
        ("Data", None if data is None else str(data)),
    )


def _detail(title: str, *fields: tuple[str, str | Sequence[str] | None]) -> Text:
    """Put field names, aligned, before their values: several lines for a list, no line for what is absent."""
    from rich.text import Text

    present = [(name, [value] if isinstance(value, str) else value) for name, value in fields if value]
    indent = max(len(name) for name, _ in present) + 2
    view = Text(no_wrap=True, overflow="ignore")
    view.append(printable(title) + "\n", style="bold")
    for name, values in present:
        for number, value in enumerate(values):
            label = name if number == 0 else ""
            view.append(f"\n{label:>{indent}}  {printable(value)}")
    return view


def _chunk_size(size: int) -> str:
    """Write a chunk size, with its bytes where the short form is not exact."""
    exact = size < 1024 or (size % 1024 == 0 and size < 1024 * 1024) or size % (1024 * 1024) == 0
    return format_size(size) if exact else format_exact_size(size)


def _link(link: Link | None) -> str | None:
    if link is None:
        return None
    return f"bucket {link.bucket}" if link.name is None else str(link)


def _pairs(metadata: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in metadata.items()]


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _limit(size: int | None) -> str:
    return "none" if size is None else format_exact_size(size)


def _share(used: int | None, limit: int | None) -> str:
    """Say how much of a limit is used; rounded down, for 100 % is full, and not at all without a limit."""
    if used is None or not limit:
        return ""
    percent = 100 * used // limit
    return f", {percent} % used" if percent or not used else ", less than 1 % used"


def _account_limit(name: str, limit: int | None) -> str:
    if limit is None:
        return "none"
    return format_exact_size(limit) if name in {"file", "memory"} else f"{limit:,}"


def _placement(placement: Placement | None) -> list[str]:
    if placement is None:
        return []
    cluster = [] if placement.cluster is None else [f"cluster {placement.cluster}"]
    return cluster + [f"tag {tag}" for tag in placement.tags]


def _cluster(cluster: Cluster | None) -> tuple[tuple[str, str | Sequence[str] | None], ...]:
    if cluster is None:
        return ()
    followers = [
        f"{each.name}, {'current' if each.current else 'not current'}, lag {each.lag:,}"
        for each in cluster.replicas
    ]
    return (("Cluster", cluster.name), ("Leader", cluster.leader or "none"), ("Followers", followers))
