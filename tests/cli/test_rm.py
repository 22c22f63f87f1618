"""`natsobj rm`."""

from __future__ import annotations

import json

import pytest

from natsobj import Bucket, Store
from natsobj.cli.output.buckets import BUCKET_FIELDS
from natsobj.cli.output.objects import OBJECT_FIELDS
from tests.program import Program


async def keys(bucket: Bucket) -> list[str]:
    """What is in a bucket."""
    return [info.name async for info in bucket.list()]


async def test_rm_deletes_an_object_and_says_so(cli: Program, bucket: Bucket) -> None:
    """One line on stderr, nothing on standard output."""
    info = await bucket.put("a/b", b"hello")
    assert info.sha256
    result = cli("rm", bucket.name, "a/b")
    assert result == (0, b"", f"deleted {bucket.name}/a/b  5 B  sha256:{info.sha256[:12]}\n")
    assert await keys(bucket) == []
    assert cli("info", bucket.name, "a/b").code == 4


async def test_rm_json_gives_the_object_as_it_was(cli: Program, bucket: Bucket) -> None:
    """With `deleted` true, one line for each key."""
    await bucket.put("a", b"hello")
    await bucket.put("b", b"")
    result = cli("rm", bucket.name, "b", "a", "--json")
    assert (result.code, result.stderr) == (0, "")
    gone = [json.loads(line) for line in result.lines]
    assert all(tuple(each) == OBJECT_FIELDS for each in gone)
    assert [(each["name"], each["size"], each["deleted"]) for each in gone] == [
        ("b", 0, True),
        ("a", 5, True),
    ]


async def test_rm_of_a_missing_key_is_exit_code_4(cli: Program, bucket: Bucket) -> None:
    """A tombstone is missing, too."""
    await bucket.put("gone", b"")
    await bucket.delete("gone")
    for key in ("nothing", "gone"):
        result = cli("rm", bucket.name, key)
        assert (result.code, result.stdout) == (4, b"")
        assert result.stderr.startswith(f"natsobj: no such object: {bucket.name}/{key}")


async def test_rm_force_forgives_a_missing_key(cli: Program, bucket: Bucket) -> None:
    """Silently, and the others are deleted."""
    await bucket.put("a", b"")
    assert cli("rm", "-f", bucket.name, "nothing") == (0, b"", "")
    assert cli("rm", bucket.name, "nothing", "a", "-f", "-q") == (0, b"", "")
    assert await keys(bucket) == []


async def test_rm_of_several_keys_goes_on_behind_a_missing_one(cli: Program, bucket: Bucket) -> None:
    """The others are deleted in order, the failures are counted, the exit code is 1."""
    for key in "abc":
        await bucket.put(key, b"")
    result = cli("rm", bucket.name, "a", "x", "c", "y")
    assert (result.code, result.stdout) == (1, b"")
    said = [line.split()[:5] for line in result.stderr.splitlines()]
    assert [" ".join(words) for words in said] == [
        f"deleted {bucket.name}/a 0 B sha256:e3b0c44298fc",
        f"natsobj: no such object: {bucket.name}/x",
        f"deleted {bucket.name}/c 0 B sha256:e3b0c44298fc",
        f"natsobj: no such object: {bucket.name}/y",
        "2 of 4 failed",
    ]
    assert await keys(bucket) == ["b"]


async def test_rm_n_shows_which_keys_would_go(cli: Program, bucket: Bucket) -> None:
    """A missing key ends it as it would without `-n`, and `-f` forgives it."""
    for key in ("a", "b", "c"):
        await bucket.put(key, b"1")
    plan = cli("rm", bucket.name, "a", "b", "-n").expect(0)
    assert [line.rpartition("\t")[2] for line in plan.lines] == ["a", "b"]
    assert plan.stderr == "would be deleted: 2 objects\n"
    assert cli("rm", bucket.name, "none", "-n").code == 4
    assert cli("rm", bucket.name, "none", "a", "-n").code == 1
    assert cli("rm", bucket.name, "none", "a", "-nf").expect(0).stderr == "would be deleted: 1 object\n"
    assert cli("rm", "--bucket", bucket.name, "-n").code == 2
    assert [info.name async for info in bucket.list()] == ["a", "b", "c"]


