"""Lists as they appear on a terminal of a given width."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from natsobj.cli.output import buckets, formats, objects
from natsobj.cli.output.table import Table
from natsobj.models import Link, ObjectInfo
from tests.cli.drawn import BUCKET, DATA, SHA256, draw, shown, terminal

pytestmark = pytest.mark.usefixtures("utc")

SCREENS = Path(__file__).parent / "screens"
HOSTILE = [
    "[bold]x[/bold]",
    "[/x]",
    ":smile:",
    "a\nb",
    "\x1b[31mred",
    "\x9b2J",
    "\u202egpj.exe",
    "日本語/ファイル.txt",
    "🎉🎉🎉",
    "👨‍👩‍👧",
    "e\u0301",
    "n" * 300,
    "日" * 150,
]


def test_object_table_is_the_one_of_the_documentation() -> None:
    """Frame, headings, right-aligned numbers, twelve digits of the digest, local time."""
    assert draw(objects.object_table([DATA])) == [
        "╭────────────────────┬────────┬────────┬──────────────┬─────────────────────╮",
        "│ Name               │   Size │ Chunks │ Digest       │ Modified            │",
        "├────────────────────┼────────┼────────┼──────────────┼─────────────────────┤",
        "│ my/random/data.bin │ 10 MiB │     80 │ d34334673e4e │ 2026-11-20 14:54:02 │",
        "╰────────────────────┴────────┴────────┴──────────────┴─────────────────────╯",
    ]


def test_bucket_table_is_the_one_of_the_documentation() -> None:
    """Frame, headings, right-aligned size, local times."""
    assert draw(buckets.bucket_table([BUCKET])) == [
        "╭─────────────┬─────────────┬─────────────────────┬────────┬─────────────────────╮",
        "│ Bucket      │ Description │ Created             │   Size │ Last Update         │",
        "├─────────────┼─────────────┼─────────────────────┼────────┼─────────────────────┤",
        "│ test-bucket │             │ 2026-11-20 14:10:27 │ 10 MiB │ 2026-11-20 14:54:02 │",
        "╰─────────────┴─────────────┴─────────────────────┴────────┴─────────────────────╯",
    ]


def test_bucket_table_says_never_for_a_bucket_without_writes() -> None:
    """An empty cell would look like a missing value."""
    assert draw(buckets.bucket_table([replace(BUCKET, last_update=None)]))[3].endswith("│ never       │")


def test_bucket_table_that_is_too_wide_leaves_out_a_column_without_texts() -> None:
    """On 80 columns an empty description would cost every bucket a line."""
    lines = draw(buckets.bucket_table([BUCKET]), 80)
    assert lines[1] == "│ Bucket      │ Created             │   Size │ Last Update         │"
    assert lines[3] == "│ test-bucket │ 2026-11-20 14:10:27 │ 10 MiB │ 2026-11-20 14:54:02 │"


def test_bucket_table_cuts_long_descriptions_so_that_a_row_is_one_line() -> None:
    """Names are whole, `info` has the whole description, and the mark says that there is more."""
    lines = draw(buckets.bucket_table([replace(BUCKET, description="photos of all cats 日本 " + "x" * 40)]))
    assert "│ photos of all cats 日本 xxxx… │" in lines[3]
    assert {cell_len(line) for line in lines} == {100}


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("length", range(10, 61, 5))
def test_a_row_is_one_line_and_its_name_is_whole(width: int, length: int) -> None:
    """Whatever else has to give way."""
    name = ("photos/2026/a-day-in-the-mountains/" * 2)[:length]
    large = replace(DATA, name="b" * 10, chunks=819200, size=1023 * 1024**3)
    rows = [replace(DATA, name=name), large]
    for table in (objects.object_table(rows), objects.object_table(rows, more_follow=True)):
        lines = draw(table, width)
        assert {cell_len(line) for line in lines} <= set(range(width + 1))
        assert sum(name in line for line in lines) == 1
        assert sum("b" * 10 in line for line in lines) == 1
        assert len(lines) in {6, 4, 3}  # with a frame, and without one
    described = [replace(BUCKET, bucket=name, description="cats and dogs " * 5), BUCKET]
    lines = draw(buckets.bucket_table(described), width)
    assert max(map(cell_len, lines)) <= width
    assert sum(name in line for line in lines) == 1


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_tables_look_as_they_did(width: int) -> None:
    """What is seen at each width, to be looked at when it changes: `tests/cli/screens`."""
    short = [replace(DATA, name=name) for name in ("a.txt", "photos/2026/cat.jpg")]
    gone = replace(DATA, name="photos/old.jpg", deleted=True)
    link = replace(DATA, name="latest", size=0, chunks=0, sha256=None, link=Link("other", "photos/cat.jpg"))
    long = replace(DATA, name="photos/2026/11/a-day-in-the-mountains/cat.jpg", chunks=9830)
    described = replace(
        BUCKET, bucket="photos-of-cats-and-dogs", description="What the cameras at the door saw"
    )
    tables = (
        objects.object_table([*short, gone]),
        objects.object_table([*short, link, long]),
        objects.object_table(short, long=True),
        buckets.bucket_table([BUCKET, replace(BUCKET, bucket="empty", last_update=None)]),
        buckets.bucket_table([BUCKET, described]),
    )
    shown = "\n".join("\n".join([*draw(table, width), ""]) for table in tables)
    assert shown == (SCREENS / f"tables-{width}.txt").read_text("utf-8")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("width", [200, 80, 40])
def test_object_table_shows_every_name_whole_and_harmless(name: str, width: int) -> None:
    """At any width: no markup, no emoji codes, no control characters, nothing cut or broken."""
    lines = draw(objects.object_table([DATA, replace(DATA, name=name)]), width)
    assert any(formats.printable(name) in line for line in lines)
    assert all(formats.printable(line) == line for line in lines)
    assert sum("my/random/data.bin" in line for line in lines) == 1
    if width > 40:
        assert sum("│ 2026-11-20" in line for line in lines) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_bucket_table_shows_every_description_harmless(name: str) -> None:
    """Descriptions are user data as names are."""
    lines = draw(buckets.bucket_table([replace(BUCKET, description=name)]), 400)
    assert f"│ {formats.printable(name)} " in lines[3]
    assert all(formats.printable(line) == line for line in lines)


def test_object_table_aligns_wide_characters() -> None:
    """Columns stay straight beside CJK and emoji."""
    names = ["plain", "日本語", "🎉", "👨‍👩‍👧", "e\u0301"]
    lines = draw(objects.object_table([replace(DATA, name=name) for name in names]))
    assert len({cell_len(line) for line in lines}) == 1


def test_object_table_gives_a_name_without_room_its_own_line() -> None:
    """A name wider than the terminal costs the others nothing: they have all of their columns."""
    lines = draw(objects.object_table([replace(DATA, name="n" * 81), replace(DATA, name="short")]), 80)
    row = " │ 10 MiB │     80 │ d34334673e4e │ 2026-11-20 14:54:02 │"
    assert lines[3].startswith(f"│ {'n' * 81} ")
    assert lines[4:6] == [f"│      {row}", f"│ short{row}"]


def test_object_table_gives_the_columns_back_what_nobody_needs() -> None:
    """Where the digest is gone the time may have its minutes, and all of itself where there is room."""
    lines = draw(objects.object_table([replace(DATA, name="n" * 38)]), 80)
    assert lines[3] == f"│ {'n' * 38} │ 10 MiB │     80 │ 2026-11-20 14:54 │"


def test_object_table_shows_whole_digests_when_asked() -> None:
    """`--long` is all 64 digits."""
    assert f"│ {SHA256} │" in draw(objects.object_table([DATA], long=True))[3]


def test_object_table_marks_tombstones_and_links() -> None:
    """A tombstone says so and has no digest; a link shows where it leads."""
    gone = replace(DATA, name="gone", deleted=True)
    link = replace(DATA, name="ln", size=0, chunks=0, sha256=None, link=Link("other", "a[b]\x1b"))
    lines = draw(objects.object_table([gone, link, replace(link, link=Link("other"))]))
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines[3:-1]]
    assert cells[0] == ["gone (deleted)", "0 B", "0", "", "2026-11-20 14:54:02"]
    assert cells[1] == [r"ln -> other/a[b]\x1b", "0 B", "0", "", "2026-11-20 14:54:02"]
    assert cells[2][0] == "ln -> other"


def test_object_table_separates_thousands_of_chunks() -> None:
    """Numbers that people read have separators."""
    assert "│  9,830 │" in draw(objects.object_table([replace(DATA, chunks=9830)]))[3]


def test_headings_are_bold_and_names_bring_no_styles_of_their_own() -> None:
    """What is deleted is dim, and says so in words, too."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system="standard")
    console.print(objects.object_table([replace(DATA, name="[red]Size[/red]")]), soft_wrap=True)
    lines = shown(console)
    assert lines[1].startswith("│ \x1b[1mName\x1b[0m ")
    assert lines[1].count("\x1b[1m") == 5
    assert not any("\x1b" in line for line in (lines[0], *lines[2:]))
    console.print(objects.object_table([replace(DATA, deleted=True)]), soft_wrap=True)
    assert "\x1b[2m my/random/data.bin (deleted) \x1b[0m" in shown(console)[-2]


