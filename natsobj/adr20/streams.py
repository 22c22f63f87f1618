"""Buckets as their streams (ADR-20, stream configuration)."""

from __future__ import annotations

import json
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

_MESSAGE_OVERHEAD = 128
"""Bytes that a stored chunk takes besides its payload and the bucket's name, at most, with a TTL."""

_RECORD_OVERHEAD = 300
"""Bytes that a stored record takes besides its JSON and its subject, at most: its headers."""

_SERVER_METADATA = "_nats."

_NEEDED = {
    "retention": "limits",
    "no_ack": False,
    "allow_rollup_hdrs": True,
    "deny_purge": False,
    "allow_msg_counter": False,
}
"""Settings without which no stream keeps an object, by the only value that does."""

_SMALLEST_RECORD = 256
"""Bytes; no record with its headers is shorter."""

_PLAIN = {"retention": "limits", "discard": "new", "allow_rollup_hdrs": True}
_HARMLESS = frozenset(
    "name subjects description metadata placement storage num_replicas compression allow_direct max_bytes"
    " max_msg_size max_consumers consumer_limits duplicate_window".split()
)
NO_OBJECT_TTL = "it allows no TTL of single objects"
"""Why no object of a stream may expire."""

_OFF: tuple[object, ...] = (None, False, 0, -1, "", [], {})
"""What a setting is that is not used."""


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
    if config.object_ttl:
        stream["allow_msg_ttl"] = True
    if config.description:
        stream["description"] = config.description
    if config.metadata:
        stream["metadata"] = dict(config.metadata)
    if config.placement is not None:
        stream["placement"] = {"cluster": config.placement.cluster or "", "tags": list(config.placement.tags)}
    return stream


def bucket_changes(
    *,
    description: str | None,
    ttl: timedelta | None,
    replicas: int | None,
    storage: str | None,
    max_bytes: int | None,
    compressed: bool | None,
    metadata: Mapping[str, str | None],
    placement: Placement | None,
    object_ttl: bool,
) -> dict[str, Any]:
    """Return those settings of a stream that change with what is given of a bucket's; None is not given."""
    changes: dict[str, Any] = {
        "description": description,
        "max_age": None if ttl is None else ttl // timedelta(microseconds=1) * 1000,
        "num_replicas": replicas,
        "storage": storage,
        "max_bytes": None if max_bytes is None else max_bytes or -1,
        "compression": None if compressed is None else "s2" if compressed else "none",
        "allow_msg_ttl": object_ttl or None,
        "metadata": metadata or None,
        "placement": None
        if placement is None
        else {"cluster": placement.cluster or "", "tags": list(placement.tags)},
    }
    return {name: value for name, value in changes.items() if value is not None}


