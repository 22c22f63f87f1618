"""ADR-20 as pure functions: names, subjects, digests, and the two JSON documents (object and stream).

What is written is exactly ADR-20; what is read is read leniently, for other clients take liberties.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from natsobj.errors import InvalidBucketName, InvalidKey, InvalidMetadata
from natsobj.models import (
    BucketConfig,
    BucketInfo,
    Cluster,
    Link,
    ObjectInfo,
    Placement,
    Replica,
    Storage,
)

DEFAULT_CHUNK_SIZE = 128 * 1024
"""Bytes; what every ADR-20 client uses unless told otherwise."""

MAX_KEY_SIZE = 2900
"""Bytes of UTF-8; the subject of a longer key is dropped by the server without an answer."""

STREAM_PREFIX = "OBJ_"

_BUCKET_NAME = re.compile(r"[A-Za-z0-9_-]{1,251}")  # the server takes stream names of 255
_NUID_ALPHABET = string.digits + string.ascii_letters
_STORED_NUID = re.compile(r"[^\s.*>\x00-\x1f\x7f\ud800-\udfff]+")
"""One token of a subject: with a wildcard in it, removing an object's chunks would remove those of others."""

_SERVER_METADATA = "_nats."


# Names and subjects


def check_bucket_name(bucket: str) -> str:
    """Return the name of a bucket as it is.

    Raises:
        InvalidBucketName: it is not `[A-Za-z0-9_-]+`, or too long for a stream's name.
    """
    if not _BUCKET_NAME.fullmatch(bucket):
        raise InvalidBucketName(bucket)
    return bucket


def check_key(key: str) -> str:
    """Return a key as it is: any UTF-8 of 1 to 2,900 bytes.

    Raises:
        InvalidKey: it is empty, too long, or has bytes that are not UTF-8.
    """
    if not key:
        raise InvalidKey(key, "it is empty")
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise InvalidKey(key, "it is not UTF-8") from None
    if size > MAX_KEY_SIZE:
        raise InvalidKey(key, f"it has {size:,} bytes, {MAX_KEY_SIZE:,} are possible")
    return key


def stream_name(bucket: str) -> str:
    """Return the name of the stream that keeps a bucket."""
    return STREAM_PREFIX + bucket


def bucket_of_stream(stream: str) -> str | None:
    """Return the bucket a stream keeps, or None for a stream that is no bucket."""
    name = stream.removeprefix(STREAM_PREFIX)
    return name if name != stream and _BUCKET_NAME.fullmatch(name) else None


def chunk_subject(bucket: str, nuid: str) -> str:
    """Return the subject of all chunks of one upload."""
    return f"$O.{bucket}.C.{nuid}"


def chunks_filter(bucket: str) -> str:
    """Return the filter that matches the chunks of all objects."""
    return f"$O.{bucket}.C.>"


def metadata_subject(bucket: str, key: str) -> str:
    """Return the subject of an object's metadata record."""
    return f"$O.{bucket}.M.{base64.urlsafe_b64encode(key.encode()).decode()}"


def key_of_subject(subject: str) -> str:
    """Return the key that a metadata subject stands for; its last token as it is where that is no UTF-8."""
    token = subject.rpartition(".")[2]
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        return token


def latin1_metadata_subject(bucket: str, key: str) -> str | None:
    """Return where nats.js keeps a name beyond ASCII (it encodes Latin-1), None if it cannot."""
    try:
        encoded = key.encode("latin-1")
    except UnicodeEncodeError:
        return None
    return None if key.isascii() else f"$O.{bucket}.M.{base64.urlsafe_b64encode(encoded).decode()}"


def metadata_filter(bucket: str) -> str:
    """Return the filter that matches the metadata of all objects."""
    return f"$O.{bucket}.M.>"


def new_nuid() -> str:
    """Return a fresh identifier for the chunks of one upload: 22 random characters of base 62."""
    return "".join(secrets.choice(_NUID_ALPHABET) for _ in range(22))


# Digests


def format_digest(sha256: bytes) -> str:
    """Return the stored form of a SHA-256: `SHA-256=` and padded base64url."""
    return "SHA-256=" + base64.urlsafe_b64encode(sha256).decode()


def parse_digest(digest: str) -> str | None:
    """Return the hex of a stored SHA-256, or None when it is none.

    Any case of the prefix, either alphabet, with or without padding.
    """
    kind, _, value = digest.partition("=")
    if kind.upper() != "SHA-256":
        return None
    value = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        raw = binascii.a2b_base64(value + "=" * (-len(value) % 4), strict_mode=True)
    except ValueError:
        return None
    return raw.hex() if len(raw) == 32 else None