async def test_rm_json_of_several_keys_has_a_line_for_each(cli: Program, bucket: Bucket) -> None:
    """One object per success, one error line per failure, and no other words."""
    await bucket.put("a", b"")
    result = cli("rm", "--json", bucket.name, "x", "a", "y")
    assert result.code == 1
    assert [json.loads(line)["name"] for line in result.lines] == ["a"]
    errors = [json.loads(line)["error"] for line in result.stderr.splitlines()]
    assert [each["code"] for each in errors] == ["object_not_found"] * 2


async def test_rm_of_the_same_key_twice_is_harmless(cli: Program, bucket: Bucket) -> None:
    """It is deleted once, and that is what was asked for."""
    await bucket.put("a", b"")
    assert cli("rm", bucket.name, "a", "a", "-q") == (0, b"", "")
    assert cli("rm", bucket.name, "a", "a").code == 4


def test_rm_in_a_missing_bucket_is_exit_code_3_for_any_number_of_keys(cli: Program) -> None:
    """It is said once, for it concerns all of them; `-f` is no excuse."""
    for line in (["a"], ["a", "b"], ["-f", "a", "b"]):
        result = cli("rm", "zzz-no-such", *line)
        assert (result.code, result.stdout) == (3, b"")
        assert result.stderr.count("no such bucket") == 1


@pytest.mark.parametrize("line", [["photos"], ["--bucket", "photos", "key", "-f"], ["photos", "a", "", "b"]])
def test_rm_refuses_what_makes_no_sense(bare_cli: Program, line: list[str]) -> None:
    """No key, a key beside `--bucket`, an empty key."""
    result = bare_cli("rm", *line)
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.count("\n") == 1


# A whole bucket


async def test_rm_bucket_needs_force_without_a_terminal(cli: Program, bucket: Bucket) -> None:
    """No prompt without a terminal: an error that names the flag."""
    result = cli("rm", "--bucket", bucket.name, input=bucket.name.encode() + b"\n")
    assert (result.code, result.stdout) == (2, b"")
    assert "--force" in result.stderr
    await bucket.status()


async def test_rm_bucket_with_force_deletes_it_with_everything(
    cli: Program, store: Store, bucket: Bucket
) -> None:
    """Both orders of the line are the same."""
    await bucket.put("a", b"")
    assert cli("rm", "-f", "--bucket", bucket.name) == (0, b"", f"deleted bucket {bucket.name}\n")
    assert bucket.name not in await store.bucket_names()
    assert cli("rm", bucket.name, "--bucket", "-f").code == 3


async def test_rm_bucket_json_gives_the_bucket_as_it_was(cli: Program, bucket: Bucket) -> None:
    """Its fields, and nothing on stderr."""
    await bucket.put("a", b"")
    result = cli("rm", "--bucket", bucket.name, "-f", "--json")
    assert (result.code, result.stderr) == (0, "")
    fields = json.loads(result.text)
    assert tuple(fields) == BUCKET_FIELDS
    assert (fields["bucket"], fields["objects"]) == (bucket.name, 1)


async def test_rm_bucket_asks_on_a_terminal_for_its_name(cli: Program, store: Store, bucket: Bucket) -> None:
    """Only the very name deletes it."""
    await bucket.put("a", b"")
    for typed in (b"y\n", b"\n", bucket.name[:-1].encode() + b"\n"):
        result = cli.terminal("rm", "--bucket", bucket.name, typed=typed)
        assert result.code == 1
        assert f"delete bucket {bucket.name} with 1 object? Type its name: " in result.text
        assert "not deleted" in result.text
        assert bucket.name in await store.bucket_names()
    result = cli.terminal("rm", "--bucket", bucket.name, typed=bucket.name.encode() + b"\n")
    assert result.code == 0
    assert f"deleted bucket {bucket.name}" in result.text
    assert bucket.name not in await store.bucket_names()


def test_rm_bucket_does_not_ask_about_a_bucket_that_is_missing(cli: Program) -> None:
    """Nothing is typed in vain."""
    result = cli.terminal("rm", "--bucket", "zzz-no-such")
    assert result.code == 3
    assert "Type its name" not in result.text
