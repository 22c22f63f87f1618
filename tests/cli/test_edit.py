"""`natsobj edit`."""

from __future__ import annotations

import json

import pytest

from natsobj import Bucket, ObjectMeta
from natsobj.cli.output.buckets import BUCKET_FIELDS
from natsobj.cli.output.objects import OBJECT_FIELDS
from tests.program import Program


async def test_edit_changes_what_is_said_about_an_object(cli: Program, bucket: Bucket) -> None:
    """A header that is named twice has two values; one line on stderr."""
    await bucket.put("k", b"content", ObjectMeta("old", {"A": "1", "B": "2"}, {"x": "1"}))
    line = [
        "-H",
        "A:8",
        "--header",
        "A:9",
        "--metadata",
        "y=2",
        "--remove-header",
        "B",
        "--remove-metadata",
        "x",
    ]
    result = cli("edit", bucket.name, "k", "--description", "größer", *line)
    assert result == (0, b"", f"edited {bucket.name}/k\n")
    info = await bucket.info("k")
    assert (info.description, info.headers, info.metadata) == ("größer", {"A": ("8", "9")}, {"y": "2"})
    shown = cli("edit", bucket.name, "k", "--description", "", "--json")
    fields = json.loads(shown.text)
    assert (tuple(fields), fields["description"], shown.stderr) == (OBJECT_FIELDS, None, "")


def test_edit_of_a_missing_key_is_exit_code_4(cli: Program, bucket: Bucket) -> None:
    """As everywhere."""
    result = cli("edit", bucket.name, "nothing", "--description", "new")
    assert (result.code, result.stdout) == (4, b"")


@pytest.mark.parametrize(
    "line", [["photos", "k"], ["photos"], ["photos", "k", "-H", "A B:1"], ["photos", "", "-H", "A:1"]]
)
def test_edit_refuses_what_makes_no_sense(bare_cli: Program, line: list[str]) -> None:
    """Nothing to change, an invalid header, an empty key."""
    result = bare_cli("edit", *line)
    assert (result.code, result.stdout, result.stderr.count("\n")) == (2, b"", 1)


# A bucket


async def test_edit_changes_a_bucket(cli: Program, bucket: Bucket) -> None:
    """One line on stderr; JSON is the bucket."""
    line = [
        "--ttl",
        "7d",
        "--max-bucket-size",
        "1G",
        "--compress",
        "--metadata",
        "a=1",
        "--description",
        "text",
    ]
    assert cli("edit", bucket.name, *line) == (0, b"", f"edited bucket {bucket.name}\n")
    limits = ["--no-ttl", "--no-max-bucket-size", "--no-compress", "--remove-metadata", "a"]
    shown = cli("edit", bucket.name, *limits, "--json")
    fields = json.loads(shown.text)
    assert (tuple(fields), shown.stderr, fields["description"]) == (BUCKET_FIELDS, "", "text")
    assert [fields[name] for name in ("ttl", "max_bytes", "compressed", "metadata")] == [
        None,
        None,
        False,
        None,
    ]
    assert cli("edit", bucket.name, "--storage", "file", "-q").code == 0
    refused = cli("edit", bucket.name, "--storage", "memory")
    assert refused.code == 6
    assert refused.stderr.endswith(
        "(no server changes the storage: natsobj add NEW --storage memory && "
        f"natsobj cp -r {bucket.name} '' NEW '' makes a copy)\n"
    )
    assert "storage" not in cli("edit", bucket.name, "--replicas", "3").expect(6).stderr
    assert cli("edit", "zzz-no-such", "--ttl", "7d").code == 3


@pytest.mark.parametrize(
    "line",
    [
        ["photos", "-H", "A:1"],
        ["photos", "k", "--ttl", "7d"],
        ["photos", "k", "--no-compress"],
        ["photos", "--ttl", "7d", "--no-ttl"],
        ["photos", "--max-bucket-size", "1G", "--no-max-bucket-size"],
        ["photos", "--replicas", "0"],
        ["photos", "--replicas", "6"],
    ],
)
def test_edit_tells_objects_from_buckets(bare_cli: Program, line: list[str]) -> None:
    """What is an object's needs a KEY, what is a bucket's takes none, and nothing is set and taken away."""
    result = bare_cli("edit", *line)
    assert (result.code, result.stdout, result.stderr.count("\n")) == (2, b"", 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["k", "-H", "A:1", "-H", "B:1", "--remove-header", "B"], "--header B and --remove-header B"),
        (["k", "--metadata", "a=1", "--remove-metadata", "a"], "--metadata a and --remove-metadata a"),
        (["--metadata", "a=1", "--remove-metadata", "a"], "--metadata a and --remove-metadata a"),
    ],
)
def test_edit_does_not_set_and_remove_the_same(bare_cli: Program, line: list[str], said: str) -> None:
    """Of an object and of a bucket."""
    result = bare_cli("edit", "photos", *line)
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.startswith(f"natsobj: contradicting options: {said} (")


async def test_edit_tells_names_apart_by_their_case(cli: Program, bucket: Bucket) -> None:
    """As every other client does: a header can get another spelling in one run."""
    await bucket.put("k", b"", ObjectMeta(headers={"ETAG": "1"}))
    assert cli("edit", bucket.name, "k", "-H", "Etag:1", "--remove-header", "ETAG", "-q").code == 0
    assert (await bucket.info("k")).headers == {"Etag": ("1",)}


# Seals


async def test_seal_asks_on_a_terminal_and_needs_force_elsewhere(cli: Program, bucket: Bucket) -> None:
    """Only the very name seals it; a second time is no error."""
    refused = cli("seal", bucket.name, input=bucket.name.encode())
    assert (refused.code, refused.stdout) == (2, b"")
    assert "--force" in refused.stderr
    answer = cli.terminal("seal", bucket.name, typed=b"yes\n")
    assert (answer.code, "never be written again" in answer.text) == (1, True)
    assert not (await bucket.status()).sealed
    assert cli.terminal("seal", bucket.name, typed=bucket.name.encode() + b"\n").code == 0
    assert (await bucket.status()).sealed
    assert cli("seal", "-f", bucket.name) == (0, b"", f"sealed bucket {bucket.name}\n")
    assert json.loads(cli("seal", "-f", bucket.name, "--json").text)["sealed"] is True
    assert cli("put", bucket.name, "k", "-").code == 6
    assert cli("edit", bucket.name, "--ttl", "7d").code == 6
