"""How single values are written: for people (sizes, times, names) and for programs (JSON, TSV, RFC 3339)."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from natsobj.units import format_size

if TYPE_CHECKING:
    import json

__all__ = [
    "UNPRINTABLE",
    "count",
    "escape_tsv",
    "field_lines",
    "format_duration",
    "format_exact_size",
    "format_size",
    "format_time",
    "format_time_left",
    "format_ttl",
    "harmless",
    "json_encoder",
    "json_line",
    "printable",
    "rfc3339",
]

UNPRINTABLE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks, overrides and isolates of bidirectional text
    "\xad\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f"
    "\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001-\U000e007f"  # other format characters, line and paragraph separators
    "\ud800-\udfff"  # lone surrogates, which no UTF-8 stream takes
    "]"
)
"""What must not reach a terminal as it is. ZWJ and ZWNJ are not in it: emoji and real words need them."""

_NOT_TSV = re.compile("[\t\n\\\\\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Show control, format and bidi characters as escapes (`\n`, `\x1b`, `\u202e`); backslashes stay.

    A byte of a file name that is not UTF-8 is shown as `\xff`.
    """
    return text if _is_plain(text) else UNPRINTABLE.sub(_escape_byte, text)


def escape_tsv(text: str) -> str:
    r"""Write tab, newline and backslash as `\t`, `\n` and `\\`; all else stays, carriage returns too.

    A lone surrogate, which no UTF-8 stream takes, becomes `\udXXX`.
    """
    return text if _is_plain(text) and "\\" not in text else _NOT_TSV.sub(_escape, text)


def _is_plain(text: str) -> bool:
    """Say whether a text is printable ASCII, as most are: then it needs no search for what has to go."""
    return text.isascii() and text.isprintable()


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _escape_byte(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else _escape(match)


def count(number: int, noun: str) -> str:
    """Say `1 chunk` or `9,830 chunks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_exact_size(size: int) -> str:
    """Write bytes for people and to the last byte: `10 MiB (10,485,760 bytes)`."""
    return format_size(size) if size < 1024 else f"{format_size(size)} ({size:,} bytes)"


def format_duration(seconds: float) -> str:
    """Write how long something took: `0.4 s`, `1 min 30 s`, `2 h 5 s`."""
    return f"{seconds:.1f} s" if seconds < 59.95 else _in_units(round(seconds))


def format_ttl(ttl: timedelta) -> str:
    """Write a setting's duration without rounding: `30 s`, `1 h 30 min`, `7 d`."""
    whole, rest = divmod(ttl, timedelta(seconds=1))
    return f"{ttl.total_seconds():.6f}".rstrip("0") + " s" if rest else _in_units(whole)


def format_time_left(seconds: float) -> str:
    """Write an estimate, rounded up: `2 s`, `1 min 5 s`; from an hour on without seconds."""
    whole = math.ceil(seconds)
    return _in_units(whole if whole < 3600 else whole // 60 * 60)


def _in_units(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number:,} {unit}" for number, unit in parts if number) or "0 s"


def format_time(time: datetime, *, offset: bool = False) -> str:
    """Write a time in the local zone: `2026-11-20 14:54:02`, with `offset` also ` +0000`."""
    local = time.astimezone()
    text = local.replace(tzinfo=None).isoformat(" ", "seconds")
    return f"{text} {local:%z}" if offset else text


def rfc3339(time: datetime) -> str:
    """Write a time for programs: UTC, six decimals and `Z`."""
    utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return utc.isoformat("T", "microseconds")[:-6] + "Z"


# Fields


def json_line(fields: Mapping[str, object]) -> str:
    """Write one compact line of JSON, UTF-8 as it is.

    Only what would harm a terminal or cannot be UTF-8 (`UNPRINTABLE`) is written as `\\uXXXX`: the value is
    the same to every parser.
    """
    return harmless(json_encoder().encode(fields))


def harmless(text: str) -> str:
    """Escape in JSON what would harm a terminal or cannot be UTF-8 (`UNPRINTABLE`).

    JSON itself escapes all controls in ASCII but DEL.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return UNPRINTABLE.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    import json

    return json.dumps(match[0])[1:-1]


@functools.cache
def json_encoder() -> json.JSONEncoder:
    """Give what writes compact JSON, UTF-8 as it is; `json.dumps` would make one for each line."""
    import json  # only here: most of what is shown needs none

    return json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def field_lines(fields: Mapping[str, object]) -> str:
    """Write a `field<TAB>value` line for each JSON field.

    Text is escaped as in rows, null is empty, and nested values are compact JSON as it is (which has no
    tab or newline of its own).
    """
    return "\n".join(f"{name}\t{_field_value(value)}" for name, value in fields.items())


def _field_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return escape_tsv(value)
    return harmless(json_encoder().encode(value))
