"""`natsobj ls`."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, ObjectInfo, Store
from natsobj.cli.output.buckets import BUCKET_FIELDS
from natsobj.cli.output.folders import FOLDER_FIELDS
from natsobj.cli.output.objects import OBJECT_FIELDS
from natsobj.folders.level import one_level
from tests.behind import write_record
from tests.conftest import Serve
from tests.program import Program

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


async def fill(bucket: Bucket) -> None:
    """Three objects whose orders by name, size and time all differ."""
    await bucket.put("cats/b", b"12")
    await bucket.put("dogs/c", b"")
    await bucket.put("cats/a", b"1")


# Into a pipe


async def test_objects_are_rows_of_size_chunks_sha256_modified_and_name(cli: Program, bucket: Bucket) -> None:
    """Tab-separated, no header, nothing cut, the name last, the oldest change first."""
    await fill(bucket)
    result = cli("ls", bucket.name)
    assert (result.code, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.lines]
    assert [row[-1] for row in rows] == ["cats/b", "dogs/c", "cats/a"]
    assert [row[:2] for row in rows] == [["2", "1"], ["0", "0"], ["1", "1"]]
    assert all(re.fullmatch("[0-9a-f]{64}", row[2]) and re.fullmatch(TIME, row[3]) for row in rows)


async def test_buckets_are_rows_of_size_created_last_update_description_and_name(
    serve: Serve, cli: Program
) -> None:
    """A bucket that was never written to has no last update."""
    url = serve("jetstream: enabled").url
    assert cli("ls", "-s", url) == (0, b"", "")
    cli("add", "first", "--description", "a\tb", "-s", url)
    cli("add", "second", "-s", url)
    cli("put", "second", "k", "-s", url, input=b"x")
    first, second = (line.split("\t") for line in cli("ls", "-s", url).lines)
    assert first[0] == "0"
    assert (first[2:], len(first)) == (["", "a\\tb", "first"], 5)
    assert re.fullmatch(TIME, first[1])
    assert re.fullmatch(TIME, second[2])
    assert second[3:] == ["", "second"]


async def test_an_empty_bucket_prints_nothing(cli: Program, bucket: Bucket) -> None:
    """An empty list is no error."""
    for form in ([], ["-1"], ["-0"], ["--json"], ["--deleted"], ["--sort", "name"]):
        assert cli("ls", bucket.name, *form) == (0, b"", "")


async def test_odd_names_are_escaped_in_rows_and_raw_behind_null(cli: Program, bucket: Bucket) -> None:
    """One object is one line, and `-0` gives the exact bytes."""
    names = ["a\nb\tc\\d", "[bold]:smile:", "ünï/漢字", "../x", " ", "\x1b[31m", "e\u0301"]
    for name in names:
        await bucket.put(name, b"")
    raw = cli("ls", bucket.name, "-0").stdout
    assert raw == b"".join(name.encode() + b"\0" for name in names)
    lines = cli("ls", bucket.name, "-1").text.splitlines(keepends=False)
    assert lines[0] == "a\\nb\\tc\\\\d"
    assert lines[1:] == names[1:]
    assert [line.split("\t")[-1] for line in cli("ls", bucket.name).text.split("\n")[:-1]] == lines
    assert [json.loads(line)["name"] for line in cli("ls", bucket.name, "--json").lines] == names


async def test_json_is_one_object_a_line(cli: Program, bucket: Bucket) -> None:
    """JSON Lines with all the fields, compact."""
    await fill(bucket)
    lines = cli("ls", bucket.name, "--json").lines
    assert len(lines) == 3
    assert all(tuple(json.loads(line)) == OBJECT_FIELDS and ", " not in line for line in lines)
    listed = [json.loads(line) for line in cli("ls", "--json").lines]
    mine = next(each for each in listed if each["bucket"] == bucket.name)
    assert tuple(mine) == BUCKET_FIELDS
    assert (mine["objects"], mine["chunks"], mine["cluster"]) == (None, None, None)


async def test_checksums_are_lines_that_sha256sum_reads(cli: Program, bucket: Bucket) -> None:
    """The digest, two spaces and the name; names are selected and sorted as in other lists."""
    await fill(bucket)
    await bucket.put("odd\n\\", b"1")
    digests = {text: hashlib.sha256(text.encode()).hexdigest() for text in ("", "1", "12")}
    lines = [f"{digests['12']}  cats/b", f"{digests['']}  dogs/c", f"{digests['1']}  cats/a"]
    odd = f"\\{digests['1']}  odd\\n\\\\"
    assert cli("ls", bucket.name, "--sha256sum") == (0, "".join(f"{x}\n" for x in (*lines, odd)).encode(), "")
    assert cli("ls", bucket.name, "cats", "--sha256sum", "--sort", "name").lines == [lines[2], lines[0]]
    assert cli("ls", bucket.name, "--match", "dogs*", "--sha256sum").lines == [lines[1]]


async def test_checksums_leave_out_what_has_none_and_say_so(
    cli: Program, bucket: Bucket, client: Client
) -> None:
    """Links, and objects that were stored without a SHA-256; the note is dropped by -q."""
    assert cli("ls", bucket.name, "--sha256sum") == (0, b"", "")
    await bucket.put("a", b"1")
    await write_record(client, bucket, "link", {"options": {"link": {"bucket": bucket.name, "name": "a"}}})
    await write_record(client, bucket, "bare", {"nuid": "n"})
    result = cli("ls", bucket.name, "--sha256sum")
    assert (result.code, len(result.lines)) == (0, 1)
    assert result.stderr.startswith("left out 2 objects: ")
    assert cli("ls", bucket.name, "--sha256sum", "-q").stderr == ""


# Selecting and sorting


async def test_a_prefix_narrows_the_list(cli: Program, bucket: Bucket) -> None:
    """The prefix is a beginning of the name, not a folder."""
    await fill(bucket)
    assert cli("ls", bucket.name, "cats/", "-1").lines == ["cats/b", "cats/a"]
    assert cli("ls", bucket.name, "cats/a", "-1").lines == ["cats/a"]
    assert cli("ls", bucket.name, "birds/", "-1") == (0, b"", "")


async def test_match_takes_a_glob_that_crosses_slashes(cli: Program, bucket: Bucket) -> None:
    """`*` also matches `/`, for objects and for buckets."""
    await fill(bucket)
    assert cli("ls", bucket.name, "--match", "c*a", "-1").lines == ["cats/a"]
    assert cli("ls", bucket.name, "cats", "--match", "*b", "-1").lines == ["cats/b"]
    assert cli("ls", "--match", f"*{bucket.name[-8:]}", "-1").lines == [bucket.name]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (["--sort", "name"], ["cats/a", "cats/b", "dogs/c"]),
        (["--sort", "size"], ["dogs/c", "cats/a", "cats/b"]),
        (["--sort", "time"], ["cats/b", "dogs/c", "cats/a"]),
        (["--sort", "size", "--reverse"], ["cats/b", "cats/a", "dogs/c"]),
        (["--reverse"], ["cats/a", "dogs/c", "cats/b"]),
    ],
)
async def test_sorting_is_ascending_unless_reversed(
    cli: Program, bucket: Bucket, order: list[str], names: list[str]
) -> None:
    """Three orders, and each the other way around."""
    await fill(bucket)
    assert cli("ls", bucket.name, "-1", *order).lines == names


async def test_buckets_are_sorted_as_well(cli: Program, store: Store, bucket_name: str) -> None:
    """By name, size and last update; one that was never written to comes first."""
    names = [f"{bucket_name}-{each}" for each in "cab"]
    for size, name in zip((10, 0, 1000), names, strict=True):
        bucket = await store.create_bucket(BucketConfig(name))
        if size:
            await bucket.put("k", b"x" * size)
    for order, expected in (("name", "abc"), ("size", "acb"), ("time", "acb")):
        listed = cli("ls", "-1", "--match", f"{bucket_name}-*", "--sort", order).lines
        assert listed == [f"{bucket_name}-{each}" for each in expected]
    await asyncio.gather(*map(store.delete_bucket, names))


async def test_deleted_objects_show_only_when_asked_for(cli: Program, bucket: Bucket) -> None:
    """A tombstone has size 0 and no digest."""
    await fill(bucket)
    await bucket.delete("cats/b")
    assert cli("ls", bucket.name, "-1").lines == ["dogs/c", "cats/a"]
    rows = [line.split("\t") for line in cli("ls", bucket.name, "--deleted").lines]
    assert [row[-1] for row in rows] == ["dogs/c", "cats/a", "cats/b"]
    assert rows[-1][:3] == ["0", "0", ""]
    assert "cats/b (deleted)" in cli.terminal("ls", bucket.name, "--deleted").text
    assert [json.loads(line)["deleted"] for line in cli("ls", bucket.name, "--deleted", "--json").lines] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "forms",
    [
        ["-1", "-0"],
        ["-1", "--json"],
        ["-0", "--json"],
        ["-l", "-1"],
        ["-l", "-0"],
        *(["--sha256sum", other] for other in ("-1", "-0", "-l", "--json", "--deleted")),
    ],
)
def test_contradicting_formats_are_wrong_usage(bare_cli: Program, forms: list[str]) -> None:
    """One list has one form."""
    result = bare_cli("ls", "photos", *forms)
    assert (result.code, result.stdout) == (2, b"")
    assert "contradicting options" in result.stderr


@pytest.mark.parametrize("option", ["--deleted", "--sha256sum"])
def test_deleted_objects_and_checksums_are_those_of_a_bucket(bare_cli: Program, option: str) -> None:
    """There are no deleted buckets, and a bucket has no digest."""
    result = bare_cli("ls", option)
    assert (result.code, result.stdout) == (2, b"")
    assert f"{option} needs a BUCKET" in result.stderr


# On a terminal


async def test_objects_are_a_table_on_a_terminal(cli: Program, bucket: Bucket) -> None:
    """Twelve digits of the digest; the whole of it with `-l`; control characters escaped."""
    info = await bucket.put("a\x1b[31m[b]b\n", b"x" * 300_000)
    assert info.sha256
    shown = cli.terminal("ls", bucket.name, "--color", "never").text
    assert [cell.strip() for cell in shown.splitlines()[1].strip("│").split("│")] == [
        "Name",
        "Size",
        "Chunks",
        "Digest",
        "Modified",
    ]
    assert "a\\x1b[31m[b]b\\n" in shown
    assert f" {info.sha256[:12]} " in shown
    assert f" {info.sha256} " in cli.terminal("ls", bucket.name, "-l").text


async def test_a_table_is_sorted_by_name_and_has_a_total_below(cli: Program, bucket: Bucket) -> None:
    """Number and bytes in a line of their own; an order that was asked for stays."""
    await fill(bucket)
    await bucket.put("gone", b"123")
    await bucket.delete("gone")

    def names(*options: str) -> list[str]:
        shown = cli.terminal("ls", bucket.name, "--color", "never", *options).text.splitlines()
        assert shown[-1].startswith("3 objects  3 B")
        return [line.split()[1] for line in shown if line.startswith("│")][1:]

    assert names() == ["cats/a", "cats/b", "dogs/c"]
    assert names("--reverse") == ["dogs/c", "cats/b", "cats/a"]
    assert names("--sort", "size") == ["dogs/c", "cats/a", "cats/b"]
    assert "3 objects  3 B  1 deleted\n" in cli.terminal("ls", bucket.name, "--deleted").text
    shown = cli.terminal("ls", "--match", bucket.name).text.splitlines()
    assert re.fullmatch("1 bucket  .*B", shown[-1])


async def test_buckets_are_a_table_on_a_terminal(cli: Program, bucket: Bucket) -> None:
    """A bucket that was never written to says never; `-l` changes nothing here."""
    for form in ([], ["-l"]):
        shown = cli.terminal("ls", *form, "--match", bucket.name, "--color", "never").text.splitlines()
        cells = [cell.strip() for cell in shown[1].strip("│").split("│")]
        assert cells == ["Bucket", "Description", "Created", "Size", "Last Update"]
        assert bucket.name in shown[3]
        assert "never" in shown[3]


async def test_names_are_not_cut_on_a_narrow_terminal(cli: Program, bucket: Bucket) -> None:
    """The terminal wraps; the name is all there."""
    name = "x" * 300
    await bucket.put(name, b"")
    assert name in cli.terminal("ls", bucket.name, columns=40).text


async def test_names_and_json_are_for_programs_on_a_terminal_as_well(cli: Program, bucket: Bucket) -> None:
    """What was asked for is given, without frames; control characters stay escaped."""
    await bucket.put("a\x1b[31m", b"")
    assert cli.terminal("ls", bucket.name, "-1").text == "a\\x1b[31m\n"
    assert cli.terminal("ls", bucket.name, "--sha256sum").text.endswith("  a\\x1b[31m\n")
    assert json.loads(cli.terminal("ls", bucket.name, "--json").text)["name"] == "a\x1b[31m"


async def test_an_empty_list_is_said_on_a_terminal(cli: Program, bucket: Bucket) -> None:
    """Nobody stares at an empty frame."""
    assert cli.terminal("ls", bucket.name) == (0, b"no objects\n", "")


async def test_colour_is_off_when_asked_for(cli: Program, bucket: Bucket) -> None:
    """By NO_COLOR, a dumb terminal or `--color never`; otherwise the headings stand out."""
    await bucket.put("a", b"")
    assert b"\x1b[" in cli.terminal("ls", bucket.name).stdout
    assert b"\x1b[" not in cli.terminal("ls", bucket.name, env={"NO_COLOR": "1"}).stdout
    assert b"\x1b[" not in cli.terminal("ls", bucket.name, env={"TERM": "dumb"}).stdout
    assert b"\x1b[" not in cli.terminal("ls", bucket.name, "--color", "never").stdout


# Trouble


async def test_an_unreadable_record_does_not_hide_the_others(
    cli: Program, bucket: Bucket, client: Client
) -> None:
    """It is reported on stderr, as JSON where that was asked for, and the exit code is 1."""
    await bucket.put("a", b"")
    await client.request(f"$O.{bucket.name}.M.YnJva2Vu", b"{", timeout=5)
    await bucket.put("b", b"")
    result = cli("ls", bucket.name, "-1")
    assert (result.code, result.lines) == (1, ["a", "b"])
    assert result.stderr.startswith(f"natsobj: unreadable metadata: {bucket.name}/")
    result = cli("ls", bucket.name, "--json")
    assert (result.code, len(result.lines)) == (1, 2)
    assert json.loads(result.stderr)["error"]["code"] == "invalid_metadata"


async def test_a_link_says_where_it_leads(cli: Program, bucket: Bucket, client: Client) -> None:
    """On a terminal beside its name; its size is 0."""
    link = {"link": {"bucket": bucket.name, "name": "target"}}
    await write_record(client, bucket, "link", {"options": link})
    assert f"link -> {bucket.name}/target" in cli.terminal("ls", bucket.name).text
    assert cli("ls", bucket.name).lines[0].startswith("0\t0\t\t")


def test_a_missing_bucket_is_exit_code_3(cli: Program) -> None:
    """And nothing stands on standard output."""
    result = cli("ls", "zzz-no-such")
    assert (result.code, result.stdout) == (3, b"")
    assert result.stderr.startswith("natsobj: no such bucket: zzz-no-such")


async def test_many_objects_are_listed_whole(cli: Program, bucket: Bucket) -> None:
    """More than a table's first rows and than one block of output."""
    names = [f"{number:04}-{'x' * 90}" for number in range(1200)]
    await asyncio.gather(*(bucket.put(name, b"") for name in names))
    assert sorted(cli("ls", bucket.name, "-1").lines) == names
    shown = cli.terminal("ls", bucket.name, columns=300).text
    assert all(name in shown for name in names)
    assert shown.count("╭") == shown.count("╰") == 1


