"""Objects chosen by pattern and age: `rm`, `ls` and `get -r`; and a put in the place of one revision."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.program import Program


def check_sums(lines: bytes, folder: Path) -> None:
    """Have sha256sum check the files of a folder."""
    subprocess.run(["sha256sum", "-c", "--quiet"], input=lines, cwd=folder, check=True)


async def keys(bucket: Bucket) -> list[str]:
    """What is in a bucket."""
    return sorted([info.name async for info in bucket.list()])


async def filled(bucket: Bucket) -> None:
    """Some objects and a tombstone."""
    for key in ("a.tmp", "b/c.tmp", "b/d", "gone.tmp"):
        await bucket.put(key, key.encode())
    await bucket.delete("gone.tmp")


async def test_rm_of_a_pattern_needs_force_or_shows_which(cli: Program, bucket: Bucket) -> None:
    """Without either it is exit 2, and nothing is deleted by a look."""
    await filled(bucket)
    refused = cli("rm", bucket.name, "--match", "*.tmp")
    assert (refused.code, "--dry-run" in refused.stderr) == (2, True)
    shown = cli("rm", bucket.name, "--match", "*.tmp", "-n")
    assert [line.split("\t")[-1] for line in shown.lines] == ["a.tmp", "b/c.tmp"]
    assert (shown.code, shown.stderr) == (0, "would be deleted: 2 objects\n")
    assert await keys(bucket) == ["a.tmp", "b/c.tmp", "b/d"]
    done = cli("rm", bucket.name, "--match", "*.tmp", "-f")
    assert done.code == 0
    assert done.stderr.startswith(f"deleted {bucket.name}  2 objects  12 B")
    assert await keys(bucket) == ["b/d"]


async def test_age_is_the_server_s(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Nothing here is older than an hour, all of it is newer; with a pattern both must be true."""
    await filled(bucket)
    old, new = ("--older-than", "1h"), ("--newer-than", "1h")
    assert cli("ls", bucket.name, *old).lines == []
    assert len(cli("ls", bucket.name, *new).lines) == 3
    assert cli("ls", bucket.name, *new, "--match", "*.tmp", "-1").lines == ["a.tmp", "b/c.tmp"]
    assert cli("rm", bucket.name, *old, "-f").code == 0
    assert cli("get", "-r", bucket.name, "b", tmp_path / "old", *old).code == 4
    assert not (tmp_path / "old").exists()
    assert cli("get", "-r", bucket.name, "b", tmp_path / "new", *new, "-q").code == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["c.tmp", "d"]
    assert cli("rm", bucket.name, "--older-than", "0s", "--match", "b/*", "--force", "-q").code == 0
    assert await keys(bucket) == ["a.tmp"]


async def test_checksums_are_relative_to_the_folder_that_was_fetched(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """`sha256sum -c` finds each file; what only begins like the prefix is not listed."""
    for key in ("b/c", "b/d/e\\f", "bc"):
        await bucket.put(key, key.encode())
    for prefix in ("b", "b/"):
        listed = cli("ls", bucket.name, prefix, "--sha256sum", "--relative")
        assert len(listed.lines) == 2
        cli("get", "-r", bucket.name, prefix, tmp_path, "-f", "-q").expect()
        check_sums(listed.stdout, tmp_path)


async def test_put_replaces_one_revision_only(cli: Program, bucket: Bucket) -> None:
    """0 is none, a tombstone counts as none; anything else is exit 6 and changes nothing."""
    put = ("put", bucket.name, "k", "-", "--if-revision")
    assert cli(*put, "0", input=b"1").code == 0
    there = (await bucket.info("k")).revision
    for wrong in ("0", str(there + 1)):
        refused = cli(*put, wrong, input=b"2")
        assert refused.code == 6
        assert f"expected revision {wrong}, found revision {there}: {bucket.name}/k" in refused.stderr
    assert cli(*put, str(there), input=b"3").code == 0
    assert await bucket.read("k") == b"3"
    assert cli(*put, str(there), input=b"4").code == 6
    await bucket.delete("k")
    assert "found no object" in cli(*put, "5", input=b"5").stderr
    assert cli(*put, "0", input=b"6").code == 0


@pytest.mark.parametrize(
    "line",
    [
        ["rm", "photos", "a", "--match", "*"],
        ["rm", "photos", "a", "--older-than", "1h"],
        ["rm", "photos", "--bucket", "--match", "*", "-f"],
        ["rm", "photos", "--older-than", "1h"],
        ["ls", "--older-than", "1h"],
        ["ls", "photos", "--relative"],
        ["get", "photos", "a", "b", "--newer-than", "1h"],
        ["put", "photos", "a", "-", "--if-revision", "-1"],
        ["put", "photos", "a", "-", "--if-revision", "1", "--if-absent"],
        ["put", "-r", "photos", "a", ".", "--if-revision", "1"],
    ],
)
def test_what_makes_no_sense_is_refused(bare_cli: Program, line: list[str]) -> None:
    """Options that contradict or lack what they need."""
    result = bare_cli(*line)
    assert (result.code, result.stdout, result.stderr.count("\n")) == (2, b"", 1)


async def test_put_lets_an_object_go_by_itself(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """In a bucket that allows it; folders too; less than a second is wrong usage."""
    (tmp_path / "file").write_bytes(b"1")
    put = ("put", bucket.name, "k", tmp_path / "file", "--ttl", "7d")
    refused = cli(*put)
    assert refused.code == 6
    assert refused.stderr == (
        f"natsobj: bucket {bucket.name} cannot keep an object for 604,800 s: it allows no TTL of single "
        f"objects (allow it with: natsobj edit {bucket.name} --object-ttl)\n"
    )
    assert cli("edit", bucket.name, "--object-ttl", "-q").code == 0
    assert cli(*put).code == 0
    assert cli("put", "-r", bucket.name, "p", tmp_path, "--ttl", "7d", "-q").code == 0
    record = await bucket.stream.read((await bucket.info("p/file")).subject)
    assert record.ttl == 7 * 24 * 3600
    assert cli("put", bucket.name, "k", "-", "--ttl", "0.5").code == 2
    other = f"{bucket.name}-other"
    assert cli("add", other, "--object-ttl", "-q").code == 0
    assert cli("put", other, "k", tmp_path / "file", "--ttl", "60", "-q").code == 0
    assert cli("rm", "--bucket", other, "-f", "-q").code == 0
