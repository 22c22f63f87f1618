"""`natsobj mv` and `natsobj cp`."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator

import pytest

from natsobj import Bucket, BucketConfig, Store
from natsobj.cli.output.objects import OBJECT_FIELDS
from tests.program import Program


@pytest.fixture
async def other(store: Store) -> AsyncIterator[Bucket]:
    """A second bucket."""
    other = await store.create_bucket(BucketConfig(f"test-{uuid.uuid4().hex[:12]}"))
    yield other
    await store.delete_bucket(other.name)


async def holds(bucket: Bucket) -> dict[str, bytes]:
    """What is in a bucket."""
    return {info.name: await bucket.read(info.name) async for info in bucket.list()}


def words(text: str) -> list[str]:
    """What is said, without the time that it took."""
    return [line.rpartition("  ")[0] for line in text.splitlines()]


async def test_mv_and_cp_tell_of_both_names(cli: Program, bucket: Bucket, other: Bucket) -> None:
    """In a bucket, into a folder, into another bucket; one line on stderr, nothing on standard output."""
    a, b = bucket.name, other.name
    info = await bucket.put("x/one", b"1")
    facts = f"  1 B  sha256:{(info.sha256 or '')[:12]}"
    runs = [cli("mv", a, "x/one", "two"), cli("mv", a, "two", "y/"), cli("cp", a, "y/two", "three")]
    runs += [cli("cp", a, "three", b, "z/"), cli("mv", a, "three", b, "four")]
    assert [(run.code, run.stdout) for run in runs] == [(0, b"")] * 5
    assert [words(run.stderr) for run in runs] == [
        [f"moved {a}/x/one -> {a}/two{facts}"],
        [f"moved {a}/two -> {a}/y/two{facts}"],
        [f"copied {a}/y/two -> {a}/three{facts}"],
        [f"copied {a}/three -> {b}/z/three{facts}"],
        [f"moved {a}/three -> {b}/four{facts}"],
    ]
    assert await holds(bucket) == {"y/two": b"1"}
    assert await holds(other) == {"z/three": b"1", "four": b"1"}


async def test_mv_and_cp_keep_what_is_there(cli: Program, bucket: Bucket) -> None:
    """Exit 6 unless `-f`; 4 for what is missing; onto itself it is only said that nothing was done."""
    name = bucket.name
    await bucket.put("a", b"1")
    await bucket.put("b", b"2")
    for command in ("mv", "cp"):
        kept = cli(command, name, "a", "b", "--if-absent")
        assert (kept.code, kept.stderr) == (6, f"natsobj: object exists: {name}/b (-f replaces it)\n")
        assert cli(command, name, "nothing", "c").code == 4
        assert cli(command, name, "a", "a").stderr.startswith(f"unchanged {name}/a  1 B")
    assert cli("cp", "-f", name, "a", "b", "-q") == (0, b"", "")
    assert cli("mv", name, "a", "b", "--force", "-q") == (0, b"", "")
    assert await holds(bucket) == {"b": b"1"}


async def test_mv_and_cp_json_give_the_object_under_its_new_name(cli: Program, bucket: Bucket) -> None:
    """Nothing on stderr."""
    await bucket.put("a", b"1")
    for command, old, new in (("mv", "a", "b"), ("cp", "b", "c")):
        result = cli(command, bucket.name, old, new, "--json")
        fields = json.loads(result.text)
        assert (tuple(fields), fields["name"], result.stderr) == (OBJECT_FIELDS, new, "")


async def test_a_prefix_is_moved_and_copied(cli: Program, bucket: Bucket, other: Bucket) -> None:
    """Below one another too, each object once; one that fails does not stop the others."""
    for key in ("a/x", "a/y/z", "ab", "b/a/x"):
        await bucket.put(key, key.encode())
    plan = cli("mv", "-rn", bucket.name, "a", "a/b")
    assert (plan.code, plan.stderr) == (0, "would be moved: 2 objects\n")
    assert sorted(plan.lines) == ["a/x\ta/b/x", "a/y/z\ta/b/y/z"]
    planned = cli("cp", "-rn", bucket.name, "a/", other.name, "", "--json")
    assert sorted(json.loads(line)["name"] for line in planned.lines) == ["x", "y/z"]
    moved = cli("mv", "-r", bucket.name, "a", "a/b")
    assert words(moved.stderr) == [f"moved {bucket.name}/a/  2 objects  8 B"]
    assert sorted(await holds(bucket)) == ["a/b/x", "a/b/y/z", "ab", "b/a/x"]
    assert cli("cp", "-r", bucket.name, "a", "b/a", "-j", "2").code == 0
    failed = cli("cp", "-r", bucket.name, "a/b", "b/a")
    assert failed.code == 1
    assert f"object exists: {bucket.name}/b/a/x" in failed.stderr
    assert failed.stderr.endswith("1 of 2 failed\n")
    assert cli("cp", "-r", bucket.name, "", other.name, "all", "-q").code == 0
    assert sorted(await holds(other)) == [f"all/{key}" for key in sorted(await holds(bucket))]
    assert cli("mv", "-r", bucket.name, "nothing", "x").code == 4


@pytest.mark.parametrize("command", ["mv", "cp"])
def test_mv_and_cp_refuse_what_makes_no_sense(bare_cli: Program, command: str) -> None:
    """Too few names or too many, invalid ones, and options that contradict or need another one."""
    for line in (
        ["photos", "a"],
        ["photos", "a", "b", "c", "d"],
        ["photos", "a", "no such!", "b"],
        ["photos", "", "b"],
        ["photos", "a", ""],
        ["photos", "a/", "b/"],
        ["photos", "a", "b", "-f", "--if-absent"],
    ):
        result = bare_cli(command, *line)
        assert (result.code, result.stdout, result.stderr.count("\n")) == (2, b"", 1), line


@pytest.mark.parametrize("path", [".", "..", "./a", "../x/a", "./"])
@pytest.mark.parametrize("command", ["mv", "cp"])
def test_a_local_path_is_no_new_name(bare_cli: Program, command: str, path: str) -> None:
    """Whoever types one wants the file: exit 2, and the line that fetches it."""
    for options in ([], ["-r"], ["-n"]):
        result = bare_cli(command, *options, "photos", "2026/a", path)
        get = "get -r" if "-r" in options else "get"
        assert (result.code, result.stdout) == (2, b"")
        assert result.stderr == (
            f"natsobj: {path} is a local path, not a new name in the bucket "
            f"(did you mean natsobj {get} photos 2026/a {path}?)\n"
        )


async def test_a_name_like_a_path_is_possible_in_a_named_bucket(cli: Program, bucket: Bucket) -> None:
    """Other clients may have stored one; names that only begin with a dot are like any other."""
    await bucket.put("a", b"1")
    assert cli("cp", bucket.name, "a", bucket.name, "./a", "-q").code == 0
    assert cli("cp", bucket.name, "a", ".hidden", "-q").code == 0
    assert cli("mv", bucket.name, "./a", "...", "-q").code == 0
    assert sorted(await holds(bucket)) == ["...", ".hidden", "a"]


async def test_a_plan_of_one_object_shows_both_names(cli: Program, bucket: Bucket) -> None:
    """Nothing is changed; what is missing or taken ends as it would without `-n`."""
    for key in ("a", "b"):
        await bucket.put(key, key.encode())
    name = bucket.name
    for command, change in (("mv", "moved"), ("cp", "copied")):
        plan = cli(command, name, "a", "x/", "-n")
        assert plan == (0, b"a\tx/a\n", f"would be {change}: 1 object\n")
        assert json.loads(cli(command, name, "a", "c", "-n", "--json").text)["name"] == "c"
        taken = cli(command, name, "a", "b", "-n")
        assert (taken.code, taken.stderr) == (6, f"natsobj: object exists: {name}/b (-f replaces it)\n")
        assert cli(command, name, "a", "b", "-nf").text == "a\tb\n"
        assert cli(command, name, "nothing", "c", "-n").code == 4
    assert await holds(bucket) == {"a": b"a", "b": b"b"}


async def test_a_plan_says_what_would_be_refused(cli: Program, bucket: Bucket) -> None:
    """An object that is there under the new name, unless it may be replaced; exit 1 as it would be."""
    for key in ("a/x", "a/y", "b/x"):
        await bucket.put(key, key.encode())
    for command in ("mv", "cp"):
        plan = cli(command, "-rn", bucket.name, "a", "b")
        assert (plan.code, plan.text) == (1, "a/y\tb/y\n")
        assert f"object exists: {bucket.name}/b/x" in plan.stderr
        assert plan.stderr.endswith(": 1 object\n")
        assert cli(command, "-rnf", bucket.name, "a", "b").expect(0).lines == ["a/x\tb/x", "a/y\tb/y"]
        assert cli(command, "-rn", bucket.name, "a", "a").expect(0).lines == ["a/x\ta/x", "a/y\ta/y"]
    assert await holds(bucket) == {key: key.encode() for key in ("a/x", "a/y", "b/x")}
