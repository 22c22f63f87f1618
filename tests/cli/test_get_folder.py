"""`natsobj get -r`."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from natsobj.cli.output.objects import OBJECT_FIELDS
from tests.behind import drop_chunk, write_record
from tests.program import Program

DATA = bytes(range(256)) * 2000


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, the hidden ones too."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


async def fill(bucket: Bucket, *keys: str) -> None:
    """Store objects whose content is their key."""
    for key in keys:
        await bucket.put(key, key.encode())


@pytest.mark.parametrize("prefix", ["p", "p/"])
async def test_get_r_fetches_into_a_folder_and_reports_one_line(
    cli: Program, bucket: Bucket, tmp_path: Path, prefix: str
) -> None:
    """Bucket and prefix, how many objects, bytes and time on stderr; the folder is made."""
    await fill(bucket, "p/a", "p/x/b", "p/x/y/c", "p", "q/d")
    result = cli("get", "-r", bucket.name, prefix, "new/dir", cwd=tmp_path)
    assert (result.code, result.stdout) == (0, b"")
    assert re.fullmatch(rf"fetched {bucket.name}/p/  3 objects  15 B  \d\.\d s\n", result.stderr)
    assert content(tmp_path) == {f"new/dir/{key[2:]}": key.encode() for key in ("p/a", "p/x/b", "p/x/y/c")}
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "new/dir/a").stat().st_mode & 0o777 == 0o666 & ~mask


async def test_get_r_of_a_whole_bucket(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """An empty prefix; `.` is a folder as any other."""
    await fill(bucket, "a", "b/c")
    assert cli("get", "-r", "-q", bucket.name, "", ".", cwd=tmp_path) == (0, b"", "")
    assert content(tmp_path) == {"a": b"a", "b/c": b"b/c"}


async def test_what_put_r_stored_comes_back_by_get_r(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Names of any kind, content to the byte."""
    names = ["a", "-b", "c d", "ü", "q'\"\\", "x/y/z", "x/.hidden", "empty"]
    for name in names:
        (tmp_path / "up" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "up" / name).write_bytes(DATA[: len(name) - 5])
    assert cli("put", "-r", "-q", bucket.name, "p", tmp_path / "up") == (0, b"", "")
    assert cli("get", "-r", "-q", "-j", "3", bucket.name, "p", tmp_path / "down") == (0, b"", "")
    assert content(tmp_path / "down") == content(tmp_path / "up")


