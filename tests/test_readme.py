"""The README does what it says: every shell block, and the Python, run as they stand against real servers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from natsobj.cli import COMMANDS
from tests.conftest import Serve
from tests.program import Program
from tests.servers import NatsServer, nats_server
from tests.shell import Shell, stand_in
from tests.streams import run, script

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHELL = re.findall(r"(?:<!-- ([^>]*) -->\n+)?```sh\n(.*?)```", README, re.DOTALL)
"""Shell blocks, each with the comment before it."""

CLUSTER = next(block for _, block in SHELL if "--cluster_name" in block)
WALK = [block for mark, block in SHELL if not mark and block != CLUSTER]

READINGS = "a.log b.log dist/app.tar dist/js/app.js documents/letter.txt".split()
"""Files that the blocks read."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the README has in it."""
    (tmp_path / "dist" / "js").mkdir(parents=True)
    (tmp_path / "documents").mkdir()
    for name in READINGS:
        (tmp_path / name).write_text(name)
    subprocess.run(["tar", "cf", "dist/app.tar", "documents"], cwd=tmp_path, check=True)
    (tmp_path / "cat.mp4").write_bytes(bytes(1_000_000))
    return tmp_path


def checked(block: str) -> str:
    """A block that ends with the number of its first line that fails; a line may go on behind a backslash."""
    lines = re.sub(r"\\\n *", "", block)
    return f"set -eE -o pipefail\ntrap 'echo \"README, in this block: $BASH_COMMAND\" >&2' ERR\n{lines}"


def test_only_what_another_test_runs_is_not_run_here() -> None:
    """The gate runs the two commands for newcomers; one line installs for good."""
    marks = [mark for mark, _ in SHELL if mark]
    assert [mark.partition(":")[0] for mark in marks] == ["command", "not run", "command"]
    assert len(WALK) >= 8
    assert not re.findall(r"```(?:bash|shell|console|zsh)\n", README)


def test_the_reference_has_a_row_for_every_command() -> None:
    """A command that the table lacks is one that nobody finds."""
    rows = re.findall(r"^\| `natsobj ([a-z]+)[^`|]*", README, re.MULTILINE)
    assert set(rows) == set(COMMANDS)


def test_the_shell_blocks_run_from_top_to_bottom(cli: Program, serve: Serve, folder: Path) -> None:
    """In one folder, against one server that was empty."""
    cli.env["NATS_URL"] = serve("jetstream: enabled").url
    shell = Shell(cli, folder)
    stand_in(folder, "jq", "exec cat >/dev/null")
    for block in WALK:
        done = shell(checked(block))
        assert (done.code, "README" in done.stderr) == (0, False), (block, done.stderr)
    assert (folder / "out" / "js" / "app.js").read_text() == "dist/js/app.js"


def test_any_ci_builds_once_and_fetches_then(cli: Program, server: NatsServer, folder: Path) -> None:
    """A step that finds nothing builds and stores; the next one fetches; without a bucket it fails."""
    found = re.search(r"```yaml\n- run: \|\n(.*?)  env:", README, re.DOTALL)
    assert found is not None
    step = textwrap.dedent(found[1])
    shell = Shell(cli, folder)
    stand_in(folder, "make", 'echo built >"$1"; echo built >>log')
    cli("rm", "--bucket", "artifacts", "-f")
    line = f"export COMMIT=4f2a91\n{step}"
    assert shell(line).code == 1
    cli("add", "artifacts").expect(0)
    for _ in range(2):
        (folder / "app.tar").unlink(missing_ok=True)
        shell(line).expect(0)
        assert (folder / "app.tar").read_text() == "built\n"
    assert (folder / "log").read_text() == "built\n"
    cli("rm", "--bucket", "artifacts", "-f").expect(0)


@pytest.fixture
def ports() -> str:
    """What six free ports begin with: 1 to 3 for clients, and 1 to 3 of the next for the cluster."""
    for prefix in range(2000, 3000, 2):
        try:
            for port in (*(f"{prefix}{n}" for n in "123"), *(f"{prefix + 1}{n}" for n in "123")):
                with socket.socket() as taken:
                    taken.bind(("127.0.0.1", int(port)))
        except OSError:
            continue
        return str(prefix)
    pytest.fail("no free ports")


@pytest.fixture
def nodes(folder: Path) -> Iterator[list[int]]:
    """The servers that a block has started, ended after the test."""
    yield []
    for file in folder.glob("n?.pid"):
        with suppress(ProcessLookupError):
            os.kill(int(file.read_text()), signal.SIGKILL)


def test_the_cluster_of_the_readme_works(cli: Program, folder: Path, ports: str, nodes: list[int]) -> None:
    """Three servers from nothing; one of them goes, and puts and gets go on."""
    block = checked(CLUSTER).replace("422", ports).replace("622", str(int(ports) + 1))
    shell = Shell(cli, folder)
    stand_in(folder, "nats-server", f'exec "{nats_server()}" "$@"')
    done = shell(block)
    assert done.code == 0, done.stderr
    info = dict(line.split("\t") for line in done.text.splitlines() if "\t" in line)
    assert info["replicas"] == "3"
    assert '"leader":"n' in info["cluster"]
    assert (folder / "copy.mp4").read_bytes() == bytes(1_000_000)


def test_the_python_of_the_readme_runs(server: NatsServer, tmp_path: Path) -> None:
    """First with `await`, then without: what the first has stored is replaced by the second."""
    asynchronous, blocking = (text.replace("nats://127.0.0.1:4222", server.url) for text in EXAMPLES)
    imports, body = asynchronous.split("\n\n", 1)
    (tmp_path / "app.tar").write_bytes(bytes(300_000))
    program = f"""
import asyncio, os
os.chdir({str(tmp_path)!r})
{imports}
async def main():
{textwrap.indent(body, "    ")}
    assert notes == b"some bytes"
asyncio.run(main())
{blocking}
with natsobj.blocking.connect({server.url!r}) as store:
    store.delete_bucket("artifacts")
"""
    done = run(script(program))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"build/app.tar 300000\nbuild/notes 10\nput build/app.tar\nput notes\n"
    assert (tmp_path / "copy.tar").read_bytes() == bytes(300_000)
