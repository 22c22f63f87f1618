"""Signals as shells, terminals and other programs send them: what is left, and what is said of it."""

from __future__ import annotations

import asyncio
import os
import re
import select
import signal
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from natsobj import Bucket, Store
from natsobj.models import BucketConfig
from natsobj.settings import Settings
from tests.cli.test_runtime import MIB, until_chunks
from tests.conftest import Serve
from tests.program import Argument, Program
from tests.standstill import standing_still

ALL = [signal.SIGHUP, signal.SIGINT, signal.SIGTERM]


def said_by(process: subprocess.Popen[bytes]) -> str:
    """All that the program wrote to stderr, at its end."""
    assert process.stderr is not None
    return process.stderr.read().decode()


def begin(process: subprocess.Popen[bytes]) -> None:
    """Feed a put with something that it can store."""
    assert process.stdin is not None
    process.stdin.write(b"x" * MIB)
    process.stdin.flush()


@contextmanager
def ignoring(cli: Program, names: str, *line: Argument) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command from a shell that ignores signals, as `nohup` and `cmd &` do."""
    words = [str(word) for word in cli.command(*line)]
    with subprocess.Popen(
        ["sh", "-c", f"trap '' {names}; exec \"$@\"", "sh", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=cli.environment(),
        cwd=cli.home,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def at_terminal(
    cli: Program, *line: Argument, ignored: str = ""
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start the command as the leader of a terminal's session, and give our end of the terminal."""
    ours, theirs = os.openpty()
    settings = termios.tcgetattr(theirs)
    settings[3] &= ~termios.ECHO  # nobody reads it
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    script = 'exec <"$0" >"$0" 2>"$0"; ' + (f"trap '' {ignored}; " if ignored else "") + 'exec "$@"'
    words = [str(word) for word in cli.command(*line)]
    with subprocess.Popen(
        ["sh", "-c", script, os.ttyname(theirs), *words],
        env=cli.environment(),
        cwd=cli.home,
        start_new_session=True,
    ) as process:
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(theirs)


# One object


@pytest.mark.parametrize("number", ALL)
async def test_a_signal_during_a_put_says_what_is_so(
    cli: Program, bucket: Bucket, number: signal.Signals
) -> None:
    """The old object is as it was, no chunks are left, one line says so."""
    await bucket.put("k", b"old")
    with cli.running("put", bucket.name, "k") as process:
        begin(process)
        await until_chunks(bucket, 5)
        process.send_signal(number)
        assert process.wait(30) == 128 + number
        assert said_by(process) == f"interrupted: {bucket.name}/k is as it was\n"
    status = await bucket.status()
    assert (status.objects, status.chunks) == (1, 1)


@pytest.mark.parametrize("number", ALL)
async def test_a_signal_during_a_get_says_what_is_so(
    serve: Serve, cli: Program, bucket_name: str, tmp_path: Path, number: signal.Signals
) -> None:
    """The old file is as it was, the temporary one is gone; of a pipe only that it has a part."""
    server = serve("jetstream: enabled")
    async with Store(Settings(servers=(server.url,))) as store:
        bucket = await store.create_bucket(BucketConfig(bucket_name))
        await bucket.put("k", b"x" * (128 * MIB))
    (tmp_path / "k").write_text("old")
    line = ("get", bucket_name, "k", tmp_path / "k", "-f", "-s", server.url, "--timeout", "2s")
    with cli.running(*line) as process:
        while len(os.listdir(tmp_path)) == 1:
            assert process.poll() is None
        with standing_still(server.pid):
            process.send_signal(number)
            assert process.wait(30) == 128 + number
        assert said_by(process) == f"interrupted: {tmp_path}/k is as it was\n"
    assert os.listdir(tmp_path) == ["k"]
    assert (tmp_path / "k").read_text() == "old"
    with cli.running("get", bucket_name, "k", "-s", server.url) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.send_signal(number)
        assert process.wait(30) == 128 + number
        assert said_by(process) == f"interrupted: standard output has a part of {bucket_name}/k at most\n"


