"""How single values are written for people and for programs."""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from natsobj.cli.output.formats import (
    escape_tsv,
    format_duration,
    format_exact_size,
    format_size,
    format_time,
    format_time_left,
    format_ttl,
    printable,
)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\tb", r"a\tb"),
        ("a\nb", r"a\nb"),
        ("a\\nb", r"a\\nb"),
        ("a\rb\x1b\x00é", "a\rb\x1b\x00é"),
        ("a\ud800", r"a\ud800"),
    ],
)
def test_tsv_escapes_tab_newline_and_backslash_only(text: str, escaped: str) -> None:
    """What would break a row is escaped, and what UTF-8 cannot carry; the rest stays to the byte."""
    assert escape_tsv(text) == escaped
    assert escaped.encode()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (5, "5 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (10 * 1024 - 1, "10 KiB"),
        (131072, "128 KiB"),
        (1024**2 - 1, "1 MiB"),
        (10485760, "10 MiB"),
        (10485760 + 900, "10 MiB"),
        (1288490188, "1.2 GiB"),
        (1024**3, "1 GiB"),
        (1000 * 1024**3, "1000 GiB"),
        (5 * 1024**4, "5 TiB"),
        (2**63, "8 EiB"),
    ],
)
def test_sizes_are_iec_with_at_most_one_decimal(size: int, text: str) -> None:
    """Readable at a glance: no decimal when whole or from 10 on, never 1024 of a unit."""
    assert format_size(size) == text


def test_exact_sizes_say_the_bytes_only_where_that_says_more() -> None:
    """Below 1 KiB the short form is exact already."""
    assert format_exact_size(10485760) == "10 MiB (10,485,760 bytes)"
    assert format_exact_size(5) == "5 B"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (0.42, "0.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (90.4, "1 min 30 s"),
        (7205, "2 h 5 s"),
    ],
)
def test_durations_have_one_decimal_below_a_minute(seconds: float, text: str) -> None:
    """Reports say how long something took, not to the microsecond."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("ttl", "text"),
    [
        (timedelta(days=7), "7 d"),
        (timedelta(hours=1, minutes=30), "1 h 30 min"),
        (timedelta(seconds=30), "30 s"),
        (timedelta(milliseconds=100), "0.1 s"),
        (timedelta(days=1000, seconds=1), "1,000 d 1 s"),
    ],
)
def test_settings_are_durations_without_rounding(ttl: timedelta, text: str) -> None:
    """What was set is what is shown."""
    assert format_ttl(ttl) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (1.2, "2 s"), (65, "1 min 5 s"), (7265, "2 h 1 min")]
)
def test_time_left_is_whole_seconds_rounded_up(seconds: float, text: str) -> None:
    """An estimate: never too good, and no seconds beside hours."""
    assert format_time_left(seconds) == text


def test_printable_escapes_everything_that_steers_a_terminal_or_hides() -> None:
    """Controls, format characters, line separators and surrogates, all but ZWJ and ZWNJ."""
    steering = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zl", "Zp", "Cs"}
    } - {"\u200c", "\u200d"}
    assert {mark for mark in steering if printable(mark) == mark} == set()
    assert printable("a\nb\t\x1b[0m\x9b\u202e\ud800\udcff") == r"a\nb\t\x1b[0m\x9b\u202e\ud800\xff"


@pytest.mark.parametrize(
    "name", ["a b", "C:\\x", "日本語", "👨‍👩‍👧", "[bold]", "e\u0301", "می‌خواهم", "\u3000\xa0"]
)
def test_printable_leaves_names_in_any_script_alone(name: str) -> None:
    """Words, emoji and backslashes are shown as they are."""
    assert printable(name) == name


@pytest.fixture
def eastern(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in a zone five hours behind UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "EST5")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("eastern")
def test_times_for_people_are_local() -> None:
    """The user's zone, to the second; with an offset where that matters."""
    instant = datetime(2026, 11, 20, 14, 54, 2, 5, tzinfo=UTC)
    assert format_time(instant) == "2026-11-20 09:54:02"
    assert format_time(instant, offset=True) == "2026-11-20 09:54:02 -0500"
