"""Records and streams as other clients of all ages wrote them, and how the tests decode records."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from natsobj.adr20 import records, streams
from natsobj.models import ObjectInfo


def _buckets(file: str) -> dict[str, Any]:
    text = Path(__file__).with_name(f"{file}.json").read_text(encoding="utf-8")
    return {bucket["bucket"]: bucket for bucket in json.loads(text)["buckets"]}


PEERS = _buckets("today") | _buckets("rust_and_java")
"""What Go's client, nats.js, nats-py, nats.rs and nats.java write, by bucket: much the same objects."""

GOLDEN = PEERS | _buckets("dotnet") | _buckets("old_js")
"""The two clients for .NET and older nats.js as well: each file says what is odd about its records."""

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
"""The SHA-256 of the content of most objects of PEERS."""
HELLO_DIGEST = "SHA-256=LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
EMPTY = hashlib.sha256().hexdigest()
EMPTY_DIGEST = "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="
NOW = datetime(2026, 11, 20, 14, 54, 2, 123456, UTC)


def decode(record: bytes | dict[str, object], bucket: str = "b") -> ObjectInfo:
    """Decode a record as if it were message 7 of NOW."""
    data = record if isinstance(record, bytes) else json.dumps(record).encode()
    return records.decode_object(bucket, data, subject="$O.b.M.aw==", revision=7, modified=NOW)


def golden(bucket: str, name: str) -> ObjectInfo:
    """Decode the golden record of an object."""
    return decode_message(bucket, message_of(bucket, name))


def message_of(bucket: str, name: str) -> dict[str, Any]:
    """The golden message of an object, by the name inside."""
    found: dict[str, Any] = next(m for m in GOLDEN[bucket]["metadata"] if name_of(m) == name)
    return found


def name_of(message: dict[str, Any]) -> str:
    """The name inside a golden record."""
    name = json.loads(message["body"])["name"]
    assert isinstance(name, str)
    return name


def decode_message(bucket: str, message: dict[str, Any]) -> ObjectInfo:
    """Decode a golden record with the time of its message, and its sequence where that is known."""
    modified = streams.parse_time(message["time"])
    assert modified is not None
    return records.decode_object(
        bucket,
        message["body"].encode(),
        subject=message["subject"],
        revision=message.get("seq", 0),
        modified=modified,
    )


def content(size: int) -> bytes:
    """The content of the golden objects of .NET and of older nats.js."""
    return bytes((i * 31 + (i >> 8)) & 255 for i in range(size))


MESSAGES = [(bucket, message) for bucket in GOLDEN for message in GOLDEN[bucket]["metadata"]]