async def test_a_server_that_stopped_leaves_the_truth(serve: Serve, cli: Program, bucket_name: str) -> None:
    """What could not be tidied up is said in the same line, and what ends it is the timeout."""
    server = serve("jetstream: enabled")
    assert cli("add", bucket_name, "-s", server.url).code == 0
    async with Store(Settings(servers=(server.url,))) as store:
        with cli.running("put", bucket_name, "k", "-s", server.url, "--timeout", "1s") as process:
            begin(process)
            await until_chunks(store.bucket(bucket_name), 5)
            with standing_still(server.pid):
                process.send_signal(signal.SIGHUP)
                assert process.wait(30) == 129
            said = said_by(process)
    assert said.startswith(
        f"interrupted: {bucket_name}/k is as it was; chunks may be left in {bucket_name}: "
    )
    assert said.count("\n") == 1


async def test_json_and_quiet_after_a_signal(cli: Program, bucket: Bucket) -> None:
    """Quiet is not deaf; with `--json` nothing is said that is no JSON."""
    for option, expected in (("-q", f"interrupted: {bucket.name}/k is as it was\n"), ("--json", "")):
        with cli.running("put", bucket.name, "k", option) as process:
            begin(process)
            await until_chunks(bucket, 5)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
            assert said_by(process) == expected


async def test_ctrl_c_ends_the_line_that_it_stands_on(cli: Program, bucket: Bucket) -> None:
    """Also where there is nothing to say: the prompt begins a new one. Another signal echoes nothing."""
    await bucket.put("k", b"x")
    for number, shown in ((signal.SIGINT, b"\r\n"), (signal.SIGTERM, b"")):
        with at_terminal(cli, "watch", bucket.name, "--history") as (process, ours):
            said = b""
            while not said.endswith(b"k\r\n"):
                said += os.read(ours, 1)
            process.send_signal(number)
            assert process.wait(30) == 128 + number
            assert (os.read(ours, 10) if select.select([ours], [], [], 0)[0] else b"") == shown


# Many


