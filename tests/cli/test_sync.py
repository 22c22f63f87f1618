"""`natsobj sync`."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from natsobj import Bucket
from natsobj.cli.output.actions import ACTION_FIELDS
from tests.program import Program


def grow(folder: Path, files: Sequence[str]) -> Path:
    """Make files whose content is their path."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    return folder


def content(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


async def keys(bucket: Bucket) -> list[str]:
    """What a bucket has."""
    return sorted([info.name async for info in bucket.list()])


def rows(text: str) -> list[list[str]]:
    """Lines of action, size and name, by name."""
    return sorted((line.split("\t") for line in text.splitlines()), key=lambda row: row[2])


async def test_sync_gives_a_line_each_and_one_for_all(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """On stdout action, size and name; on stderr both sides, how many of each, bytes and time."""
    folder = grow(tmp_path / "dist", ["a", "b/c"])
    for key in ("p/a", "p/gone", "q"):
        await bucket.put(key, b"a" if key == "p/a" else b"xx")
    up = cli("sync", "dist", f"{bucket.name}:p", "--delete", cwd=tmp_path).expect(0)
    assert rows(up.text) == [["skip", "1", "p/a"], ["put", "3", "p/b/c"], ["delete", "2", "p/gone"]]
    facts = r"1 object stored  1 deleted  1 unchanged  3 B  \d\.\d s"
    assert re.fullmatch(rf"synced dist to {bucket.name}/p/  {facts}\n", up.stderr)
    grow(folder, ["extra"])
    (folder / "b/c").unlink()
    down = cli("sync", f"{bucket.name}:p/", "./dist", "--delete", "--json", cwd=tmp_path).expect(0)
    found = [json.loads(line) for line in down.lines]
    assert [tuple(each) for each in found] == [ACTION_FIELDS] * 3
    assert sorted((each["action"], each["name"], each["size"]) for each in found) == [
        ("delete", "p/extra", 5),
        ("get", "p/b/c", 3),
        ("skip", "p/a", 1),
    ]
    assert down.stderr == ""
    assert content(folder) == ["a", "b/c"]
    assert await keys(bucket) == ["p/a", "p/b/c", "q"]


async def test_sync_n_tells_and_changes_nothing(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """The same lines; on a terminal only those that change something."""
    await bucket.put("gone", b"xx")
    await bucket.put("a", b"a")
    grow(tmp_path, ["a", "new"])
    said = cli("sync", "-n", tmp_path, f"{bucket.name}:", "--delete").expect(0)
    assert rows(said.text) == [["skip", "1", "a"], ["delete", "2", "gone"], ["put", "3", "new"]]
    assert said.stderr.startswith(
        f"would sync {tmp_path} to {bucket.name}/  1 object stored  1 deleted  1 unch"
    )
    shown = cli.terminal("sync", "-n", tmp_path, f"{bucket.name}:", "--delete")
    assert shown.lines[-1].startswith("would sync "), "behind what it sums up"
    assert "put          3 B  new" in shown.text
    assert "delete       2 B  gone" in shown.text
    assert "  a\n" not in shown.text
    assert await keys(bucket) == ["a", "gone"]


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        (("dist", "out"), "neither side is a bucket: dist and out (did you mean natsobj sync dist out:?)"),
        (("dist", "./dist"), "neither side is a bucket: dist and ./dist (BUCKET:PREFIX is one; cp -r copies"),
        (("dist", "my bucket"), "neither side is a bucket: dist and my bucket (BUCKET:PREFIX is one; cp -r"),
        (("dist", ":conf"), "no bucket before the colon: :conf (BUCKET:PREFIX is below a prefix, BUCKET: a "),
        ((":", "dist"), "no bucket before the colon: : (BUCKET:PREFIX is below a prefix, BUCKET: a whole"),
        (("a:x", "b:y"), "both sides are buckets: a:x and b:y (natsobj cp -r a x b y copies them; "),
        (("a:x", "a:"), "both sides are buckets: a:x and a: (natsobj cp -r a x '' copies them; "),
        (("-", "b:"), "sync needs a folder, not -: name it ./- if that is its name"),
        (("dist/a", "b:"), "sync needs a folder: dist/a is none (put and get are for single files)"),
        (("dist", "b:x*"), "a PREFIX is not a pattern: x*"),
        (("dist", "no such:x"), "invalid bucket name: no such"),
        (("dist", "b:/x"), "a prefix begins with no slash: b:/x (did you mean b:x?)"),
        (("b:", "dist", "--create"), "--create is for a bucket that is DST, not for b:"),
    ],
)
def test_sides_that_cannot_be_are_wrong_usage(
    bare_cli: Program, tmp_path: Path, sides: Sequence[str], said: str
) -> None:
    """Exit 2 before anything is asked of a server, with what would work."""
    grow(tmp_path, ["dist/a"])
    result = bare_cli("sync", *sides, cwd=tmp_path)
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.startswith(f"natsobj: {said}")


@pytest.mark.parametrize(
    ("sides", "line"),
    [
        (("dist", "nats:photos/www"), "natsobj sync dist photos:www"),
        (("nats:photos/", "dist"), "natsobj sync photos: dist"),
    ],
)
def test_the_name_of_a_server_before_the_bucket_is_found_out(
    cli: Program, tmp_path: Path, sides: Sequence[str], line: str
) -> None:
    """rclone has REMOTE:BUCKET/PREFIX: where no bucket has that name, ours is the next step."""
    grow(tmp_path, ["dist/a"])
    result = cli("sync", *sides, cwd=tmp_path)
    assert result == (3, b"", f"natsobj: no such bucket: nats (did you mean {line}?)\n")


async def test_a_folder_may_have_a_colon_in_its_name(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """With a slash before the colon; and a name that no bucket can have is a folder that is there."""
    grow(tmp_path, [f"{bucket.name}:x/a", "b c:d/e"])
    cli("sync", f"./{bucket.name}:x", f"{bucket.name}:p", cwd=tmp_path).expect(0)
    cli("sync", "b c:d", f"{bucket.name}:p", cwd=tmp_path).expect(0)
    assert await keys(bucket) == ["p/a", "p/e"]


async def test_delete_without_a_whole_source_is_2(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Missing or empty, on both sides; nothing is transferred or deleted."""
    await bucket.put("a", b"a")
    folder = grow(tmp_path / "in", ["b"])
    (tmp_path / "empty").mkdir()
    away, name = f"{bucket.name}-none", bucket.name
    for source, target in (
        (tmp_path / "none", f"{name}:"),
        (tmp_path / "empty", f"{name}:"),
        (f"{away}:", folder),
        (f"{name}:none", folder),
    ):
        result = cli("sync", source, target, "--delete")
        assert (result.code, result.stdout) == (2, b"")
        assert result.stderr.endswith((", nothing was deleted\n", ": No such file or directory\n"))
    assert [cli("sync", tmp_path / "none", f"{name}:").code, cli("sync", f"{name}:none", folder).code] == [
        1,
        4,
    ]
    assert [cli("sync", folder, f"{away}:").code, cli("sync", f"{away}:", folder).code] == [3, 3]
    assert await keys(bucket) == ["a"]
    assert content(folder) == ["b"]


async def test_a_failure_is_1_and_keeps_what_would_go(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """The others are transferred."""
    await bucket.put("../a", b"a")
    await bucket.put("b", b"b")
    grow(tmp_path, ["c"])
    result = cli("sync", f"{bucket.name}:", tmp_path, "--delete")
    assert (result.code, result.text) == (1, "get\t1\tb\n")
    assert result.stderr.endswith("1 of 2 failed, so nothing was deleted\n")
    assert content(tmp_path) == ["b", "c"]
    quiet = cli("sync", f"{bucket.name}:", tmp_path, "-q", "--delete")
    assert (quiet.code, quiet.text) == (1, "skip\t1\tb\n")
    assert [line[:9] for line in quiet.stderr.splitlines()] == ["natsobj: "]


async def test_filters_are_of_paths_below_both_sides(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Repeatable."""
    grow(tmp_path, ["a.html", "a.js", "a.map", "x/b.html"])
    await bucket.put("p/old.map", b"")
    cli(
        *("sync", tmp_path, f"{bucket.name}:p", "--delete", "--match", "*.html"),
        *("--match", "*.js", "--exclude", "x/*", "--exclude", "*.map"),
    ).expect(0)
    assert await keys(bucket) == ["p/a.html", "p/a.js", "p/old.map"]


async def test_create_makes_the_bucket(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """With defaults, if it is missing; a bucket that is there is no error."""
    await bucket.seal()
    cli("sync", grow(tmp_path, ["a"]), f"{bucket.name}:", "--create").expect(6)
    for _ in range(2):
        cli("sync", tmp_path, f"{bucket.name}-new:", "--create").expect(0)
    assert cli("ls", f"{bucket.name}-new", "-1").text == "a\n"
    cli("rm", "--bucket", f"{bucket.name}-new", "-f").expect(0)


async def test_what_sync_writes_to_is_not_read(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Neither stored nor deleted when standard output is a file in the folder."""
    await bucket.put("log", b"old")
    grow(tmp_path, ["a"])
    command = cli.command("sync", tmp_path, f"{bucket.name}:", "--delete")
    with (tmp_path / "log").open("wb") as log:
        run = partial(subprocess.run, command, stdout=log, stderr=log, env=cli.environment(), check=True)
        await asyncio.to_thread(run)
    assert await bucket.read("log") == b"old"
