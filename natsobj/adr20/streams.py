"""Buckets as their streams (ADR-20, stream configuration)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from natsobj.adr20.names import (
    bucket_of_stream,
    check_bucket_name,
    chunks_filter,
    metadata_filter,
    stream_name,
)
from natsobj.models import BucketConfig, BucketInfo, Cluster, Placement, Replica, Storage

_SERVER_METADATA = "_nats."


def stream_config(config: BucketConfig) -> dict[str, object]:
    """Return the stream configuration of a new bucket (ADR-20, stream configuration)."""
    name = check_bucket_name(config.name)
    stream: dict[str, object] = {
        "name": stream_name(name),
        "subjects": [chunks_filter(name), metadata_filter(name)],
        "max_age": config.ttl // timedelta(microseconds=1) * 1000 if config.ttl else 0,
        "max_bytes": config.max_bytes if config.max_bytes is not None else -1,
        "storage": config.storage,
        "num_replicas": config.replicas,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "compression": "s2" if config.compressed else "none",
    }
    if config.description:
        stream["description"] = config.description
    if config.metadata:
        stream["metadata"] = dict(config.metadata)
    if config.placement is not None:
        stream["placement"] = {"cluster": config.placement.cluster or "", "tags": list(config.placement.tags)}
    return stream


def decode_bucket(stream: Mapping[str, Any]) -> BucketInfo:
    """Read a bucket from the server's stream info; what it does not count (objects, chunks) is None."""
    config, state = stream["config"], stream.get("state") or {}
    placement = config.get("placement") or {}
    max_bytes = config.get("max_bytes", -1)
    storage: Storage = "memory" if config.get("storage") == "memory" else "file"
    return BucketInfo(
        bucket=bucket_of_stream(config["name"]) or config["name"],
        stream=config["name"],
        created=parse_time(stream["created"]) or datetime.fromtimestamp(0, UTC),
        size=state.get("bytes", 0),
        description=config.get("description") or None,
        last_update=parse_time(state["last_ts"]) if state.get("last_ts") else None,
        storage=storage,
        replicas=config.get("num_replicas", 1),
        ttl=timedelta(microseconds=config.get("max_age", 0) // 1000) or None,
        max_bytes=max_bytes if max_bytes > 0 else None,
        sealed=bool(config.get("sealed")),
        mirror=bool(config.get("mirror")),
        compressed=config.get("compression", "none") != "none",
        metadata={
            key: value
            for key, value in (config.get("metadata") or {}).items()
            if not key.startswith(_SERVER_METADATA)
        },
        placement=Placement(placement.get("cluster") or None, tuple(placement.get("tags") or ()))
        if placement
        else None,
        cluster=_cluster(stream.get("cluster") or {}),
    )


def _cluster(cluster: Mapping[str, Any]) -> Cluster | None:
    if not cluster:
        return None
    return Cluster(
        name=cluster.get("name") or None,
        leader=cluster.get("leader") or None,
        replicas=tuple(
            Replica(peer["name"], bool(peer.get("current")), peer.get("lag", 0))
            for peer in cluster.get("replicas") or ()
        ),
    )


def parse_time(text: str) -> datetime | None:
    """Read a server's RFC 3339 time; year 1, which stands for never, is None."""
    time = datetime.fromisoformat(text)
    return None if time.year == 1 else time.astimezone(UTC)
