"""What an answer must look like before it is used: a server may send anything.

A shape is a type, a list with the shape of its items, a dict with the shapes of the fields that are used, or
one of the functions below. Fields that are not used pass as they are; null counts as a missing field.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from natsobj.adr20 import streams
from natsobj.errors import MalformedAnswer

__all__ = [
    "ACCOUNT",
    "ACK",
    "CONSUMER",
    "ERROR",
    "MESSAGE",
    "PURGED",
    "STREAM",
    "STREAM_LIST",
    "STREAM_NAMES",
    "fit",
    "has",
    "number",
    "read_json",
]

Shape = Any

_MOST = 2**64


def read_json(data: bytes, what: str) -> dict[str, Any]:
    """Read an answer that is a JSON object.

    Raises:
        MalformedAnswer: it is not one.
    """
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as e:
        raise MalformedAnswer(what) from e
    if not isinstance(answer, dict):
        raise MalformedAnswer(what)
    return answer


def fit(value: object, shape: Shape, what: str) -> Any:
    """Return a value that has this shape.

    Raises:
        MalformedAnswer: it has not.
    """
    if isinstance(shape, dict) and isinstance(value, dict):
        found = {name: item for name, item in value.items() if item is not None}
        return {name: fit(item, shape.get(name, object), what) for name, item in found.items()}
    if isinstance(shape, list) and isinstance(value, list):
        return [fit(item, shape[0], what) for item in value]
    if isinstance(shape, type):
        if isinstance(value, shape) and (shape is not int or _is_number(value)):
            return value
    elif callable(shape):
        try:
            return shape(value, what)
        except (TypeError, ValueError, OverflowError) as e:
            raise MalformedAnswer(what) from e
    raise MalformedAnswer(what)


def has(value: dict[str, Any], path: str, what: str) -> None:
    """Check that fields exist, each named by its path with dots.

    Raises:
        MalformedAnswer: one is not.
    """
    for each in path.split():
        found: object = value
        for name in each.split("."):
            if not isinstance(found, dict) or name not in found:
                raise MalformedAnswer(what)
            found = found[name]


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_MOST < value < _MOST


def count(value: object, what: str) -> int:
    """A number that is not negative."""
    if not isinstance(value, int) or not _is_number(value) or value < 0:
        raise MalformedAnswer(what)
    return value


def sequence(value: object, what: str) -> int:
    """A stream sequence."""
    if count(value, what) == 0:
        raise MalformedAnswer(what)
    return count(value, what)


def time(value: object, what: str) -> str:
    """A time that can be read."""
    if not isinstance(value, str):
        raise MalformedAnswer(what)
    streams.parse_time(value)
    return value


def encoded(value: object, what: str) -> bytes:
    """Bytes in base64."""
    if not isinstance(value, str):
        raise MalformedAnswer(what)
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as e:
        raise MalformedAnswer(what) from e


def each(shape: Shape) -> Callable[[object, str], dict[str, Any]]:
    """An object whose values all have this shape."""

    def check(value: object, what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise MalformedAnswer(what)
        return {name: fit(item, shape, what) for name, item in value.items()}

    return check


def number(text: str, what: str) -> int:
    """Read a number in a header: digits only.

    Raises:
        MalformedAnswer: it is not one.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise MalformedAnswer(what)
    return int(text)


_CONFIG = {
    "name": str,
    "description": str,
    "subjects": [str],
    "metadata": each(str),
    "retention": str,
    "discard": str,
    "storage": str,
    "compression": str,
    "max_age": int,
    "max_bytes": int,
    "max_msgs": int,
    "max_msgs_per_subject": int,
    "max_msg_size": int,
    "num_replicas": count,
    "duplicate_window": int,
    "subject_delete_marker_ttl": int,
    "sealed": bool,
    "no_ack": bool,
    "allow_direct": bool,
    "allow_rollup_hdrs": bool,
    "allow_msg_ttl": bool,
    "mirror": dict,
    "sources": list,
    "subject_transform": dict,
    "placement": {"cluster": str, "tags": [str]},
}

STREAM = {
    "config": _CONFIG,
    "created": time,
    "ts": time,
    "state": {
        "messages": count,
        "bytes": count,
        "first_seq": count,
        "last_seq": count,
        "num_subjects": count,
        "consumer_count": count,
        "last_ts": time,
        "subjects": each(count),
    },
    "domain": str,
    "total": count,
    "limit": count,
    "cluster": {
        "name": str,
        "leader": str,
        "replicas": [{"name": str, "current": bool, "offline": bool, "lag": count}],
    },
}
"""STREAM.INFO, and one of STREAM.LIST."""

STREAM_NAMES = {"streams": [str], "total": count}
STREAM_LIST = {"streams": [STREAM], "missing": [str], "total": count}
MESSAGE = {"subject": str, "seq": sequence, "time": time, "data": encoded, "hdrs": encoded}
PURGED = {"success": bool, "purged": count}
CONSUMER = {"num_pending": count}
ERROR = {"code": int, "err_code": int, "description": str}
ACK = {"stream": str, "seq": count, "domain": str, "error": ERROR}
ACCOUNT = {
    "storage": count,
    "memory": count,
    "streams": count,
    "consumers": count,
    "domain": str,
    "limits": {"max_storage": int, "max_memory": int, "max_streams": int, "max_consumers": int},
}
