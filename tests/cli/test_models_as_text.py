"""Models as JSON, as rows and as reports."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from natsobj.cli.output import account, buckets, formats, objects
from natsobj.models import (
    AccountInfo,
    BucketInfo,
    Cluster,
    Link,
    ObjectInfo,
    Placement,
    Replica,
)

TIME = datetime(2026, 11, 20, 14, 54, 2, 5, tzinfo=UTC)
SHA256 = "d34334673e4e" + "0" * 52
PLAIN = ObjectInfo(bucket="photos", name="cat.jpg", size=5, chunks=1, modified=TIME, revision=2)
FULL = ObjectInfo(
    bucket="photos",
    name="cats/é 日本.jpg",
    size=10485760,
    chunks=80,
    chunk_size=131072,
    digest="SHA-256=00NDZz5O",
    sha256=SHA256,
    modified=TIME,
    nuid="XYZ",
    revision=81,
    description="a cat",
    headers={"X-A": ("1", "2")},
    metadata={"k": "v"},
)
BUCKET = BucketInfo(bucket="photos", stream="OBJ_photos", created=TIME, size=12)
FULL_BUCKET = BucketInfo(
    bucket="photos",
    stream="OBJ_photos",
    created=TIME,
    size=12,
    description="our cats",
    last_update=TIME,
    objects=3,
    chunks=4,
    storage="memory",
    replicas=3,
    ttl=timedelta(hours=1),
    max_bytes=1024,
    sealed=True,
    compressed=True,
    metadata={"team": "a"},
    placement=Placement("east", ("ssd",)),
    cluster=Cluster("C1", "n1", (Replica("n2", True, 0), Replica("n3", False, 7))),
)
ACCOUNT = AccountInfo(2, 24, {"file": 24, "memory": 0}, {"file": None, "streams": 5}, "n1 (2.15.1)")


def test_json_of_an_object_has_the_frozen_fields_in_their_order() -> None:
    """What programs rely on: every field, every time, in the documented order."""
    frozen = (
        "bucket name size chunks chunk_size digest sha256 modified nuid revision description headers "
        "metadata link deleted"
    )
    assert frozen.split() == list(objects.OBJECT_FIELDS)
    assert list(objects.object_json(FULL)) == list(objects.object_json(PLAIN)) == frozen.split()


def test_json_of_a_bucket_has_the_frozen_fields_in_their_order() -> None:
    """What programs rely on: every field, every time, in the documented order."""
    frozen = (
        "bucket description created last_update size objects chunks storage replicas ttl max_bytes sealed "
        "compressed metadata placement stream cluster"
    )
    assert frozen.split() == list(buckets.BUCKET_FIELDS)
    assert list(buckets.bucket_json(FULL_BUCKET)) == list(buckets.bucket_json(BUCKET)) == frozen.split()


def test_json_of_the_account_and_the_server_has_the_frozen_fields_in_their_order() -> None:
    """What programs rely on: every field, every time, in the documented order."""
    assert account.ACCOUNT_FIELDS == ("buckets", "size", "storage", "limits", "server", "cluster", "domain")
    assert tuple(account.account_json(ACCOUNT)) == account.ACCOUNT_FIELDS
    assert account.SERVER_FIELDS == ("running", "pid", "url", "data")
    assert tuple(account.server_json(pid=None, url=None, data=None)) == account.SERVER_FIELDS


def test_json_line_of_an_object_is_compact_and_says_everything() -> None:
    """Integers, six decimals and Z, lists of header values, the digest as stored and in hex."""
    assert formats.json_line(objects.object_json(FULL)) == (
        '{"bucket":"photos","name":"cats/é 日本.jpg","size":10485760,"chunks":80,"chunk_size":131072,'
        f'"digest":"SHA-256=00NDZz5O","sha256":"{SHA256}","modified":"2026-11-20T14:54:02.000005Z",'
        '"nuid":"XYZ","revision":81,"description":"a cat","headers":{"X-A":["1","2"]},"metadata":{"k":"v"},'
        '"link":null,"deleted":false}'
    )


LINK = ObjectInfo(
    "b",
    '\x7f\ud800\u202e\n"\\',
    0,
    0,
    TIME,
    1,
    link=Link("other"),
    headers={"\x00": ("%s", "é")},
    deleted=True,
)


@pytest.mark.parametrize("info", [FULL, PLAIN, LINK, replace(LINK, link=Link("other", "\u2028"))])
def test_quick_json_line_of_an_object_is_that_of_its_fields(info: ObjectInfo) -> None:
    """A list writes each object without a dict of its fields, and byte for byte the same."""
    assert objects.object_json_line(info) == formats.json_line(objects.object_json(info))


def test_json_of_a_bare_object_has_null_for_what_is_absent() -> None:
    """Absent is null, headers and metadata without entries as well."""
    fields = objects.object_json(PLAIN)
    absent = {name for name, value in fields.items() if value is None}
    assert absent == set("chunk_size digest sha256 nuid description headers metadata link".split())


@pytest.mark.parametrize(
    ("link", "fields"),
    [
        (Link("other", "a"), {"bucket": "other", "name": "a"}),
        (Link("other"), {"bucket": "other", "name": None}),
    ],
)
def test_json_of_a_link_names_its_target(link: Link, fields: dict[str, str | None]) -> None:
    """A link to an object names both, one to a bucket has no name."""
    info = ObjectInfo(bucket="b", name="ln", size=0, chunks=0, modified=TIME, revision=1, link=link)
    assert objects.object_json(info)["link"] == fields


def test_json_of_a_bucket_nests_placement_and_cluster() -> None:
    """Durations are seconds, nested values plain objects."""
    fields = buckets.bucket_json(FULL_BUCKET)
    assert (fields["ttl"], fields["last_update"]) == (3600, "2026-11-20T14:54:02.000005Z")
    assert fields["placement"] == {"cluster": "east", "tags": ["ssd"]}
    assert fields["cluster"] == {
        "name": "C1",
        "leader": "n1",
        "replicas": [{"name": "n2", "current": True, "lag": 0}, {"name": "n3", "current": False, "lag": 7}],
    }


def test_json_of_a_listed_bucket_has_null_for_what_was_not_counted() -> None:
    """Absent is null, never 0 or a string."""
    fields = buckets.bucket_json(BUCKET)
    absent = {name for name, value in fields.items() if value is None}
    expected = "description last_update objects chunks ttl max_bytes metadata placement cluster"
    assert absent == set(expected.split())


@pytest.mark.parametrize(
    ("ttl", "text"),
    [
        (timedelta(seconds=90), '{"ttl":90}'),
        (timedelta(milliseconds=1500), '{"ttl":1.5}'),
    ],
)
def test_json_durations_are_integers_when_whole(ttl: timedelta, text: str) -> None:
    """Seconds: an integer where it can be, else a decimal number."""
    bucket = BucketInfo(bucket="b", stream="OBJ_b", created=TIME, size=0, ttl=ttl)
    assert formats.json_line({"ttl": buckets.bucket_json(bucket)["ttl"]}) == text


def test_json_times_are_utc_whatever_zone_they_came_in() -> None:
    """The instant counts, not the zone."""
    there = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    bucket = BucketInfo(bucket="b", stream="OBJ_b", created=there, size=0)
    assert buckets.bucket_json(bucket)["created"] == "2025-12-31T23:00:00.000000Z"


def test_json_of_the_server_says_whether_it_runs() -> None:
    """A server runs when it has a process."""
    running = account.server_json(pid=12, url="nats://127.0.0.1:4333", data=Path("/data"))
    assert formats.json_line(running) == (
        '{"running":true,"pid":12,"url":"nats://127.0.0.1:4333","data":"/data"}'
    )
    assert account.server_json(pid=None, url=None, data=None)["running"] is False


@pytest.mark.parametrize(
    "name", ["\ud800", "a\udcffb", "\x1b[31m", "\x9b31m", "\u202egpj", "\u2028", "\U000e0001"]
)
def test_json_line_carries_hostile_names_without_harm(name: str) -> None:
    """A parser gets the very name back, a UTF-8 stream takes the line, a terminal sees only escapes."""
    line = formats.json_line({"name": name})
    assert json.loads(line) == {"name": name}
    assert line.encode().decode() == line
    assert formats.printable(line) == line


def test_json_line_is_one_line_for_names_with_newlines() -> None:
    """JSON Lines: one object, one line, for every way of splitting lines."""
    assert len(formats.json_line({"name": "a\nb\rc\u2028d\x85e"}).splitlines()) == 1


def test_object_row_puts_the_name_last() -> None:
    """Columns as documented; whole digest, integers, RFC 3339."""
    row = objects.object_row(FULL)
    assert row == f"10485760\t80\t{SHA256}\t2026-11-20T14:54:02.000005Z\tcats/é 日本.jpg"


def test_object_row_leaves_an_absent_digest_empty() -> None:
    """Absent is an empty column, not a missing one."""
    assert objects.object_row(PLAIN) == "5\t1\t\t2026-11-20T14:54:02.000005Z\tcat.jpg"


def test_object_row_of_a_tombstone_has_size_zero_and_no_digest() -> None:
    """Even when the record still carries the values of the object that was."""
    tomb = ObjectInfo(
        bucket="b", name="gone", size=9, chunks=1, sha256=SHA256, modified=TIME, revision=1, deleted=True
    )
    assert objects.object_row(tomb) == "0\t0\t\t2026-11-20T14:54:02.000005Z\tgone"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a b/é*", f"{SHA256}  a b/é*"),
        (" a\t", f"{SHA256}   a\t"),
        ("a\nb\\c\rd", f"\\{SHA256}  a\\nb\\\\c\\rd"),
        ("-", f"{SHA256}  ./-"),
    ],
)
def test_checksum_line_is_what_sha256sum_writes(name: str, line: str) -> None:
    """A name that needs escaping is marked before the digest; standard input is not meant by `-`."""
    assert objects.checksum_line(replace(FULL, name=name)) == line


def test_checksum_line_is_none_for_what_cannot_be_checked() -> None:
    """A link, an object without a SHA-256, and a name that no file has."""
    for info in (replace(FULL, link=Link("b", "k")), PLAIN, replace(FULL, name="a\0b")):
        assert objects.checksum_line(info) is None


def test_bucket_row_puts_the_name_last() -> None:
    """Columns as documented; a bucket that was never written has an empty last update."""
    assert buckets.bucket_row(FULL_BUCKET) == (
        "12\t2026-11-20T14:54:02.000005Z\t2026-11-20T14:54:02.000005Z\tour cats\tphotos"
    )
    assert buckets.bucket_row(BUCKET) == "12\t2026-11-20T14:54:02.000005Z\t\t\tphotos"


def test_field_lines_follow_the_json_fields() -> None:
    """One line a field: null is empty, booleans and numbers as in JSON, nested values compact JSON."""
    lines = formats.field_lines(buckets.bucket_json(FULL_BUCKET)).split("\n")
    assert [line.split("\t")[0] for line in lines] == list(buckets.BUCKET_FIELDS)
    assert {"ttl\t3600", "sealed\ttrue", 'metadata\t{"team":"a"}'} <= set(lines)
    assert 'placement\t{"cluster":"east","tags":["ssd"]}' in lines
    assert {"description\t", "sealed\tfalse", "objects\t"} <= set(
        formats.field_lines(buckets.bucket_json(BUCKET)).split("\n")
    )


def test_field_lines_escape_text_but_leave_nested_json_whole() -> None:
    """Text is escaped as in rows; nested JSON stays something that a JSON parser reads."""
    lines = formats.field_lines({"description": "a\tb\\", "metadata": {"k": "a\tb\\"}}).split("\n")
    assert lines[0] == "description\ta\\tb\\\\"
    assert json.loads(lines[1].split("\t")[1]) == {"k": "a\tb\\"}


def test_stored_line_reports_name_size_chunks_digest_and_time() -> None:
    """The line of the documentation, to the letter; one chunk is no chunks."""
    assert objects.stored_line(FULL, 0.42) == (
        "stored photos/cats/é 日本.jpg  10 MiB  80 chunks  sha256:d34334673e4e  0.4 s"
    )
    assert objects.stored_line(PLAIN, 0.04) == "stored photos/cat.jpg  5 B  1 chunk  0.0 s"


def test_stored_line_separates_thousands_of_chunks() -> None:
    """Numbers that people read have separators."""
    many = ObjectInfo(bucket="b", name="x", size=1288490188, chunks=9830, modified=TIME, revision=1)
    assert objects.stored_line(many, 2.9) == "stored b/x  1.2 GiB  9,830 chunks  2.9 s"


def test_fetched_part_line_says_which_part_and_that_nobody_verified_it() -> None:
    """The digest is that of the whole and would say nothing of a part."""
    assert objects.fetched_part_line(FULL, 4096, 1024, 0.1) == (
        "fetched photos/cats/é 日本.jpg  1 KiB of 10 MiB from 4,096  not verified  0.1 s"
    )


def test_changed_line_says_what_was_done_to_one_of_many() -> None:
    """In the words of a single one, without the time."""
    line = objects.fetched_line(FULL, 1).rpartition("  ")[0]
    assert objects.changed_line("fetched", FULL) == line
    assert objects.changed_line("unchanged", FULL) == line.replace("fetched", "unchanged")


def test_fetched_line_reports_name_size_digest_and_time() -> None:
    """The line of the documentation, to the letter."""
    assert objects.fetched_line(FULL, 2.4) == (
        "fetched photos/cats/é 日本.jpg  10 MiB  sha256:d34334673e4e  2.4 s"
    )


def test_deleted_line_reports_what_was_deleted() -> None:
    """An object with its size, a link with its target."""
    link = ObjectInfo(
        bucket="b", name="ln", size=0, chunks=0, modified=TIME, revision=1, link=Link("other", "a\nb")
    )
    assert objects.deleted_line(FULL) == "deleted photos/cats/é 日本.jpg  10 MiB  sha256:d34334673e4e"
    assert objects.deleted_line(link) == r"deleted b/ln  -> other/a\nb"


def test_bucket_reports_name_the_bucket() -> None:
    """One line each."""
    assert buckets.created_bucket_line("photos") == "created bucket photos"
    assert buckets.deleted_bucket_line("photos") == "deleted bucket photos"


def test_reports_escape_names() -> None:
    """A report stays one harmless line whatever the key."""
    evil = ObjectInfo(bucket="b", name="a\n\x1b[2J", size=0, chunks=0, modified=TIME, revision=1)
    assert objects.stored_line(evil, 0).startswith(r"stored b/a\n\x1b[2J  0 B  0 chunks")


def test_importing_render_loads_neither_rich_nor_asyncio_nor_nats() -> None:
    """A pipe does not pay for what only terminals and connections need."""
    code = (
        "import sys, natsobj.cli.output.objects, natsobj.cli.output.buckets, natsobj.cli.output.progress\n"
        "print({'rich', 'asyncio', 'nats'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "set()\n", "")
