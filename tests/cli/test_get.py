"""`natsobj get`."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from natsobj.cli.output.objects import OBJECT_FIELDS
from tests.behind import drop_chunk, record_of, write_record
from tests.program import Program

DATA = bytes(range(256)) * 2000


async def test_get_writes_a_file_and_reports_one_line(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Name, size, digest and time on stderr; the file has ordinary permissions."""
    info = await bucket.put("a/b.bin", DATA)
    assert info.sha256
    result = cli("get", bucket.name, "a/b.bin", "out.bin", cwd=tmp_path)
    assert (result.code, result.stdout) == (0, b"")
    line = rf"fetched {bucket.name}/a/b.bin  500 KiB  sha256:{info.sha256[:12]}  \d+\.\d s\n"
    assert re.fullmatch(line, result.stderr)
    assert (tmp_path / "out.bin").read_bytes() == DATA
    assert (tmp_path / "out.bin").stat().st_mode & 0o777 == 0o666 & ~umask()
    assert os.listdir(tmp_path) == ["out.bin"]


def umask() -> int:
    """The process's own."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


async def spoil_digest(client: Client, bucket: Bucket, key: str) -> None:
    """Make the record say another digest than that of the content."""
    record = await record_of(client, bucket, key)
    kept = {name: value for name, value in record.items() if name not in {"bucket", "name"}}
    await write_record(client, bucket, key, {**kept, "digest": f"SHA-256={'A' * 43}="})


@pytest.mark.parametrize("form", [[], ["-"]])
async def test_get_writes_to_standard_output(cli: Program, bucket: Bucket, form: list[str]) -> None:
    """Left out or `-`: the bytes and nothing else."""
    await bucket.put("k", DATA)
    result = cli("get", bucket.name, "k", *form)
    assert (result.code, result.stdout) == (0, DATA)
    assert result.stderr.startswith("fetched ")
    assert cli("get", bucket.name, "k", *form, "-q") == (0, DATA, "")


async def test_get_to_a_terminal_is_refused_unless_it_is_meant(cli: Program, bucket: Bucket) -> None:
    """Both ways are named; `-` shows the content."""
    await bucket.put("k", b"hello\n")
    result = cli.terminal("get", bucket.name, "k")
    assert result.code == 2
    assert "FILE" in result.text
    assert "hello" not in result.text
    result = cli.terminal("get", bucket.name, "k", "-", "-q")
    assert (result.code, result.text) == (0, "hello\n")


async def test_get_json_gives_the_object_and_needs_a_file(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """Standard output cannot carry both."""
    await bucket.put("k", DATA)
    result = cli("get", "--json", bucket.name, "k", tmp_path / "k")
    assert (result.code, result.stderr) == (0, "")
    assert tuple(json.loads(result.text)) == OBJECT_FIELDS
    for form in ([], ["-"]):
        assert cli("get", "--json", bucket.name, "k", *form)[:2] == (2, b"")


# Where it lands


async def test_get_lands_in_a_folder_under_the_last_part_of_the_key(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """A folder that is there, or a name that ends in `/`, which is made."""
    await bucket.put("a/b/c.bin", DATA)
    assert cli("get", bucket.name, "a/b/c.bin", tmp_path).code == 0
    assert cli("get", bucket.name, "a/b/c.bin", f"{tmp_path}/x/y/").code == 0
    assert (tmp_path / "c.bin").read_bytes() == (tmp_path / "x/y/c.bin").read_bytes() == DATA
    assert cli("get", bucket.name, "a/b/c.bin", tmp_path).code == 6


@pytest.mark.parametrize("key", ["a/", "..", "a/..", ".", "a/b/."])
def test_get_refuses_a_key_whose_last_part_names_no_file(bare_cli: Program, tmp_path: Path, key: str) -> None:
    """Nothing lands outside of the folder."""
    result = bare_cli("get", "photos", key, f"{tmp_path}/x/")
    assert (result.code, result.stdout) == (2, b"")
    assert os.listdir(tmp_path) == []


async def test_get_keeps_a_file_that_exists(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Exit code 6 and the way out, before anything is asked; `--skip-existing` is content with it."""
    await bucket.put("k", DATA)
    file = tmp_path / "k"
    file.write_text("old")
    result = cli("get", bucket.name, "k", file, "-s", "nats://127.0.0.1:1")
    said = f"natsobj: file exists: {file} (use -f to replace it or --skip-existing to keep it)\n"
    assert result == (6, b"", said)
    assert cli("get", bucket.name, "k", file, "--skip-existing") == (0, b"", f"kept {file}\n")
    assert cli("get", bucket.name, "k", file, "--skip-existing", "-f").code == 2
    assert file.read_text() == "old"
    assert cli("get", bucket.name, "k", file, "-f").code == 0
    assert file.read_bytes() == DATA
    other = tmp_path / "other"
    assert cli("get", bucket.name, "k", other, "--skip-existing").code == 0
    assert other.read_bytes() == DATA


