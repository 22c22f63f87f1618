"""Objects as their metadata records (ADR-20, ObjectInfo), whoever wrote them, and the digests in them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from natsobj.adr20.names import key_of_subject, stored_name
from natsobj.errors import InvalidMetadata
from natsobj.models import Link, ObjectInfo

DEFAULT_CHUNK_SIZE = 128 * 1024
"""Bytes; what every ADR-20 client uses unless told otherwise."""

_STORED_NUID = re.compile(r"[^\s.*>\x00-\x1f\x7f\ud800-\udfff]+")
"""One token of a subject: with a wildcard in it, removing an object's chunks would remove those of others."""


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
        subject: completes a name in ASCII, and names the record in errors by the key that it stands for.
        revision: the stream sequence of the message.
        modified: the timestamp of the message.

    Raises:
        InvalidMetadata: it is no JSON object, or a field has a shape that cannot be meant.
    """
    try:
        fields = _parse(record)
        if not isinstance(fields, dict):
            raise ValueError("not a JSON object")
        return _object_info(bucket, fields, subject, revision, modified)
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


def _object_info(
    bucket: str, fields: Mapping[str, Any], subject: str, revision: int, modified: datetime
) -> ObjectInfo:
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
        name=stored_name(subject, name),
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


def _dump(record: Mapping[str, object]) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate, which UTF-8 has no bytes for, stays an escape."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":")).encode()
