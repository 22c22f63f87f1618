"""Sizes and durations as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

from natsobj.errors import InvalidArgument

__all__ = ["format_size", "parse_duration", "parse_size"]

_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}
_NS |= {"m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9, "w": 604800 * 10**9}
_DURATION_PART = r"(?=\.?[0-9])([0-9]{0,20})(?:\.([0-9]{0,20}))?([a-zµμ]+)"
_SIZE = r"(?ai)([0-9]{1,20})(?:([KMGT])(?:i?B)?)?"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB")
_MOST = 2**63 - 1
"""What a server can store: bytes, or nanoseconds."""


def parse_duration(text: str) -> timedelta:
    """Read a Go duration (`1h30m`), also with `d` and `w`, or a bare number of seconds; never negative.

    Rounds up to whole microseconds, so that nothing but zero becomes zero. Raises `InvalidArgument`.
    """
    rest = text.strip().removeprefix("+")
    if re.fullmatch(r"[0-9]*\.?[0-9]*", rest):
        rest += "s"
    total, parts = 0, 0
    while (part := re.match(_DURATION_PART, rest)) and part[3] in _NS:
        whole, fraction, unit = part[1] or "0", part[2] or "0", _NS[part[3]]
        total += int(whole) * unit + int(fraction) * unit // 10 ** len(fraction)
        rest, parts = rest[part.end() :], parts + 1
    if rest or not parts or total > _MOST:
        forms = "300ms, 5s, 1h30m, 1.5h, 2d, 1w, or a number of seconds"
        raise InvalidArgument(f"invalid duration: {text or 'an empty one'} (valid: {forms})")
    return timedelta(microseconds=-(-total // 1000))


def parse_size(text: str) -> int:
    """Read a number of bytes, optionally with K, M, G or T and `B` or `iB`, all powers of 1024.

    Raises `InvalidArgument`.
    """
    match = re.fullmatch(_SIZE, text.strip())
    size = int(match[1]) << 10 * " KMGT".index((match[2] or " ").upper()) if match else -1
    if not 0 <= size <= _MOST:
        forms = "4096, 128K, 10MB, 2GiB, 1T; powers of 1024"
        raise InvalidArgument(f"invalid size: {text or 'an empty one'} (valid: {forms})")
    return size


def format_size(size: int) -> str:
    """Write bytes in IEC units: `0 B`, `1.2 GiB`, `10 MiB`; one decimal at most, none from 10 on."""
    if size < 1024:
        return f"{size} B"
    power = min((size.bit_length() - 1) // 10, len(_UNITS) - 2)
    value = size / 1024**power
    if value >= 1023.5:
        power, value = power + 1, value / 1024
    number = f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{value:.0f}"
    return f"{number} {_UNITS[power]}"
