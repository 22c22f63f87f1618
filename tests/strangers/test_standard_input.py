"""`put` without a FILE: in cron, in CI, behind a producer that died, and after a slip of the hand."""

from __future__ import annotations

import asyncio
import os
import subprocess
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from natsobj import Bucket, Store
from tests.cli.test_put import stored
from tests.program import Argument, Program

OLD = b"yesterday's backup"


def put(
    cli: Program, *line: Argument, stdin: Path, skip: int = 0, cwd: Path | None = None
) -> tuple[int, bytes, str]:
    """Run `put` with a file or device as standard input, of which some bytes were read before."""
    with stdin.open("rb", buffering=0) as file:
        file.read(skip)
        done = subprocess.run(
            cli.command("put", *line),
            stdin=file,
            capture_output=True,
            env=cli.environment(),
            cwd=cwd or cli.home,
            check=False,
        )
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
async def test_a_device_that_nobody_named_is_wrong_usage(cli: Program, bucket: Bucket, device: str) -> None:
    """Cron and CI have /dev/null there: both ways are named, and the old object stands."""
    await bucket.put("k", OLD)
    code, output, said = put(cli, bucket.name, "k", stdin=Path(device))
    assert (code, output) == (2, b"")
    assert said.count("\n") == 1
    assert "name a FILE, or - to" in said
    assert await stored(bucket, "k") == OLD


async def test_nothing_from_a_pipe_stores_nothing(cli: Program, bucket: Bucket) -> None:
    """A producer that died at once does not empty a good object, and leaves no new one."""
    await bucket.put("k", OLD)
    before = await bucket.status()
    for key in ("k", "new"):
        for options in ([], ["--if-absent"][: key == "new"], ["--json"], ["-q"]):
            result = cli("put", bucket.name, key, *options)
            assert (result.code, result.stdout) == (2, b"")
            assert result.stderr.startswith("natsobj: nothing came from standard input, nothing was stored: ")
            assert result.stderr.count("\n") == 1
    assert await bucket.status() == before
    assert await stored(bucket, "k") == OLD


async def test_an_empty_file_as_standard_input_stores_nothing(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """`< FILE` is no name of a FILE; one that stands at its end has nothing either."""
    await bucket.put("k", OLD)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "read").write_bytes(b"all of it was read")
    for name in ("empty", "read"):
        assert put(cli, bucket.name, "k", stdin=tmp_path / name, skip=100)[0] == 2
    assert await stored(bucket, "k") == OLD
    assert put(cli, bucket.name, "k", stdin=tmp_path / "read", skip=4)[0] == 0
    assert await stored(bucket, "k") == b"of it was read"


async def test_a_closed_standard_input_stores_nothing(cli: Program, bucket: Bucket) -> None:
    """`<&-` has no bytes, whoever asks; to name it is an error of its own."""
    await bucket.put("k", OLD)
    for form, code in ([], 2), (["-"], 1):
        words = [str(word) for word in cli.command("put", bucket.name, "k", *form)]
        done = await asyncio.create_subprocess_exec(
            *("sh", "-c", '"$@" <&-', "sh", *words), env=cli.environment(), stdout=PIPE, stderr=PIPE
        )
        output, said = await done.communicate()
        assert (done.returncode, output) == (code, b"")
        assert said.count(b"\n") == 1
    assert await stored(bucket, "k") == OLD


@pytest.mark.parametrize("way", ["pipe", "/dev/null", "file"])
async def test_a_dash_means_it(cli: Program, bucket: Bucket, tmp_path: Path, way: str) -> None:
    """No bytes are stored when somebody says so, wherever they do not come from."""
    await bucket.put("k", OLD)
    (tmp_path / "file").write_bytes(b"")
    if way == "pipe":
        assert cli("put", bucket.name, "k", "-").code == 0
    else:
        assert put(cli, bucket.name, "k", "-", stdin=tmp_path / way)[0] == 0
    assert (await bucket.info("k")).size == 0


async def test_one_byte_is_enough(cli: Program, bucket: Bucket) -> None:
    """Also where the bucket is made for it, and exactly the bytes that came are stored."""
    for options in ([], ["--create"]):
        for content in (b"\n", b"x" * 131_072, b"y" * 131_073):
            assert cli("put", bucket.name, "k", *options, input=content).code == 0
            assert await stored(bucket, "k") == content


async def test_no_bucket_is_made_for_nothing(cli: Program, store: Store, bucket_name: str) -> None:
    """`--create` waits until there is something to store."""
    assert cli("put", "--create", bucket_name, "k").code == 2
    assert bucket_name not in await store.bucket_names()


async def test_what_changed_cannot_be_told_of_a_stream(cli: Program, bucket: Bucket) -> None:
    """Neither named nor left out."""
    for form in ([], ["-"]):
        result = cli("put", bucket.name, "k", *form, "--if-changed", input=b"x")
        assert (result.code, result.stdout) == (2, b"")
        assert "--if-changed needs a FILE" in result.stderr


# KEY is the name of a file


async def test_a_forgotten_file_is_guessed(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Somebody named the file only: the line that was meant is written out, quoted."""
    (tmp_path / "my cat.jpg").write_bytes(b"x")
    (tmp_path / "-x").write_bytes(b"x")
    (tmp_path / "dist").mkdir()
    lines = {
        "my cat.jpg": f"did you mean natsobj put {bucket.name} 'my cat.jpg' 'my cat.jpg'?",
        "-x": f"did you mean natsobj put -- {bucket.name} -x -x?",
        "dist": f"did you mean natsobj put -r {bucket.name} dist dist?",
    }
    for key, line in lines.items():
        for said in (
            put(cli, bucket.name, "--", key, stdin=Path(os.devnull), cwd=tmp_path)[2],
            cli("put", bucket.name, "--", key, cwd=tmp_path).stderr,
            cli.terminal("put", bucket.name, "--", key, cwd=tmp_path, columns=400).text,
        ):
            assert said.count("\n") == 1
            assert f"({key} is a local file: {line})" in said
    assert cli("put", bucket.name, "other", cwd=tmp_path).stderr.endswith("(try natsobj put --help)\n")


async def test_a_key_that_is_another_local_file_gets_a_note(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """`put b *` with two files stores one of them; a link to the same file is the same."""
    (tmp_path / "a.log").write_bytes(b"a")
    (tmp_path / "b.log").write_bytes(b"b")
    (tmp_path / "link").symlink_to("b.log")
    result = cli("put", bucket.name, "a.log", "b.log", cwd=tmp_path)
    assert (result.code, result.stdout) == (0, b"")
    stored_line, note = result.stderr.splitlines()
    assert stored_line.startswith(f"stored {bucket.name}/a.log  1 B")
    assert note == (
        "note: one file was stored: b.log, under the name a.log, which is another local file "
        f"(natsobj put {bucket.name} FOLDER/ a.log b.log stores both)"
    )
    assert await stored(bucket, "a.log") == b"b"
    for line in (["b.log", "b.log"], ["link", "b.log"], ["other", "b.log"], ["a.log", "-"], ["a.log"]):
        assert "note:" not in cli("put", bucket.name, *line, cwd=tmp_path, input=b"x").stderr
    for off in ("-q", "--json"):
        assert cli("put", bucket.name, "a.log", "b.log", off, cwd=tmp_path).stderr == ""
