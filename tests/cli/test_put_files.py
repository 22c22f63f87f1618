"""`natsobj put BUCKET FOLDER/ FILE...`: files below a folder, under their own names."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from natsobj import Bucket, Store
from tests.cli.test_put import stored
from tests.program import Program


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two files in different folders, and one whose name is not UTF-8."""
    for name in ("a.log", "sub/b.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    return tmp_path


async def names(bucket: Bucket) -> list[str]:
    """What is in the bucket."""
    return sorted([info.name async for info in bucket.list()])


async def test_a_key_with_a_slash_at_its_end_is_a_folder(cli: Program, bucket: Bucket, files: Path) -> None:
    """One file is stored below it and reported as itself; of the path the last part counts."""
    result = cli("put", bucket.name, "logs/", "sub/b.log", cwd=files)
    assert (result.code, result.stdout) == (0, b"")
    assert result.stderr.startswith(f"stored {bucket.name}/logs/b.log  20 B  1 chunk  sha256:")
    assert result.stderr.count("\n") == 1
    assert await names(bucket) == ["logs/b.log"]


async def test_several_files_are_stored_below_a_folder(cli: Program, bucket: Bucket, files: Path) -> None:
    """One line tells of all, and `--json` of each."""
    result = cli("put", bucket.name, "logs/", "a.log", "sub/b.log", "-j", "2", cwd=files)
    assert (result.code, result.stdout) == (0, b"")
    assert result.stderr.startswith(f"stored {bucket.name}/logs/  2 objects  36 B  ")
    assert await stored(bucket, "logs/b.log") == b"content of sub/b.log"
    result = cli("put", bucket.name, "/", "a.log", "sub/b.log", "--json", "--if-changed", cwd=files)
    assert (result.code, result.stderr) == (0, "")
    assert sorted(json.loads(line)["name"] for line in result.lines) == ["/a.log", "/b.log"]
    assert await names(bucket) == ["/a.log", "/b.log", "logs/a.log", "logs/b.log"]


async def test_one_that_fails_does_not_stop_the_others(cli: Program, bucket: Bucket, files: Path) -> None:
    """A missing file, a folder, a name that is not UTF-8, a key that is too long: each by itself."""
    wrong = os.fsencode(files) + b"/\xff.log"
    Path(os.fsdecode(wrong)).write_bytes(b"x")
    line: list[str | bytes] = ["gone", "sub", ".", wrong, "a.log/", "sub/b.log"]
    result = cli("put", bucket.name, "logs/", *line, cwd=files)
    assert (result.code, result.stdout) == (1, b"")
    said = result.stderr.splitlines()
    assert "natsobj: gone: No such file or directory" in said
    assert "natsobj: sub: Is a directory (-r is for folders)" in said
    assert "natsobj: a.log/: Not a directory" in said
    assert any(line.endswith("\\xff.log: invalid key: it is not UTF-8") for line in said)
    assert said[-1] == "5 of 6 failed"
    assert await names(bucket) == ["logs/b.log"]
    long = "x" * 2895 + "/"
    assert cli("put", bucket.name, long, "a.log", "sub/b.log", cwd=files).stderr.count("2,901 bytes") == 2


async def test_a_single_one_fails_with_its_own_exit_code(cli: Program, bucket: Bucket, files: Path) -> None:
    """As without a folder."""
    assert cli("put", bucket.name, "logs/", "gone", cwd=files).code == 1
    result = cli("put", bucket.name, "logs/", "sub/", cwd=files)
    assert result == (1, b"", "natsobj: sub: Is a directory (-r is for folders)\n")
    assert cli("put", bucket.name, "logs/", ".", cwd=files).code == 1
    assert cli("put", bucket.name, "k", "a.log/", cwd=files).code == 1
    wrong = b"\xff.log"
    (files / os.fsdecode(wrong)).write_bytes(b"x")
    assert cli("put", bucket.name, "logs/", wrong, cwd=files).code == 2
    assert cli("put", bucket.name, "logs/", "a.log", "--if-absent", cwd=files).code == 0
    assert cli("put", bucket.name, "logs/", "a.log", "--if-absent", cwd=files).code == 6
    digest = hashlib.sha256(b"content of a.log").hexdigest()
    assert cli("put", bucket.name, "logs/", "a.log", "--if-match", f"sha256:{digest}", cwd=files).code == 0
    assert await names(bucket) == ["logs/a.log"]


async def test_conditions_hold_for_each_of_several(cli: Program, bucket: Bucket, files: Path) -> None:
    """`--if-absent` keeps what is there, and the others are stored."""
    await bucket.put("logs/a.log", b"old")
    result = cli("put", bucket.name, "logs/", "a.log", "sub/b.log", "--if-absent", cwd=files)
    assert result.code == 1
    assert result.stderr.endswith("1 of 2 failed\n")
    assert await stored(bucket, "logs/a.log") == b"old"
    assert await names(bucket) == ["logs/a.log", "logs/b.log"]


async def test_a_fifo_among_several_is_read(cli: Program, bucket: Bucket, files: Path) -> None:
    """As `<(...)` of a shell names one."""
    os.mkfifo(files / "fifo")
    writer = os.open(files / "fifo", os.O_RDWR)
    os.write(writer, b"from a fifo")
    with cli.running("put", bucket.name, "logs/", "a.log", "fifo", cwd=files) as process:
        while await names(bucket) != ["logs/a.log"]:
            assert process.poll() is None
        os.close(writer)
        assert process.wait(30) == 0
    assert await stored(bucket, "logs/fifo") == b"from a fifo"


async def test_a_bucket_that_is_missing_concerns_all(
    cli: Program, store: Store, bucket_name: str, files: Path
) -> None:
    """One line and exit code 3; `--create` makes it."""
    result = cli("put", bucket_name, "logs/", "a.log", "sub/b.log", cwd=files)
    assert (result.code, result.stderr.count("\n")) == (3, 1)
    assert cli("put", "--create", bucket_name, "logs/", "a.log", "sub/b.log", cwd=files).code == 0
    assert await names(store.bucket(bucket_name)) == ["logs/a.log", "logs/b.log"]
    await store.delete_bucket(bucket_name)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["logs/"], "standard input has no file name to store in the folder logs/: name a FILE"),
        (["logs/", "-"], "(natsobj put b logs/NAME - stores it)"),
        (["logs/", "a.log", "-"], "standard input has no file name"),
        (
            ["logs/", "a.log", "x/a.log"],
            "two FILEs have the same name in the folder logs/: a.log and x/a.log",
        ),
        (["logs/", "a.log", "a.log"], "two FILEs have the same name in the folder logs/: a.log and a.log"),
        (["logs", "a.log", "sub/b.log"], "(did you mean natsobj put b logs/ a.log sub/b.log?)"),
        (["a.log", "sub/b.log", "c"], "(did you mean natsobj put b FOLDER/ a.log sub/b.log c?)"),
        (["k", "1", "2", "3", "4"], "(did you mean natsobj put b k/ 1 2 3 ...?)"),
        (["logs/", "a.log", "b", "--if-match", "sha256:" + "0" * 64], "--if-match is for one FILE"),
        (["k", "a.log", "-j", "2"], "--jobs needs --recursive or several FILEs"),
        (["logs", "a.log", "b.log", "-j", "2"], "(did you mean natsobj put b logs/ a.log b.log?)"),
        (["-r", "k", "a", "b"], "--recursive takes one folder: a and b"),
        (["logs/", ""], "the name of FILE is empty"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    bare_cli: Program, files: Path, line: list[str], said: str
) -> None:
    """Exit code 2 before anything is sent, and the form that was meant where it can be guessed."""
    result = bare_cli("put", "b", *line, cwd=files, input=b"x")
    assert (result.code, result.stdout) == (2, b"")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
