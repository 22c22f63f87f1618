"""What `verify` and `gc` find, as text."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from natsobj.cli.output.checks import (
    ORPHAN_FIELDS,
    TOMBSTONE_FIELDS,
    VERDICT_FIELDS,
    Swept,
    Tally,
    found_json,
    found_row,
    found_table,
    verdict_json,
    verdict_row,
    verdict_table,
)
from natsobj.cli.output.formats import json_line
from natsobj.models import Orphan, Tombstone, Verdict

WHOLE = Verdict("photos", "cat.jpg", 5)
BROKEN = Verdict("photos", "a\tb\x1b", 10, "missing_chunks", "79 of 80 chunks are stored")
CHANGED = Verdict("photos", "new", 10, "changed", "it was replaced")
ORPHAN = Orphan("V7b", 80, timedelta(seconds=86_523.25), removed=True)
GONE = Tombstone("a\tb\x1b", timedelta(days=40), removed=False)


def drawn(table: object) -> str:
    """A table as a terminal of 80 columns shows it."""
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system=None)
    console.print(table, soft_wrap=True)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_fields_of_a_verdict_are_frozen() -> None:
    """`ok` is a truth, `problem` a word or null."""
    assert VERDICT_FIELDS == ("bucket", "name", "ok", "problem")
    assert json_line(verdict_json(WHOLE)) == '{"bucket":"photos","name":"cat.jpg","ok":true,"problem":null}'
    fields = verdict_json(BROKEN)
    assert tuple(fields) == VERDICT_FIELDS
    assert (fields["ok"], fields["problem"]) == (False, "missing_chunks")


def test_the_fields_of_orphans_and_tombstones_are_frozen() -> None:
    """Ages are seconds."""
    assert ORPHAN_FIELDS == ("nuid", "chunks", "age", "removed")
    assert TOMBSTONE_FIELDS == ("name", "tombstone", "age", "removed")
    assert json_line(found_json(ORPHAN)) == '{"nuid":"V7b","chunks":80,"age":86523.25,"removed":true}'
    assert tuple(found_json(ORPHAN)) == ORPHAN_FIELDS
    fields = json.loads(json_line(found_json(GONE)))
    assert tuple(fields) == TOMBSTONE_FIELDS
    assert fields == {"name": "a\tb\x1b", "tombstone": True, "age": 3_456_000, "removed": False}


def test_rows_end_in_the_name() -> None:
    """Escaped, and the columns before it have their places."""
    assert verdict_row(WHOLE) == "true\t\tcat.jpg"
    assert verdict_row(BROKEN) == "false\tmissing_chunks\ta\\tb\x1b"
    assert found_row(ORPHAN) == "80\t86523.25\ttrue\tV7b"
    assert found_row(GONE) == "tombstone\t3456000.0\tfalse\ta\\tb\x1b"


def test_a_table_says_what_exactly_is_wrong() -> None:
    """In a terminal, control characters in names are shown escaped."""
    shown = drawn(verdict_table([BROKEN]))
    for text in ("Name", "Problem", "Detail", "a\\tb\\x1b", "missing_chunks", "79 of 80 chunks are stored"):
        assert text in shown


def test_a_table_tells_orphans_from_tombstones() -> None:
    """An age is rounded to what somebody wants to know."""
    shown = drawn(found_table([ORPHAN, GONE]))
    for text in ("Orphan", "Chunks", "Age", "V7b", "80", "1 d 2 min", "a\\tb\\x1b (deleted)", "40 d"):
        assert text in shown


@pytest.mark.parametrize(
    ("verdicts", "quick", "line"),
    [
        ([WHOLE], False, "verified photos  1 object  5 B  0.4 s"),
        (
            [WHOLE, BROKEN, CHANGED],
            False,
            "verified photos  3 objects  25 B  1 broken  1 changed meanwhile  0.4 s",
        ),
        ([BROKEN], True, "checked photos  1 object  10 B  content not read  1 broken  0.4 s"),
        ([], False, "verified photos  0 objects  0 B  0.4 s"),
    ],
)
def test_all_verdicts_are_one_line(verdicts: list[Verdict], quick: bool, line: str) -> None:
    """How many, how much, and how many are not whole."""
    tally = Tally()
    for verdict in verdicts:
        tally.add(verdict)
    assert tally.line("photos", 0.4, quick=quick) == line


@pytest.mark.parametrize(
    ("found", "dry_run", "line"),
    [
        ([ORPHAN, ORPHAN], False, "removed from photos  2 orphans  160 chunks  0.4 s"),
        (
            [Orphan("N", 1, timedelta()), GONE],
            True,
            "would remove from photos  1 orphan  1 chunk  1 tombstone  0.4 s",
        ),
        (
            [Orphan("N", 1, timedelta())],
            False,
            "nothing to remove from photos  1 left for another run  0.4 s",
        ),
        (
            [Orphan("N", 1, timedelta(), young=True)],
            False,
            "nothing to remove from photos  1 younger than 1 d  0.4 s",
        ),
        ([], True, "nothing to remove from photos  0.4 s"),
    ],
)
def test_all_that_was_found_is_one_line(found: list[Orphan | Tombstone], dry_run: bool, line: str) -> None:
    """What was removed or would be, and what stays."""
    swept = Swept(dry_run=dry_run)
    for each in found:
        swept.add(each)
    assert swept.line("photos", timedelta(hours=24), 0.4) == line