async def test_get_follows_a_symbolic_link_with_force(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """The target is replaced, the link stays."""
    await bucket.put("k", DATA)
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    assert cli("get", bucket.name, "k", link).code == 6
    assert cli("get", bucket.name, "k", link, "-f").code == 0
    assert link.is_symlink()
    assert target.read_bytes() == DATA


async def test_get_writes_a_device_directly(cli: Program, bucket: Bucket) -> None:
    """Only regular files count as existing."""
    await bucket.put("k", DATA)
    assert cli("get", bucket.name, "k", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


async def test_get_into_a_place_that_cannot_be_written(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """A file for a folder, or a link that leads nowhere: exit code 1, and nothing is left."""
    await bucket.put("k", DATA)
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("no/k")
    for place, why in (
        ("file/k", "Not a directory"),
        ("file/", "Not a directory"),
        ("link", "No such file or directory"),
        ("link/k", "it is a link that leads nowhere"),
    ):
        result = cli("get", bucket.name, "k", place, cwd=tmp_path)
        assert (result.code, result.stdout) == (1, b"")
        assert why in result.stderr
    assert set(os.listdir(tmp_path)) == {"file", "link"}


async def test_get_makes_the_folders_that_are_missing(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """With and without a slash at the end; those in which nothing lands are taken away again."""
    await bucket.put("x/k", DATA)
    cli("get", bucket.name, "x/k", "a/b/file", cwd=tmp_path).expect(0)
    cli("get", bucket.name, "x/k", "c/d/", cwd=tmp_path).expect(0)
    assert (tmp_path / "a/b/file").read_bytes() == (tmp_path / "c/d/k").read_bytes() == DATA
    cli("get", bucket.name, "missing", "e/f/", cwd=tmp_path).expect(4)
    await bucket.put("broken", DATA)
    await bucket.delete("broken")
    cli("get", bucket.name, "broken", "a/e/file", cwd=tmp_path).expect(4)
    assert set(os.listdir(tmp_path)) == {"a", "c"}
    assert os.listdir(tmp_path / "a") == ["b"]


async def test_get_to_a_full_disk(cli: Program, bucket: Bucket) -> None:
    """Exit code 1 and a line, in the file form and through standard output."""
    await bucket.put("k", DATA)
    result = cli("get", bucket.name, "k", "/dev/full")
    assert (result.code, result.stdout) == (1, b"")
    assert "No space left on device" in result.stderr
    assert result.stderr.count("\n") == 1


# What is not there or not whole


async def test_get_of_a_missing_object_leaves_nothing(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """No file, no folder, no temporary file."""
    result = cli("get", bucket.name, "nothing", f"{tmp_path}/new/")
    assert (result.code, result.stdout) == (4, b"")
    assert os.listdir(tmp_path) == []
    assert cli("get", "zzz-no-such", "k", tmp_path / "k").code == 3


async def test_get_of_broken_content_keeps_the_old_file(
    cli: Program, bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """A missing chunk and a wrong digest are exit code 8, at once; no temporary file stays."""
    await bucket.put("short", DATA)
    await drop_chunk(client, bucket, "short")
    await bucket.put("wrong", DATA)
    await spoil_digest(client, bucket, "wrong")
    file = tmp_path / "k"
    file.write_text("old")
    for key in ("short", "wrong"):
        result = cli("get", bucket.name, key, file, "-f")
        assert (result.code, result.stdout) == (8, b"")
        assert result.stderr.startswith(f"natsobj: broken: {bucket.name}/{key}: ")
        assert result.stderr.count("\n") == 1
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["k"]


async def test_get_to_a_pipe_tells_broken_content_by_its_exit_code(
    cli: Program, bucket: Bucket, client: Client
) -> None:
    """Bytes cannot be unsent."""
    await bucket.put("wrong", DATA)
    await spoil_digest(client, bucket, "wrong")
    result = cli("get", bucket.name, "wrong")
    assert (result.code, result.stdout) == (8, DATA)


async def test_what_tar_wrote_comes_out_again(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """A pipe in and a pipe out."""
    data = DATA * 20
    assert cli("put", bucket.name, "build.tar", input=data).code == 0
    assert cli("get", bucket.name, "build.tar").stdout == data


# Only what has changed


async def test_get_if_changed_fetches_only_another_content(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """A file that has it already is not touched; any other is replaced, and a missing one made."""
    info = await bucket.put("k", DATA)
    assert info.sha256
    file = tmp_path / "k"
    assert cli("get", bucket.name, "k", file, "--if-changed").stderr.startswith("fetched ")
    before = file.stat()
    result = cli("get", bucket.name, "k", file, "--if-changed")
    assert result == (0, b"", f"unchanged {bucket.name}/k  500 KiB  sha256:{info.sha256[:12]}\n")
    result = cli("get", bucket.name, "k", f"{tmp_path}/", "--if-changed", "--json")
    assert (result.code, result.stderr) == (0, "")
    assert json.loads(result.text)["sha256"] == info.sha256
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    file.write_bytes(DATA[::-1])
    assert cli("get", bucket.name, "k", file, "--if-changed").stderr.startswith("fetched ")
    assert file.read_bytes() == DATA
    assert os.listdir(tmp_path) == ["k"]


def test_get_if_changed_needs_a_file(bare_cli: Program) -> None:
    """Standard output has no content to compare with; to keep a file and to replace it are two things."""
    for line in ([], ["-"]):
        result = bare_cli("get", "b", "k", *line, "--if-changed")
        assert (result.code, result.stdout) == (2, b"")
        assert "--if-changed needs a FILE" in result.stderr
    result = bare_cli("get", "b", "k", "file", "--if-changed", "--skip-existing")
    assert (result.code, result.stdout) == (2, b"")
    assert "--skip-existing and --if-changed" in result.stderr


# A part


async def test_get_of_a_byte_range(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """To standard output and into a file; the line says what part it is and that nobody verified it."""
    await bucket.put("k", DATA)
    size = len(DATA)
    for line, start, end, said in (
        ("--offset 1000 --length 5", 1000, 1005, "5 B of 500 KiB from 1,000"),
        ("--length 1K", 0, 1024, "1 KiB of 500 KiB from 0"),
        ("--offset 131071 --length 131074", 131071, 262145, "128 KiB of 500 KiB from 131,071"),
        (f"--offset {size - 3}", size - 3, size, "3 B of 500 KiB from 511,997"),
        (f"--offset {size - 3} --length 1G", size - 3, size, "3 B of 500 KiB from 511,997"),
        (f"--offset {size}", size, size, "0 B of 500 KiB from 512,000"),
        ("--offset 1G", size, size, "0 B of 500 KiB from 1,073,741,824"),
        ("--length 0", 0, 0, "0 B of 500 KiB from 0"),
    ):
        result = cli("get", bucket.name, "k", *line.split())
        assert (result.code, result.stdout) == (0, DATA[start:end]), line
        assert re.fullmatch(rf"fetched {bucket.name}/k  {said}  not verified  \d\.\d s\n", result.stderr)
        assert cli("get", bucket.name, "k", tmp_path / "k", "-fq", *line.split()) == (0, b"", "")
        assert (tmp_path / "k").read_bytes() == DATA[start:end]
    whole = cli("get", bucket.name, "k", "--offset", "0")
    assert (whole.code, whole.stdout) == (0, DATA)
    assert "not verified" in whole.stderr


async def test_get_of_a_byte_range_of_what_is_not_there(cli: Program, bucket: Bucket) -> None:
    """As of a whole object."""
    assert cli("get", bucket.name, "nothing", "--offset", "1").code == 4


@pytest.mark.parametrize(
    "wrong",
    [
        ["--offset", "-1"],
        ["--length", "-1"],
        ["--offset", "many"],
        ["--offset", "1", "--if-changed", "file"],
        ["--length", "0", "--if-changed", "file"],
        ["--length", "1", "-r", "dir"],
        ["--offset", "1", "-r", "dir"],
    ],
)
def test_get_refuses_byte_ranges_that_make_no_sense(bare_cli: Program, wrong: list[str]) -> None:
    """Wrong usage is one line and exit code 2."""
    result = bare_cli("get", "b", "k", *wrong)
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "args",
    [
        ("k",),
        ("k", "-"),
        ("k", "/dev/stdout"),
        ("k", "fifo"),
        ("k", "out", "--offset", "0"),
        ("k", "out", "--length", "5"),
        ("-r", "", "out"),
    ],
)
async def test_only_one_whole_object_into_a_file_is_gone_on_with(
    cli: Program, bucket: Bucket, args: tuple[str, ...]
) -> None:
    """Exit 2, and nothing is fetched."""
    await bucket.put("k", b"content")
    os.mkfifo(cli.home / "fifo")
    result = cli("get", "--resume", bucket.name, *args)
    assert (result.code, result.stdout) == (2, b"")
    assert "--resume" in result.stderr
    assert not (cli.home / "out").exists()


async def test_a_folder_of_the_keys_name_is_in_the_way(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """No option makes a file of it, so none is recommended."""
    await bucket.put("k", b"x")
    (tmp_path / "k").mkdir()
    for options in ([], ["-f"]):
        result = cli("get", bucket.name, "k", tmp_path, *options)
        assert result == (1, b"", f"natsobj: {tmp_path}/k: Is a directory\n")