def test_tables_fall_back_to_ascii_where_the_stream_is_not_utf() -> None:
    """A frame must not be what ends the program."""
    console = Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding="latin-1"),
        force_terminal=True,
        width=100,
        color_system=None,
    )
    console.print(objects.object_table([DATA]), soft_wrap=True)
    console.file.flush()


def parts(table: Table[ObjectInfo], *later: list[ObjectInfo], width: int = 100) -> list[str]:
    """Give the lines of a table that is drawn row by row."""
    console = terminal(width)
    console.print(table.start(console.options), soft_wrap=True)
    for items in later:
        console.print(table.more(items), soft_wrap=True)
    console.print(table.end(), soft_wrap=True)
    return shown(console)


def test_table_in_parts_looks_like_one_table() -> None:
    """Rows that come later fit the columns that the first ones decided."""
    first = [replace(DATA, name=f"file-{number}") for number in range(3)]
    later = [
        replace(DATA, name="x", size=1023 * 1024**2, chunks=131072),
        replace(DATA, name="wide name " * 9),
    ]
    lines = parts(objects.object_table(first, more_follow=True), later[:1], later[1:])
    assert len(lines) == 3 + 3 + 1 + 2 + 1
    assert len({len(line) for line in lines[:7] + lines[8:]}) == 1
    assert "│ 1023 MiB │ 131,072 │" in lines[6]
    assert f"│ {'wide name ' * 9}" in lines[7]


def test_table_of_many_rows_is_drawn_in_linear_time() -> None:
    """20,000 rows are a matter of a second or so, where a Rich table takes many."""
    infos = [replace(DATA, name=f"dir/{number:06}") for number in range(20_000)]
    pages = [infos[start : start + 500] for start in range(500, 20_000, 500)]
    started = time.process_time()
    lines = parts(objects.object_table(infos[:500], more_follow=True), *pages)
    assert len(lines) == 20_004
    assert time.process_time() - started < 10