# One level


async def test_folders_are_counted_and_come_first(cli: Program, bucket: Bucket) -> None:
    """Each once by its whole name, with its objects and bytes, in every form; tombstones make none."""
    await fill(bucket)
    await bucket.put("birds/old", b"x")
    await bucket.delete("birds/old")
    for name in ("top", "cats/2026/x", "cats/"):
        await bucket.put(name, b"123")
    rows = [line.split("\t") for line in cli("ls", bucket.name, "--folders").lines]
    assert [(row[:2], row[3]) for row in rows] == [
        (["9", "4"], "cats/"),
        (["0", "1"], "dogs/"),
        (["3", "1"], "top"),
    ]
    assert all(re.fullmatch(TIME, row[2]) for row in rows)
    assert cli("ls", bucket.name, "cats/", "--folders", "-1").lines == [
        "cats/2026/",
        "cats/b",
        "cats/a",
        "cats/",
    ]
    first, *_, last = map(json.loads, cli("ls", bucket.name, "--folders", "--json").lines)
    assert first == {"folder": True, "name": "cats/", "objects": 4, "size": 9}
    assert tuple(first) == FOLDER_FIELDS
    assert tuple(last) == OBJECT_FIELDS
    order = cli("ls", bucket.name, "--folders", "-1", "--sort", "size").lines
    assert order == ["dogs/", "cats/", "top"]
    shown = cli.terminal("ls", bucket.name, "--folders", "--color", "never").text.splitlines()
    assert [line.split()[1] for line in shown[3:6]] == ["cats/", "dogs/", "top"]
    assert shown[-1] == "2 folders  6 objects  12 B"


async def test_a_level_of_many_objects_is_read_twice_and_not_held(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is lost or doubled, and what cannot be read is reported once."""
    await fill(bucket)
    await asyncio.gather(*(bucket.put(f"n{number}", b"") for number in range(5)))
    asked = []

    def read(first: bool) -> AsyncGenerator[ObjectInfo, None]:
        asked.append(first)
        return bucket.list()

    names = [entry.name async for entry in one_level(read, "", most=3)]
    assert names[:2] == ["cats/", "dogs/"]
    assert sorted(names[2:]) == [f"n{number}" for number in range(5)]
    assert asked == [True, False]