def edited_config(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stream's configuration with other settings, all that is not named as the server gave it.

    What a server of tomorrow has is in there, too. A window for duplicates that is longer than anything stays
    is refused (10052), so it is cut.

    Args:
        changes: settings as the stream has them; `metadata` is added to what there is, None takes one away.
    """
    edited = {**config, **changes}
    if "metadata" in changes:
        merged = {**(config.get("metadata") or {}), **changes["metadata"]}
        edited["metadata"] = {name: value for name, value in merged.items() if value is not None}
    if 0 < edited.get("max_age", 0) < edited.get("duplicate_window", 0):
        edited["duplicate_window"] = edited["max_age"]
    return edited


def ttl_refusal(config: Mapping[str, Any], seconds: int) -> str | None:
    """Return why a stream does not let an object expire after these seconds; None if it does."""
    if not config.get("allow_msg_ttl"):
        return NO_OBJECT_TTL
    marker = config.get("subject_delete_marker_ttl") or 0
    if (
        isinstance(marker, int) and marker > seconds * 10**9
    ):  # the server would raise it to that, and say nothing
        return f"subject_delete_marker_ttl is {marker // 10**9:,} s"
    return None


def refusals(config: Mapping[str, Any], bucket: str, *, chunks: int | None = None) -> tuple[str, ...]:
    """Return why a stream cannot keep an object whole, one reason for each setting; nothing if it can.

    Measured with nats-server 2.15 and three chunks and their record, stored and replaced:
    - `max_msgs_per_subject` and the retentions `interest` and `workqueue` acknowledge and drop (or refuse the
      last chunk, 10077, with `discard_new_per_subject`), `subject_transform` acknowledges and moves.
    - `no_ack` stores and never answers. What `subjects` lack nobody takes: those of a stream with nothing but
      sources, or of another bucket.
    - Without `allow_rollup_hdrs` the record is refused after its chunks (10111; `deny_purge` rules it out),
      with `allow_msg_counter` everything is (10169), and what is above `max_msg_size` (10054).
    - `deny_delete`, `first_seq`, `republish`, `sources` beside subjects, `allow_msg_ttl`, `allow_atomic`,
      `allow_batched`, `persist_mode`, `consumer_limits` and `max_consumers` keep all. `max_msgs` and
      `max_bytes` refuse under `discard` `new` and drop under `old`: see `displaces`. `max_age` drops in time.

    Mirrors and sealed buckets are refused by what they are, not here: their settings follow from that.

    Args:
        config: the stream's, from STREAM.INFO.
        chunks: how many there will be; 0 for a change of the record alone, None if unknown.
    """
    if config.get("sealed") or config.get("mirror"):
        return ()
    filters = [metadata_filter(bucket)] if chunks == 0 else [chunks_filter(bucket), metadata_filter(bucket)]
    found = [
        f"{name} is {_text(value)}"
        for name, wanted in _NEEDED.items()
        if (value := config.get(name, wanted == "limits" and wanted)) != wanted
    ]
    if lacking := [each for each in filters if not _taken(config.get("subjects"), each)]:
        found.append(f"subjects lack {' and '.join(lacking)}")
    most = config.get("max_msgs_per_subject", -1)
    if chunks != 0 and isinstance(most, int) and 0 < most < (most + 1 if chunks is None else chunks):
        found.append(f"max_msgs_per_subject is {most:,}")
    size = config.get("max_msg_size", -1)
    if isinstance(size, int) and 0 < size < _SMALLEST_RECORD:
        found.append(f"max_msg_size is {size:,}")
    if moved := [each for each in filters if _moved(config.get("subject_transform"), each)]:
        found.append(f"subject_transform moves {' and '.join(moved)}")
    return tuple(found)


def displaces(config: Mapping[str, Any]) -> bool:
    """Return whether a stream makes room for new messages by dropping its oldest.

    Those are chunks and records of other objects, the one that a put is to replace among them, and at last
    the first chunks of what is being stored. So nobody but us refuses what does not fit.
    """
    return config.get("discard") == "old" and any(_limit(config, name) for name in ("max_bytes", "max_msgs"))


def room_for_chunks(
    info: Mapping[str, Any], bucket: str, *, chunk_size: int, record_size: int
) -> tuple[int, str]:
    """Return the most bytes that an object can have if nothing may be displaced, and which setting says so.

    Args:
        info: of a stream that `displaces`.
        record_size: bytes of its record and of the subject of that.
    """
    config, state, found = info["config"], info.get("state") or {}, []
    if most := _limit(config, "max_bytes"):
        free = most - state.get("bytes", 0) - record_size - _RECORD_OVERHEAD
        overhead = _MESSAGE_OVERHEAD + len(bucket)
        chunks, rest = divmod(max(0, free), chunk_size + overhead)
        found.append((chunks * chunk_size + max(0, rest - overhead), f"max_bytes is {most:,}"))
    if most := _limit(config, "max_msgs"):
        found.append((max(0, most - state.get("messages", 0) - 1) * chunk_size, f"max_msgs is {most:,}"))
    return min(found)


def displaced_by_record(info: Mapping[str, Any], record_size: int) -> str | None:
    """Return which setting makes a stream drop something for one more record; None if none does.

    Args:
        info: of a stream that `displaces`.
        record_size: bytes of the record and of its subject.
    """
    config, state = info["config"], info.get("state") or {}
    most = _limit(config, "max_msgs")
    if most and state.get("messages", 0) >= most:
        return f"max_msgs is {most:,}"
    most = _limit(config, "max_bytes")
    if most and state.get("bytes", 0) + record_size + _RECORD_OVERHEAD > most:
        return f"max_bytes is {most:,}"
    return None


def is_plain(config: Mapping[str, Any], bucket: str) -> bool:
    """Return whether a stream is as clients of ADR-20 make it: what it acknowledged is there at the commit.

    Not so with a `max_age`: the first chunks of a slow upload may expire before its record is stored.
    Settings of servers to come are plain as long as they are off.
    """
    return (
        config.get("subjects") in _both_ways(chunks_filter(bucket), metadata_filter(bucket))
        and all(config.get(name, value) == value for name, value in _PLAIN.items())
        and all(value in _OFF for name, value in config.items() if name not in _HARMLESS | _PLAIN.keys())
    )


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
        object_ttl=bool(config.get("allow_msg_ttl")),
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
        raw=stream,
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
    if time.year == 1:
        return None
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def _limit(config: Mapping[str, Any], name: str) -> int:
    """Return a limit of a stream; 0 for none."""
    most = config.get(name)
    return most if isinstance(most, int) and most > 0 else 0


def _both_ways(one: str, other: str) -> tuple[list[str], list[str]]:
    return [one, other], [other, one]


def _taken(subjects: object, wanted: str) -> bool:
    """Return whether a stream takes all that we publish of a filter."""
    patterns = subjects if isinstance(subjects, list) else ()
    return any(_covers(str(each), _one_token(wanted)) for each in patterns)


def _one_token(pattern: str) -> str:
    """What we publish of a filter that ends in `>`: nuids and base64 are one token."""
    return pattern.removesuffix(">") + "*"


def _covers(pattern: str, wanted: str) -> bool:
    """Return whether a pattern matches all that another one does, which has no `>`."""
    tokens, others = pattern.split("."), wanted.split(".")
    if tokens[-1] == ">" and len(others) >= len(tokens):
        del tokens[-1], others[len(tokens) :]
    return len(tokens) == len(others) and all(
        token in ("*", other) for token, other in zip(tokens, others, strict=True)
    )


def _moved(transform: object, wanted: str) -> bool:
    """Return whether a transform may give subjects of a filter another name."""
    if not isinstance(transform, Mapping):
        return False
    source, target = transform.get("src") or ">", transform.get("dest")
    return source != target and _overlap(str(source).split("."), _one_token(wanted).split("."))


def _overlap(one: list[str], other: list[str]) -> bool:
    """Return whether two patterns have a subject in common."""
    for token, another in zip(one, other, strict=False):
        if ">" in (token, another):
            return True
        if token != another and "*" not in (token, another):
            return False
    return len(one) == len(other)


def _text(value: object) -> str:
    """A setting's value as JSON has it, cut short."""
    return (value if isinstance(value, str) else json.dumps(value))[:40]