async def test_a_signal_during_put_r_counts_what_is_stored(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """Neither more nor less than the bucket has."""
    for number in range(400):
        (tmp_path / f"{number}").write_bytes(os.urandom(200_000))
    with cli.running("put", "-r", bucket.name, "p", tmp_path) as process:
        await until_chunks(bucket, 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        match = re.fullmatch(r"interrupted: stored (\d+) of 400 objects\n", said_by(process))
    assert match is not None
    status = await bucket.status()
    assert (status.objects, status.chunks) == (int(match[1]), 2 * int(match[1]))


async def test_a_signal_during_get_r_counts_what_is_there(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """Neither more nor less than the folder has, and nothing that is not whole."""
    data = os.urandom(200_000)
    for number in range(400):
        await bucket.put(f"p/{number}", data)
    with cli.running("get", "-r", bucket.name, "p", tmp_path / "out") as process:
        while len(list((tmp_path / "out").glob("[!.]*"))) < 20:  # hidden ones are not whole yet
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
        match = re.fullmatch(r"interrupted: fetched (\d+) of 400 objects\n", said_by(process))
    assert match is not None
    found = list((tmp_path / "out").iterdir())
    assert len(found) == int(match[1])
    assert all(file.read_bytes() == data for file in found)


async def test_a_signal_during_rm_counts_what_is_deleted(cli: Program, bucket: Bucket) -> None:
    """Neither more nor less than what the bucket lacks."""
    keys = [str(number) for number in range(400)]
    for key in keys:
        await bucket.put(key, b"x")
    with cli.running("rm", bucket.name, *keys) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"deleted ")
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 129
        match = re.fullmatch(r"interrupted: deleted (\d+) of 400 objects", said_by(process).splitlines()[-1])
    assert match is not None
    assert 0 < int(match[1]) == 400 - len([info async for info in bucket.list()])


async def test_a_signal_during_verify_says_how_far_it_came(cli: Program, bucket: Bucket) -> None:
    """One line, and the rows that were written before."""
    for number in range(200):
        await bucket.put(str(number), b"x" * 300_000)
    with cli.running("verify", bucket.name) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert re.fullmatch(r"interrupted: verified \d+ of 200 objects\n", said_by(process))


# Ignored, repeated, hung up


@pytest.mark.parametrize("number", ALL)
async def test_what_was_ignored_stays_ignored(cli: Program, bucket: Bucket, number: signal.Signals) -> None:
    """`nohup natsobj put` outlives its terminal; another signal still ends it."""
    with ignoring(cli, number.name.removeprefix("SIG"), "put", bucket.name, "k") as process:
        begin(process)
        await until_chunks(bucket, 5)
        process.send_signal(number)
        process.send_signal(number)
        assert process.communicate(b"y", timeout=30)[0] == b""
        assert process.returncode == 0
    assert (await bucket.info("k")).size == MIB + 1
    with ignoring(cli, number.name.removeprefix("SIG"), "put", bucket.name, "k") as process:
        begin(process)
        await until_chunks(bucket, 14)
        other = signal.SIGTERM if number != signal.SIGTERM else signal.SIGINT
        process.send_signal(other)
        assert process.wait(30) == 128 + other
    assert (await bucket.status()).chunks == 9


@pytest.mark.parametrize(
    "numbers",
    [
        [signal.SIGTERM, signal.SIGTERM],
        [signal.SIGHUP, signal.SIGHUP, signal.SIGHUP],
        [signal.SIGTERM, signal.SIGHUP],
    ],
)
async def test_a_signal_and_its_echo_are_one(
    cli: Program, bucket: Bucket, numbers: list[signal.Signals]
) -> None:
    """timeout(1) sends it to the program and to its group, a terminal and its shell both hang up."""
    with cli.running("put", bucket.name, "k") as process:
        begin(process)
        await until_chunks(bucket, 5)
        for number in numbers:
            process.send_signal(number)
            await asyncio.sleep(0)
        assert process.wait(30) - 128 in numbers
        assert said_by(process) == f"interrupted: {bucket.name}/k is as it was\n"
    assert (await bucket.status()).chunks == 0


async def test_a_closed_terminal_leaves_nothing_behind(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Neither chunks nor temporary files, and the old object as it was."""
    await bucket.put("k", b"old")
    os.mkfifo(tmp_path / "fifo")
    with at_terminal(cli, "put", bucket.name, "k", tmp_path / "fifo") as (process, terminal):
        writer = await asyncio.to_thread(os.open, tmp_path / "fifo", os.O_WRONLY)
        os.write(writer, b"x" * 60_000)
        await asyncio.to_thread(os.write, writer, b"x" * MIB)
        await until_chunks(bucket, 5)
        os.close(terminal)
        assert await asyncio.to_thread(process.wait, 30) == 129
        os.close(writer)
    assert (await bucket.status()).chunks == 1
    assert (await bucket.info("k")).size == 3


async def test_what_was_typed_into_a_closed_terminal_is_not_stored(cli: Program, bucket: Bucket) -> None:
    """The end of the terminal is not the end of the text, also where SIGHUP is ignored."""
    await bucket.put("k", b"old")
    for ignored, code in ("", 129), ("HUP", 1):
        with at_terminal(cli, "put", bucket.name, "k", "-", ignored=ignored) as (process, terminal):
            for _ in range(50):
                await asyncio.to_thread(os.write, terminal, b"x" * 3999 + b"\n")
            await until_chunks(bucket, 2)
            os.close(terminal)
            assert await asyncio.to_thread(process.wait, 30) == code
    assert (await bucket.info("k")).size == 3
