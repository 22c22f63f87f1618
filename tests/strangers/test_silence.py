"""A server that stands still in the middle of everything: it is given up, after a time that is known."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.program import Program
from tests.servers import PLAIN, NatsServer
from tests.standstill import standing_still
from tests.strangers.lies import TIMEOUTS

SECONDS = 1.0
SLACK = 5.0
"""More than a busy machine needs, and less than another round of patience takes."""

BIG = bytes(range(256)) * 4096 * 128


@pytest.fixture
def full(serve: Serve, bare_cli: Program, tmp_path: Path) -> NatsServer:
    """A server with a bucket that keeps one large object."""
    server = serve(PLAIN)
    source = tmp_path / "source"
    source.write_bytes(BIG)
    bare_cli("add", "-s", server.url, "b").expect(0)
    bare_cli("put", "-s", server.url, "b", "big", source).expect(0)
    return server


def in_the_middle(process: subprocess.Popen[bytes]) -> None:
    """Wait until a program has begun to move bytes: the progress line of CI logs would be later."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        fields = Path(f"/proc/{process.pid}/io").read_text(encoding="utf-8").split()
        if max(int(fields[1]), int(fields[3])) > len(BIG) // 4:
            return
        time.sleep(0.002)
    pytest.fail("it has never begun", pytrace=False)


@pytest.mark.parametrize(
    "command",
    [("put", "b", "new", "source"), ("put", "b", "big", "source"), ("get", "b", "big", "target")],
    ids=["put", "put over another", "get"],
)
def test_a_server_that_stands_still_is_given_up(
    bare_cli: Program, full: NatsServer, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Six timeouts without progress and one for tidying: exit 5, no file, the old object as it was."""
    args = ("-s", full.url, "--timeout", f"{SECONDS:g}s", *command)
    with bare_cli.running(*args, cwd=tmp_path) as process:
        in_the_middle(process)
        with standing_still(full.pid):
            _, said = process.communicate(timeout=TIMEOUTS * SECONDS + SLACK)
    assert process.returncode == 5, said
    assert b"Traceback" not in said
    assert sorted(os.listdir(tmp_path)) == ["source"]
    kept = tmp_path / "kept"
    bare_cli("get", "-s", full.url, "b", "big", kept).expect(0)
    assert kept.read_bytes() == BIG


@pytest.mark.parametrize(
    "command", [("ls", "b"), ("rm", "b", "big"), ("verify", "b"), ("gc", "b"), ("add", "c"), ("info", "b")]
)
def test_a_server_that_stands_still_from_the_beginning_is_given_up_within_a_timeout(
    bare_cli: Program, full: NatsServer, command: tuple[str, ...]
) -> None:
    """One line, exit 5."""
    with standing_still(full.pid):
        result = bare_cli("-s", full.url, "--timeout", "0.5s", *command, timeout=SLACK + 1)
    assert result.expect(5).stderr.count("\n") == 1