async def test_get_r_match_narrows_it(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """The pattern is of whole keys, as with ls; one that fits none is an object that is missing."""
    await fill(bucket, "p/a.jpg", "p/x/b.jpg", "p/c.txt", "q/d.jpg")
    assert cli("get", "-r", "-q", bucket.name, "p", "1", "--match", "*.jpg", cwd=tmp_path).code == 0
    assert cli("get", "-r", "-q", bucket.name, "", "2", "--match", "p/x/*", cwd=tmp_path).code == 0
    assert content(tmp_path) == {
        "1/a.jpg": b"p/a.jpg",
        "1/x/b.jpg": b"p/x/b.jpg",
        "2/p/x/b.jpg": b"p/x/b.jpg",
    }
    for prefix, narrower in (
        ("", ["--match", "x*"]),
        ("p", ["--match", "*.png"]),
        ("", ["--older-than", "9d"]),
    ):
        result = cli("get", "-r", bucket.name, prefix, "3", *narrower, cwd=tmp_path).expect(4)
        assert result.stderr.startswith(f"natsobj: no matching object: {bucket.name}/{prefix}")
    assert not (tmp_path / "3").exists()


async def test_get_r_json_gives_each_object(
    cli: Program, bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """One a line on standard output; a failure is one line of JSON on stderr."""
    await fill(bucket, "a", "b", "../c")
    await write_record(client, bucket, "bad", {"size": "many"})
    result = cli("get", "-r", "--json", bucket.name, "", tmp_path)
    assert result.code == 1
    objects = [json.loads(line) for line in result.lines]
    assert [tuple(each) for each in objects] == [OBJECT_FIELDS] * 2
    assert sorted(each["name"] for each in objects) == ["a", "b"]
    errors = [json.loads(line)["error"] for line in result.stderr.splitlines()]
    assert sorted(each["code"] for each in errors) == ["invalid_key", "invalid_metadata"]


async def test_get_r_keeps_files_that_exist(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Each is a failure that says the way out; `--skip-existing` is content with it, `-f` replaces."""
    await fill(bucket, "p/a", "p/b", "p/c")
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").write_text("old")
    result = cli("get", "-r", bucket.name, "p", ".", "-j1", cwd=tmp_path)
    assert (result.code, result.stdout) == (1, b"")
    *lines, summary, failed = result.stderr.splitlines()
    assert lines == [
        "natsobj: p/a: file exists: a (use -f to replace it or --skip-existing to keep it)",
        "natsobj: p/b: file exists: b",
    ]
    assert summary.startswith(f"fetched {bucket.name}/p/  1 object  3 B  ")
    assert failed == "2 of 3 failed"
    assert content(tmp_path) == {"a": b"old", "b": b"old", "c": b"p/c"}
    (tmp_path / "c").unlink()
    result = cli("get", "-r", bucket.name, "p", ".", "--skip-existing", cwd=tmp_path)
    assert (result.code, result.stdout) == (0, b"")
    assert result.stderr.startswith(f"fetched {bucket.name}/p/  1 object  2 kept  3 B  ")
    assert content(tmp_path) == {"a": b"old", "b": b"old", "c": b"p/c"}
    assert cli("get", "-r", "-q", bucket.name, "p", ".", "-f", cwd=tmp_path) == (0, b"", "")
    assert content(tmp_path) == {"a": b"p/a", "b": b"p/b", "c": b"p/c"}


async def test_get_r_if_changed_fetches_only_what_has_changed(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """The rest is counted as unchanged; files with another content are replaced."""
    await fill(bucket, "p/a", "p/b", "p/c")
    (tmp_path / "a").write_text("p/a")
    (tmp_path / "b").write_text("old")
    result = cli("get", "-r", bucket.name, "p", ".", "--if-changed", cwd=tmp_path)
    assert (result.code, result.stdout) == (0, b"")
    assert result.stderr.startswith(f"fetched {bucket.name}/p/  2 objects  1 unchanged  6 B  ")
    assert content(tmp_path) == {"a": b"p/a", "b": b"p/b", "c": b"p/c"}
    result = cli("get", "-r", bucket.name, "p", ".", "--if-changed", "--json", cwd=tmp_path)
    assert (result.code, len(result.lines), result.stderr) == (0, 3, "")


async def test_get_r_refuses_keys_that_escape_the_folder_by_name(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """Exit code 1, and the others are fetched."""
    evil = ["../x", "/x", "a//x", "a/../../x", "a/", "nul", "link/x"]
    await fill(bucket, *evil, "good")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link").symlink_to("..")
    result = cli("get", "-r", bucket.name, "", "in", "-f", cwd=tmp_path)
    assert (result.code, result.stdout) == (1, b"")
    *lines, summary, failed = result.stderr.splitlines()
    assert sorted(line.split(": ")[1] for line in lines) == sorted(evil)
    assert all(": invalid key: " in line for line in lines)
    assert summary.startswith(f"fetched {bucket.name}/  1 object")
    assert failed == "7 of 8 failed"
    assert content(tmp_path) == {"in/good": b"good"}


async def test_get_r_leaves_nothing_of_a_broken_object(
    cli: Program, bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """Exit code 1, for it is one of several; its name is in the message."""
    await bucket.put("x/broken", DATA)
    await drop_chunk(client, bucket, "x/broken")
    await fill(bucket, "good")
    result = cli("get", "-r", bucket.name, "", tmp_path)
    assert (result.code, result.stdout) == (1, b"")
    assert result.stderr.startswith(f"natsobj: broken: {bucket.name}/x/broken: 3 of 4 chunks are stored")
    assert os.listdir(tmp_path) == ["good"]


# What concerns all


def test_get_r_refuses_what_makes_no_sense_without_asking(bare_cli: Program, tmp_path: Path) -> None:
    """Wrong usage is one line and exit code 2."""
    (tmp_path / "file").write_text("")
    for line, why in (
        (["-r", "b", "p"], "--recursive needs a folder"),
        (["-r", "b", "p", "-"], "--recursive needs a folder"),
        (["-r", "b", "p", "file"], "file is not one"),
        (["-r", "b", "p", "x", "-f", "--skip-existing"], "--force and --skip-existing"),
        (["-r", "b", "p", "x", "-j", "many"], "'many'"),
        (["b", "p", "x", "-j", "2"], "--jobs needs --recursive"),
        (["b", "p", "x", "--match", "*"], "--match needs --recursive"),
        (["b", "", "x"], "it is empty"),
    ):
        result = bare_cli("get", *line, cwd=tmp_path)
        assert (result.code, result.stdout) == (2, b""), line
        assert result.stderr.count("\n") == 1
        assert why in result.stderr
    assert os.listdir(tmp_path) == ["file"]


async def test_get_r_of_what_is_not_there(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Nothing below the prefix is exit code 4, no bucket 3, no server 5; no folder is made."""
    await fill(bucket, "p")
    result = cli("get", "-r", bucket.name, "p", tmp_path / "new")
    assert (result.code, result.stdout) == (4, b"")
    assert result.stderr.startswith(f"natsobj: no such object: {bucket.name}/p/ ")
    assert cli("get", "-r", "zzz-no-such", "", tmp_path / "new").code == 3
    assert cli("get", "-r", bucket.name, "", tmp_path / "new", "-s", "nats://127.0.0.1:1").code == 5
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_leaves_no_temporary_files(
    cli: Program, bucket: Bucket, tmp_path: Path, number: signal.Signals
) -> None:
    """In the middle of many transfers: each file is whole or not there."""
    for each in range(400):
        await bucket.put(f"{each}/k", DATA)
    with cli.running("get", "-r", bucket.name, "", tmp_path / "new", "--json") as process:
        assert process.stdout is not None
        for _ in range(20):
            assert process.stdout.readline()
        process.send_signal(number)
        process.stdout.read()
        code = process.wait(30)
        assert process.stderr is not None
        said = process.stderr.read()
    assert (code, said) == (128 + number, b"")
    landed = content(tmp_path / "new")
    assert 20 <= len(landed) < 400
    assert set(landed.values()) == {DATA}
    assert {name.rpartition("/")[2] for name in landed} == {"k"}
    assert len(os.listdir(tmp_path / "new")) == len(landed)


# Progress


async def test_get_r_shows_plain_progress_only_when_asked_for(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """In a pipe there is none by itself."""
    await fill(bucket, "a", "b")
    result = cli("get", "-r", bucket.name, "", tmp_path, "--progress", "bar", "-f")
    assert (result.code, result.stderr.count("\n")) == (0, 1)
    assert cli("get", "-r", bucket.name, "", tmp_path, "-f", "--progress", "plain", "-q") == (0, b"", "")
