"""Conditional requests and ranges (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import NamedTuple

from starlette.datastructures import Headers

from natsobj.models import ObjectInfo

__all__ = ["Part", "Unsatisfiable", "entity_tag", "failed_condition", "http_date", "wanted_part"]

_TAGS = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_RANGE = re.compile(r"bytes\s*=\s*(?:(\d{1,19})\s*-\s*(\d{0,19})|-\s*(\d{1,19}))\s*", re.IGNORECASE)


class Part(NamedTuple):
    """Bytes from `start` up to `stop`."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """The range lies outside of the object."""


def entity_tag(info: ObjectInfo) -> str:
    """Return the tag of an object: its SHA-256, or its revision if the record has no digest."""
    return f'"{info.sha256 or f"revision-{info.revision}"}"'


def http_date(time: datetime) -> str:
    """Write a time for a header, in whole seconds."""
    return format_datetime(time.astimezone(UTC), usegmt=True)


def failed_condition(headers: Headers, tag: str, modified: datetime) -> int | None:
    """Return 412 or 304 if a condition of the request says so; None if the object is to be sent."""
    modified = modified.replace(microsecond=0)
    match, none_match = _list(headers, "if-match"), _list(headers, "if-none-match")
    if match is not None:
        if not _names(match, tag, weak=False):
            return 412
    elif (before := _date(headers.get("if-unmodified-since"))) and modified > before:
        return 412
    if none_match is not None:
        return 304 if _names(none_match, tag, weak=True) else None
    since = _date(headers.get("if-modified-since"))
    return 304 if since and modified <= since else None


def wanted_part(headers: Mapping[str, str], tag: str, modified: datetime, size: int) -> Part | None:
    """Return the range that is asked for; None for all bytes, also if several ranges are asked for.

    Raises:
        Unsatisfiable: it begins after the end.
    """
    match = _RANGE.fullmatch(headers.get("range", ""))
    condition = headers.get("if-range")
    if match is None or (condition is not None and not _still(condition, tag, modified)):
        return None
    if match[1] is None:
        length = int(match[3])
        if not length:
            raise Unsatisfiable
        return Part(max(0, size - length), size) if size else None
    start, last = int(match[1]), int(match[2]) if match[2] else size - 1
    if match[2] and last < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return Part(start, min(last + 1, size))


def _list(headers: Headers, name: str) -> str | None:
    """Return a list that may be spread over several lines."""
    lines = headers.getlist(name)
    return ",".join(lines) if lines else None


def _names(field: str, tag: str, *, weak: bool) -> bool:
    """Return whether a list of tags contains this one; `weak` also accepts its weak form."""
    if field.strip() == "*":
        return True
    return any(value == tag and (weak or not mark) for mark, value in _TAGS.findall(field))


def _still(condition: str, tag: str, modified: datetime) -> bool:
    """Return whether `If-Range` names the current version."""
    if condition.lstrip().startswith(('"', "W/")):
        return condition.strip() == tag
    return _date(condition) == modified.replace(microsecond=0)


def _date(field: str | None) -> datetime | None:
    try:
        time = parsedate_to_datetime(field or "")
    except (TypeError, ValueError, OverflowError):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