# Times


def parse_time(text: str) -> datetime | None:
    """Read a server's RFC 3339 time; year 1, which stands for never, is None."""
    time = datetime.fromisoformat(text)
    return None if time.year == 1 else time.astimezone(UTC)


# Objects


def encode_object(info: ObjectInfo) -> bytes:
    """Return the metadata record of an object (ADR-20, ObjectInfo)."""
    options: dict[str, object] = {}
    if info.link is not None:
        options["link"] = {"bucket": info.link.bucket} | ({"name": info.link.name} if info.link.name else {})
    if info.chunk_size is not None:
        options["max_chunk_size"] = info.chunk_size
    record: dict[str, object] = {"name": info.name}
    if info.description:
        record["description"] = info.description
    if info.headers:
        record["headers"] = {key: list(values) for key, values in info.headers.items()}
    if info.metadata:
        record["metadata"] = dict(info.metadata)
    record |= {
        "options": options,
        "bucket": info.bucket,
        "nuid": info.nuid or "",
        "size": info.size,
        "chunks": info.chunks,
        "digest": info.digest or "",
    }
    if info.deleted:
        record["deleted"] = True
    return _dump(record)


def encode_tombstone(record: bytes) -> bytes:
    """Return the record that marks an object as deleted, made from its last one with all unknown fields."""
    fields = json.loads(record)
    return _dump(fields | {"size": 0, "chunks": 0, "digest": "", "deleted": True})


def decode_object(
    bucket: str, record: bytes, *, subject: str, revision: int, modified: datetime
) -> ObjectInfo:
    """Read a metadata record that any client may have written.

    Args:
        subject: names the record in errors, by the key that it stands for.
        revision: the stream sequence of the message.
        modified: the timestamp of the message.

    Raises:
        InvalidMetadata: it is no JSON object, or a field has a shape that cannot be meant.
    """
    try:
        fields = _parse(record)
        if not isinstance(fields, dict):
            raise ValueError("not a JSON object")
        return _object_info(bucket, fields, revision, modified)
    except (ValueError, RecursionError) as e:
        raise InvalidMetadata(bucket, key_of_subject(subject), _reason(e)) from e


_raw_decode = json.JSONDecoder().raw_decode


def _parse(record: bytes) -> object:
    """Parse JSON; compact UTF-8, which every client writes, in half the time that `json.loads` takes."""
    try:
        text = record.decode()
        value, end = _raw_decode(text)
        if end == len(text):
            return value
    except ValueError:
        pass
    return json.loads(record)


def _object_info(bucket: str, fields: Mapping[str, Any], revision: int, modified: datetime) -> ObjectInfo:
    options = _mapping(fields, "options")
    link = _mapping(options, "link")
    digest = _text(fields, "digest")
    name = _name(fields, "name")
    if name is None:
        raise ValueError("it has no name")
    nuid = _text(fields, "nuid") or None
    if nuid is not None and not _STORED_NUID.fullmatch(nuid):
        raise ValueError("nuid is not one token of a subject")
    size, chunks = _count(fields, "size"), _count(fields, "chunks")
    deleted = fields.get("deleted") is True
    if deleted:
        size, chunks, digest = 0, 0, ""
    return ObjectInfo(
        bucket=bucket,
        name=name,
        size=size,
        chunks=chunks,
        modified=modified,
        revision=revision,
        chunk_size=_count(options, "max_chunk_size") or None,
        digest=digest,
        sha256=parse_digest(digest) if digest else None,
        nuid=nuid,
        description=_text(fields, "description") or None,
        headers={key: _values(value) for key, value in _mapping(fields, "headers").items()},
        metadata={key: str(value) for key, value in _mapping(fields, "metadata").items()},
        link=Link(_name(link, "bucket") or bucket, _name(link, "name")) if link else None,
        deleted=deleted,
    )


def _mapping(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name) or {}
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")
    return value


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is not a string")
    return value


def _name(fields: Mapping[str, Any], name: str) -> str | None:
    """Something that can stand in a subject; a lone surrogate has no bytes there."""
    value = _text(fields, name) or ""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} is not UTF-8") from None
    return value or None


def _count(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} is not a count")
    return value


def _values(value: object) -> tuple[str, ...]:
    if value is None:  # Go writes a header without values so
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


def _reason(error: Exception) -> str:
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return "not JSON"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


# Streams


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


def _dump(record: Mapping[str, object]) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate, which UTF-8 has no bytes for, stays an escape."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":")).encode()
