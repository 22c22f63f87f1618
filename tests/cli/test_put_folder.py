"""`natsobj put -r`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Iterable
from pathlib import Path

import pytest

from natsobj import Bucket, Store
from natsobj.cli.output.objects import OBJECT_FIELDS
from tests.behind import fetch
from tests.between import Between, Sent
from tests.conftest import Serve
from tests.program import TIMEOUT, Program
from tests.servers import NatsServer
from tests.verdict import verdict

DATA = bytes(range(256)) * 2000


def grow(folder: Path, files: Iterable[str]) -> Path:
    """Make files whose content is their path."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    return folder


async def keys(bucket: Bucket) -> list[str]:
    """What a bucket has."""
    return sorted([info.name async for info in bucket.list()])


@pytest.mark.parametrize(
    ("line", "expected"),
    [("p dist", "p/"), ("p/q/ ./dist/", "p/q/"), (" dist", ""), ("p .", "p/dist/")],
)
async def test_put_r_stores_a_folder_and_reports_one_line(
    cli: Program, bucket: Bucket, tmp_path: Path, line: str, expected: str
) -> None:
    """Bucket and prefix, how many objects, bytes and time on stderr; nothing on standard output."""
    grow(tmp_path / "dist", ["a", "x/b", "x/y/c"])
    result = cli("put", "-r", bucket.name, *line.split(" "), cwd=tmp_path)
    assert (result.code, result.stdout) == (0, b"")
    stored = expected.removesuffix("dist/")
    assert re.fullmatch(rf"stored {bucket.name}/{stored}  3 objects  9 B  \d\.\d s\n", result.stderr)
    assert await keys(bucket) == [f"{expected}{path}" for path in ("a", "x/b", "x/y/c")]
    assert await fetch(bucket, f"{expected}x/b") == b"x/b"


