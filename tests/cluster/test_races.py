"""The races for one key, where three servers have to agree."""

from __future__ import annotations

from tests.faults.test_races import (  # noqa: F401  # pytest finds them here; the bucket is another one
    contents,
    test_eight_puts_of_one_key_leave_one_whole_object,
    test_put_if_absent_succeeds_exactly_once,
)
