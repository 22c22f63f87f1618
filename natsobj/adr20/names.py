"""The names of ADR-20: buckets, keys, nuids, and the streams and subjects that they stand for."""

from __future__ import annotations

import base64
import re
import secrets
import string

from natsobj.errors import InvalidBucketName, InvalidKey

MAX_KEY_SIZE = 2900
"""Bytes of UTF-8; the subject of a longer key is dropped by the server without an answer."""

STREAM_PREFIX = "OBJ_"

_BUCKET_NAME = re.compile(r"[A-Za-z0-9_-]{1,251}")  # the server takes stream names of 255
_NUID_ALPHABET = string.digits + string.ascii_letters


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