async def test_put_r_says_each_with_verbose_and_none_with_quiet(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """The order is that of their ends."""
    grow(tmp_path, ["a", "b"])
    assert cli("put", "-r", bucket.name, "p", tmp_path, "-q") == (0, b"", "")
    _, *lines, last = cli("put", "-r", bucket.name, "p", tmp_path, "-v").stderr.splitlines()
    assert [re.sub("sha256:.*", "", line) for line in sorted(lines)] == [
        f"stored {bucket.name}/p/{name}  1 B  " for name in "ab"
    ]
    assert last.startswith(f"stored {bucket.name}/p/  2 objects")


async def test_put_r_json_gives_each_object(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """One a line on standard output; a failure is one line of JSON on stderr, even of an invalid key."""
    grow(tmp_path, ["a", "b"])
    (tmp_path / "lost").symlink_to("nothing")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_text("")
    os.mkfifo(tmp_path / "fifo")
    result = cli("put", "-r", "--json", bucket.name, "p", tmp_path)
    assert result.code == 1
    objects = [json.loads(line) for line in result.lines]
    assert [tuple(each) for each in objects] == [OBJECT_FIELDS] * 2
    assert sorted(each["name"] for each in objects) == ["p/a", "p/b"]
    errors = [json.loads(line)["error"] for line in result.stderr.splitlines()]
    assert [each["code"] for each in errors] == ["os_error", "invalid_key"]
    assert errors[1]["message"] == f"{tmp_path}/\udcff: invalid key: it is not UTF-8"


async def test_put_r_goes_on_behind_a_failure(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Each is named, "2 of 4 failed" at the end, exit code 1; what has no content is skipped by name."""
    grow(tmp_path, ["a", "b"])
    (tmp_path / "lost").symlink_to("nothing")
    (tmp_path / "circle").symlink_to(".")
    os.mkfifo(tmp_path / "fifo")
    await bucket.put("p/b", b"old")
    result = cli("put", "-r", bucket.name, "p", ".", "--if-absent", cwd=tmp_path)
    assert (result.code, result.stdout) == (1, b"")
    *lines, summary, failed = result.stderr.splitlines()
    assert sorted(lines) == [
        f"natsobj: ./b: object exists: {bucket.name}/p/b (leave out --if-absent to replace it)",
        "natsobj: ./lost: No such file or directory",
        "skipped ./circle: a link to a folder that it is in",
        "skipped ./fifo: a FIFO",
    ]
    assert summary.startswith(f"stored {bucket.name}/p/  1 object  2 skipped  1 B  ")
    assert failed == "2 of 3 failed"
    quiet = cli("put", "-r", bucket.name, "p", ".", "--if-absent", "-q", cwd=tmp_path)
    assert (quiet.code, [line[:9] for line in quiet.stderr.splitlines()]) == (1, ["natsobj: "] * 3)
    assert await keys(bucket) == ["p/a", "p/b"]


async def test_put_r_of_what_can_only_be_skipped_is_no_failure(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """An empty folder neither: there is nothing to store."""
    assert cli("put", "-r", bucket.name, "p", tmp_path, "-q") == (0, b"", "")
    (tmp_path / "null").symlink_to("/dev/null")
    result = cli("put", "-r", bucket.name, "p", tmp_path)
    assert (result.code, result.stdout) == (0, b"")
    assert result.stderr.startswith(
        f"skipped {tmp_path}/null: a device\nstored {bucket.name}/p/  0 objects  "
    )
    assert await keys(bucket) == []


async def test_put_r_gives_every_object_the_same_meta(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """The options of a single put apply to each file; `-j` says how many at once."""
    grow(tmp_path, [f"{number}/file" for number in range(20)])
    options = ["--description", "a build", "-H", "A:1", "--metadata", "k=v", "--chunk-size", "4"]
    assert cli("put", "-rj3", "-q", bucket.name, "", tmp_path, *options) == (0, b"", "")
    for number in range(20):
        info = await bucket.info(f"{number}/file")
        assert (info.description, info.headers, info.metadata) == ("a build", {"A": ("1",)}, {"k": "v"})
        assert (info.chunk_size, info.chunks) == (4, 2)


async def test_put_r_does_not_read_what_it_writes(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Its own output, sent into the folder that is being stored."""
    grow(tmp_path, ["a"])
    command = cli.command("put", "-r", bucket.name, "p", tmp_path)
    with (tmp_path / "log").open("w") as log, (tmp_path / "list").open("w") as listed:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=listed, stderr=log, env=cli.environment()
        )
        assert await asyncio.wait_for(process.wait(), TIMEOUT) == 0
    assert await keys(bucket) == ["p/a"]
    said = (tmp_path / "log").read_text()
    for name in ("list", "log"):
        assert f"skipped {tmp_path}/{name}: this command writes to it\n" in said


async def test_put_r_if_changed_stores_only_what_has_changed(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """The rest is counted as unchanged, named with -v, and given as it is with --json."""
    grow(tmp_path, ["a", "b", "c"])
    assert cli("put", "-r", "-q", bucket.name, "p", tmp_path, "--if-changed") == (0, b"", "")
    before = await bucket.info("p/a")
    (tmp_path / "b").write_text("new")
    result = cli("put", "-r", bucket.name, "p", tmp_path, "--if-changed", "-v")
    assert (result.code, result.stdout) == (0, b"")
    _, *lines, last = result.stderr.splitlines()
    assert sorted(line.partition("  ")[0] for line in lines) == [
        f"stored {bucket.name}/p/b",
        f"unchanged {bucket.name}/p/a",
        f"unchanged {bucket.name}/p/c",
    ]
    assert last.startswith(f"stored {bucket.name}/p/  1 object  2 unchanged  3 B  ")
    result = cli("put", "-r", bucket.name, "p", tmp_path, "--if-changed", "--json")
    assert (result.code, len(result.lines), result.stderr) == (0, 3, "")
    assert await bucket.info("p/a") == before


# What concerns all


def test_put_r_refuses_what_makes_no_sense_without_asking(bare_cli: Program, tmp_path: Path) -> None:
    """Wrong usage is one line and exit code 2."""
    grow(tmp_path, ["file", "dir/a"])
    digest = f"sha256:{'0' * 64}"
    for line, why in (
        (["-r", "b", "p"], "--recursive needs a folder"),
        (["-r", "b", "p", "-"], "--recursive needs a folder"),
        (["-r", "b", "p", "file"], "file is not one"),
        (["-r", "b", "p", "/dev/null"], "/dev/null is not one"),
        (["-r", "b", "p", ""], "empty"),
        (["-r", "b", "p", "dir", "--if-match", digest], "--recursive and --if-match"),
        (["-r", "b", "p", "dir", "-j", "0"], "0 is not in the range"),
        (["-r", "b", b"\xff", "dir"], "not UTF-8"),
        (["b", "p", "file", "-j", "2"], "--jobs needs --recursive"),
        (["b", "", "file"], "it is empty"),
    ):
        result = bare_cli("put", *line, cwd=tmp_path)
        assert (result.code, result.stdout) == (2, b""), line
        assert result.stderr.count("\n") == 1
        assert why in result.stderr


async def test_put_r_of_a_missing_folder_makes_no_bucket(
    cli: Program, store: Store, bucket_name: str, tmp_path: Path
) -> None:
    """The folder is looked at first; `--create` makes the bucket once."""
    result = cli("put", "-r", "--create", bucket_name, "p", "nothing", cwd=tmp_path)
    assert result == (1, b"", "natsobj: nothing: No such file or directory\n")
    assert bucket_name not in await store.bucket_names()
    grow(tmp_path, ["a"])
    assert cli("put", "-r", "--create", "-q", bucket_name, "p", tmp_path) == (0, b"", "")
    assert await keys(store.bucket(bucket_name)) == ["p/a"]


async def test_put_r_ends_at_once_when_all_are_concerned(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """No bucket, no server, an invalid chunk size: one line and its own exit code."""
    grow(tmp_path, [str(number) for number in range(50)])
    for line, code, why in (
        (["zzz-no-such"], 3, "no such bucket: zzz-no-such"),
        ([bucket.name, "-s", "nats://127.0.0.1:1"], 5, "no server at nats://127.0.0.1:1"),
        ([bucket.name, "--chunk-size", "1G"], 2, "invalid chunk size"),
    ):
        name, *options = line
        result = cli("put", "-r", name, "p", tmp_path, *options)
        assert (result.code, result.stdout) == (code, b"")
        assert result.stderr.startswith(f"natsobj: {why}")
        assert result.stderr.count("\n") == 1
    assert await keys(bucket) == []


async def test_put_r_ends_at_once_without_permission(serve: Serve, cli: Program, tmp_path: Path) -> None:
    """Exit code 7, one line for fifty files."""
    url = serve(
        """
        jetstream: enabled
        authorization { users: [
            {user: writer, password: w},
            {user: reader, password: r, permissions: {publish: {deny: "$O.*.C.>"}}}
        ] }
        """
    ).url
    writer = ["-s", url, "--user", "writer", "--password", "w"]
    reader = ["-s", url, "--user", "reader", "--password", "r"]
    grow(tmp_path, [str(number) for number in range(50)])
    assert cli("add", "b", *writer).code == 0
    result = cli("put", "-r", "b", "p", tmp_path, *reader)
    assert (result.code, result.stdout) == (7, b"")
    assert result.stderr.startswith("natsobj: permission denied: $O.b.C.")
    assert result.stderr.count("\n") == 1


async def test_put_r_into_a_full_bucket_names_the_files(serve: Serve, cli: Program, tmp_path: Path) -> None:
    """What still fits is stored, and the rest fails by name."""
    url = serve("jetstream: enabled").url
    assert cli("add", "small", "--max-bucket-size", "10K", "-s", url).code == 0
    (tmp_path / "large").write_bytes(b"x" * 20_000)
    grow(tmp_path, ["tiny"])
    result = cli("put", "-r", "small", "p", ".", "-s", url, cwd=tmp_path)
    assert (result.code, result.stdout) == (1, b"")
    first, summary, failed = result.stderr.splitlines()
    assert first.startswith("natsobj: ./large: bucket is full: small")
    assert summary.startswith("stored small/p/  1 object  4 B")
    assert failed == "1 of 2 failed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_leaves_nothing_half_stored(
    cli: Program, server: NatsServer, bucket: Bucket, tmp_path: Path, number: signal.Signals
) -> None:
    """In the middle of many transfers: each object is whole or not there, and no chunks are left over."""
    for each in range(400):
        (tmp_path / str(each)).write_bytes(DATA)
    with cli.running("put", "-r", bucket.name, "p", tmp_path, "--json") as process:
        assert process.stdout is not None
        for _ in range(20):
            assert process.stdout.readline()
        process.send_signal(number)
        process.stdout.read()
        code = process.wait(30)
        assert process.stderr is not None
        said = process.stderr.read()
    assert (code, said) == (128 + number, b"")
    seen = await verdict(server.url, bucket.name)
    assert not seen.orphans
    assert 20 <= len(seen.objects) < 400
    assert None not in seen.objects.values()


# Progress


async def test_put_r_shows_one_bar_for_all(
    cli: Program, bucket: Bucket, between: Between, tmp_path: Path
) -> None:
    """Bytes and files of the whole, and the bar is gone in the end."""
    for each in range(200):
        (tmp_path / str(each)).write_bytes(DATA[:20_000])

    async def pause(sent: Sent) -> None:
        """Make the first record wait: what takes no time has no bar."""
        if sent.subject.startswith(f"$O.{bucket.name}.M."):
            between.before = None
            await asyncio.sleep(1)

    between.before = pause
    result = await asyncio.to_thread(cli.terminal, "put", "-r", bucket.name, "p", tmp_path, "-s", between.url)
    assert result.code == 0
    shown = re.sub(r"\x1b\[[\d;]*m", "", result.text)
    assert re.search(rf"{bucket.name}/p/ .* [\d,]+ of 200 files +\d+ %  ", shown)
    assert re.search(rf"stored {bucket.name}/p/  200 objects  3.8 MiB  .* s\n", shown)


async def test_put_r_json_on_a_terminal_is_not_mixed_with_a_bar(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """Every line is an object."""
    for each in range(1000):
        (tmp_path / str(each)).write_bytes(DATA[:20_000])
    result = cli.terminal("put", "-r", bucket.name, "p", tmp_path, "--json")
    assert result.code == 0
    assert len([json.loads(line) for line in result.lines]) == 1000
