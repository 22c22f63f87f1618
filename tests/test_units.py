"""Durations and sizes as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from natsobj.errors import InvalidArgument
from natsobj.units import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("1.5h", timedelta(hours=1, minutes=30)),
        (".5s", timedelta(milliseconds=500)),
        ("1.s", timedelta(seconds=1)),
        ("300ms", timedelta(milliseconds=300)),
        ("1us", timedelta(microseconds=1)),
        ("1µs", timedelta(microseconds=1)),  # U+00B5
        ("1μs", timedelta(microseconds=1)),  # U+03BC
        ("2000ns", timedelta(microseconds=2)),
        ("1h1m1s1ms1us1000ns", timedelta(hours=1, minutes=1, seconds=1, milliseconds=1, microseconds=2)),
        ("+5s", timedelta(seconds=5)),
        ("2d", timedelta(days=2)),
        ("1w", timedelta(weeks=1)),
        ("1w2d3h", timedelta(days=9, hours=3)),
        ("0.1d", timedelta(hours=2.4)),
        ("5", timedelta(seconds=5)),
        ("1.5", timedelta(seconds=1.5)),
        ("5.", timedelta(seconds=5)),
        (" 5s ", timedelta(seconds=5)),
        ("00000000000000000012s", timedelta(seconds=12)),
        ("0", timedelta()),
        ("0s", timedelta()),
    ],
)
def test_a_duration_is_read_exactly(text: str, duration: timedelta) -> None:
    """Go's forms, days and weeks, and bare seconds, without the errors of floating point."""
    assert parse_duration(text) == duration


def test_a_duration_that_is_not_zero_never_becomes_zero() -> None:
    """A nanosecond is rounded up: zero often means for ever."""
    assert parse_duration("1ns") == timedelta(microseconds=1)
    assert parse_duration("1001ns") == timedelta(microseconds=2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        ".",
        ".s",
        "-5s",
        "-1",
        "1x",
        "1h30",
        "1,5h",
        "1.2.3s",
        "1 h",
        "1H",
        "1M",
        "5s5",
        "٣s",
        "٣",
    ],
)
def test_an_invalid_duration_is_refused_with_the_forms(text: str) -> None:
    """Whatever is not a duration is an error that shows how to write one."""
    with pytest.raises(InvalidArgument, match=r"^invalid duration: .*300ms, 5s, 1h30m.* 2d, 1w.*seconds"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["293y", "300000w", "9" * 30, "9" * 20 + "s", "9" * 5000])
def test_a_duration_that_no_server_can_store_is_refused(text: str) -> None:
    """Servers count nanoseconds in 63 bits, which is 292 years."""
    with pytest.raises(InvalidArgument, match=r"^invalid duration: "):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("1K", 1024),
        ("1k", 1024),
        ("1KB", 1024),
        ("1KiB", 1024),
        ("1kib", 1024),
        ("128K", 131072),
        ("10MB", 10 * 1024**2),
        ("2g", 2 * 1024**3),
        ("3TIB", 3 * 1024**4),
        (" 7M ", 7 * 1024**2),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_a_size_is_read_in_powers_of_1024(text: str, size: int) -> None:
    """K, M, G and T with B, iB or neither mean the same, in any case."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "K", "B", "-1", "+1", "1.5M", "1 K", "1Ki", "1P", "1KBs", "10B", "0x10", "1_000", "٣", "1\u212a"],
)
def test_an_invalid_size_is_refused_with_the_forms(text: str) -> None:
    """Whatever is not a size is an error that shows how to write one."""
    with pytest.raises(InvalidArgument, match=r"^invalid size: .*128K, 10MB, 2GiB.*powers of 1024"):
        parse_size(text)


@pytest.mark.parametrize("text", ["9223372036854775808", "8388608T", "9" * 5000])
def test_a_size_that_no_server_can_store_is_refused(text: str) -> None:
    """Servers count bytes in 63 bits."""
    with pytest.raises(InvalidArgument, match=r"^invalid size: "):
        parse_size(text)
