"""What callers hand over, checked before anything is sent; values come back plain, and copied.

A wrong type is a `TypeError`, an invalid value an `InvalidArgument`; both name the argument or field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from natsobj.errors import InvalidArgument

__all__ = ["MOST", "check_header"]

T = TypeVar("T")

MOST = 2**63 - 1
"""What every client and the server can count: bytes, or nanoseconds."""

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, field names
_PRINTABLE = re.compile(r"[ -~]*")
_LONGEST_SHOWN = 40


def wrong_type(name: str, wanted: str, value: object) -> TypeError:
    """Make the error that says what an argument must be, and what was given."""
    given = "None" if value is None else type(value).__name__
    return TypeError(f"{name} must be {wanted}, not {given}")


def instance(value: object, kind: type[T], name: str, wanted: str) -> T:
    """Return a value of a class, as it is."""
    if not isinstance(value, kind):
        raise wrong_type(name, wanted, value)
    return value


def text(value: object, name: str) -> str:
    """Return a string that has bytes in UTF-8."""
    plain = string(value, name)
    if not plain.isascii():
        try:
            plain.encode()
        except UnicodeEncodeError:
            raise InvalidArgument(f"{name} is not UTF-8: it has a lone surrogate") from None
    return plain


def string(value: object, name: str) -> str:
    """Return any string; one of a subclass, such as an enumeration's, is made an ordinary one."""
    if not isinstance(value, str):
        raise wrong_type(name, "a str", value)
    return value if type(value) is str else str.__str__(value)


def optional_text(value: object, name: str) -> str | None:
    """Return a string that has bytes in UTF-8, or None."""
    if value is not None and not isinstance(value, str):
        raise wrong_type(name, "a str or None", value)
    return None if value is None else text(value, name)


def flag(value: object, name: str) -> bool:
    """Return True or False; nothing else is taken for either."""
    return instance(value, bool, name, "a bool")


def number(value: object, name: str, *, least: int = 0) -> int:
    """Return an integer from `least` up to what can be counted; a bool is refused."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, "an int", value)
    if not least <= value <= MOST:
        bound = f"the least is {least}" if value < least else f"the most is {MOST}"
        raise InvalidArgument(f"{name} is out of range: {_shown(value)}, {bound}")
    return int(value)


def optional_number(value: object, name: str, *, least: int = 0) -> int | None:
    """Return an integer from `least` up to what can be counted, or None."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise wrong_type(name, "an int or None", value)
    return None if value is None else number(value, name, least=least)


def optional_duration(value: object, name: str) -> timedelta | None:
    """Return a duration that is not negative and has at most 2**63 nanoseconds, or None."""
    if value is None:
        return None
    if not isinstance(value, timedelta):
        raise wrong_type(name, "a timedelta or None", value)
    if value < timedelta(0) or value // timedelta(microseconds=1) > MOST // 1000:
        raise InvalidArgument(f"{name} is out of range: {value}")
    return value


def strings(value: object, name: str) -> tuple[str, ...]:
    """Return several strings as a tuple; one alone may stand without it."""
    if isinstance(value, str):
        return (text(value, name),)
    if not isinstance(value, Sequence) or isinstance(value, (bytes, bytearray, memoryview)):
        raise wrong_type(name, "a str, or a tuple or list of str", value)
    return tuple(text(item, f"{name}[{place}]") for place, item in enumerate(value))


def pairs(value: object, name: str) -> dict[str, str]:
    """Return a copy of a mapping of strings to strings."""
    return {key: text(item, f"{name}[{key!r}]") for key, item in _items(value, name)}


def headers(value: object, name: str) -> dict[str, tuple[str, ...]]:
    """Return a copy of a mapping of header names to their values, which every client can read."""
    copied = {key: strings(item, f"{name}[{key!r}]") for key, item in _items(value, name)}
    for key, values in copied.items():
        for item in values:
            check_header(key, item)
        check_header(key)
    return copied


def check_header(name: str, value: str = "") -> None:
    """Refuse a header that keeps other clients from listing the bucket.

    Raises:
        InvalidArgument: the name is not a token of RFC 9110, or the value is not printable ASCII.
    """
    if not _TOKEN.fullmatch(name):
        raise InvalidArgument(f"invalid header name: {_shown(name)}: use letters, digits and !#$%&'*+-.^_`|~")
    if not _PRINTABLE.fullmatch(value):
        raise InvalidArgument(f"invalid value of header {name}: {_shown(value)} is not printable ASCII")


def as_bytes(value: object, name: str) -> bytes:
    """Return bytes that cannot change any more."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise wrong_type(name, "bytes", value)


def sha256(value: object, name: str) -> str:
    """Return the hex of a SHA-256 in lower case."""
    digits = string(value, name).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise InvalidArgument(f"{name} is not a SHA-256 digest of 64 hex digits: {_shown(digits)}")
    return digits


def _items(value: object, name: str) -> Iterable[tuple[str, object]]:
    if not isinstance(value, Mapping):
        raise wrong_type(name, "a mapping", value)
    return [(text(key, f"a key of {name}"), item) for key, item in value.items()]


def _shown(value: object) -> str:
    """Return a value for a message: escaped, and not long."""
    if isinstance(value, int):
        return str(value) if abs(value) <= MOST else f"a number of {value.bit_length()} bits"
    shown = ascii(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
