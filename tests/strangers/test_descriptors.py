"""Names for open descriptors, as shells and services use them: such a name is the descriptor itself."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.program import TIMEOUT, Program
from tests.streams import names

NEW = b"new content\n"


def shell(
    cli: Program, line: str, *args: str | Path, cwd: Path, stdout: socket.socket | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a line of the shell in which `"$@"` is the program with arguments."""
    return subprocess.run(
        ["sh", "-c", line, "sh", *cli.command(*args)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if stdout is None else stdout.fileno(),
        stderr=subprocess.PIPE,
        env=cli.environment(),
        cwd=cwd,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.parametrize(
    "name",
    [
        "/dev/stdout",
        "/dev/fd/1",
        "/proc/self/fd/1",
        "/proc/thread-self/fd/1",
        "/dev/../dev/stdout",
        "link",
        "folder/link",
        "far/fd/1",
    ],
)
@pytest.mark.parametrize("force", [True, False])
async def test_get_to_a_name_of_standard_output_is_written_where_that_stands(
    cli: Program, bucket: Bucket, tmp_path: Path, name: str, *, force: bool
) -> None:
    """The log of a job: it stays the file that it is, and what follows stands behind."""
    await bucket.put("k", NEW)
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/link").symlink_to("../link")
    (tmp_path / "far").symlink_to("/proc/self")
    (tmp_path / "log").write_bytes(b"before\n")
    before = (tmp_path / "log").stat().st_ino
    options = ["-f"] if force else []
    done = shell(
        cli, '("$@" && echo more) >> log', "get", "-q", *options, bucket.name, "k", name, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "log").read_bytes() == b"before\n" + NEW + b"more\n"
    assert (tmp_path / "log").stat().st_ino == before
    assert names(tmp_path) == {"link", "folder", "far", "log"}


async def test_get_to_another_descriptor(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """That the shell has opened, and standard error: to a file, from where it stands, and to a pipe."""
    await bucket.put("k", NEW)
    line = '{ echo a >&5; "$@" && echo b >&5; } 5> out'
    done = shell(cli, line, "get", "-q", bucket.name, "k", "/dev/fd/5", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "out").read_bytes() == b"a\n" + NEW + b"b\n"
    done = shell(cli, '"$@"', "get", "-q", bucket.name, "k", "/dev/stderr", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", NEW)


async def test_get_to_a_socket_that_is_standard_output(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """As service managers have it: nobody can open its name."""
    await bucket.put("k", NEW)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        name = "/dev/stdout"
        done = shell(cli, '"$@"', "get", "-q", bucket.name, "k", name, cwd=tmp_path, stdout=theirs)
        theirs.close()
        assert (done.returncode, done.stderr) == (0, b"")
        assert ours.recv(100) == NEW


@pytest.mark.parametrize(("name", "redirection"), [("/dev/fd/3", "3>&-"), ("/dev/fd/4", "4>&-")])
async def test_a_descriptor_that_nobody_opened_is_none(
    cli: Program, bucket: Bucket, tmp_path: Path, name: str, redirection: str
) -> None:
    """The program has such numbers in use by itself; also a standard stream that is closed."""
    await bucket.put("k", NEW)
    for line, args in (
        (f'"$@" {redirection}', ("get", "-q", bucket.name, "k", name)),
        (f'"$@" {redirection}', ("put", "-q", bucket.name, "new", name)),
        ('"$@" >&-', ("get", "-q", bucket.name, "k", "/dev/stdout")),
        ('"$@" <&-', ("put", "-q", bucket.name, "new", "/dev/stdin")),
    ):
        done = shell(cli, line, *args, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (1, f"natsobj: {args[-1]}: Bad file descriptor\n".encode())


async def test_get_to_a_name_of_standard_output_cannot_report_there(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """The object in JSON would stand among its bytes, as with `-`; and there is nothing to compare."""
    await bucket.put("k", NEW)
    for option in ("--json", "--if-changed"):
        done = shell(cli, '"$@"', "get", option, bucket.name, "k", "/dev/stdout", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"needs a FILE: standard output has the content" in done.stderr


@pytest.mark.parametrize(("name", "number"), [("/dev/stdin", 0), ("/dev/fd/7", 7), ("/proc/self/fd/7", 7)])
async def test_put_from_a_descriptor_reads_from_where_it_stands(
    cli: Program, bucket: Bucket, tmp_path: Path, name: str, number: int
) -> None:
    """What the shell has read before is not stored again; a pipe is read to its end."""
    (tmp_path / "file").write_bytes(b"first\nsecond\nthird\n")
    line = f'{{ read -r line <&{number}; "$@"; }} {number}< file'
    done = shell(cli, line, "put", "-q", bucket.name, "k", name, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert cli("get", bucket.name, "k").stdout == b"second\nthird\n"
    line = f'echo piped | {{ "$@" {number}<&0; }}'
    done = shell(cli, line, "put", "-q", bucket.name, "k", name, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert cli("get", bucket.name, "k").stdout == b"piped\n"


@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/fd/0"])
async def test_a_descriptor_has_no_name_in_a_folder(
    cli: Program, bucket: Bucket, tmp_path: Path, name: str
) -> None:
    """Nothing is stored as `stdin` or `0`, as nothing is for `-`."""
    done = shell(cli, 'echo x | "$@"', "put", bucket.name, "folder/", name, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{name} has no file name to store in the folder folder/".encode() in done.stderr


async def test_what_another_process_has_open_is_appended_to(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """A job in a container that writes to the log of its first process."""
    await bucket.put("k", NEW)
    with (tmp_path / "log").open("ab") as log:
        log.write(b"before\n")
        log.flush()
        name = f"/proc/{os.getpid()}/fd/{log.fileno()}"
        done = shell(cli, '"$@"', "get", "-q", "-f", bucket.name, "k", name, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, b"")
        log.write(b"after\n")
    assert (tmp_path / "log").read_bytes() == b"before\n" + NEW + b"after\n"


async def test_a_socket_is_no_file(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """A name in a folder that leads to one can neither be read nor written."""
    await bucket.put("k", NEW)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{tmp_path}/socket")
        for verb in ("get", "put"):
            result = cli(verb, bucket.name, "k", "socket", cwd=tmp_path)
            assert result.code == 1
            assert result.stderr == "natsobj: socket: a socket cannot be opened as a file\n"
