"""Where a file system connects to, how often, and what it says when it cannot."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import fsspec
import pytest

from natsobj import BucketNotFound, InvalidArgument, ObjectNotFound, PermissionDenied, ServerUnavailable
from natsobj.fsspec import NatsobjFileSystem
from tests.conftest import Serve
from tests.program import Program
from tests.servers import NatsServer


def run(program: str, env: Mapping[str, str] | None = None) -> str:
    """Run a program of Python to its end, with every warning an error, and return what it printed."""
    command = [sys.executable, "-W", "error", "-c", program]
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_an_error_is_pythons_and_ours_at_once(fs: NatsobjFileSystem, root: str) -> None:
    """Whichever of them a program catches, also after it went from one process to another."""
    with pytest.raises(FileNotFoundError, match=f"^no such object: {root}/none$") as caught:
        fs.cat(f"{root}/none")
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert isinstance(error, ObjectNotFound)
        assert isinstance(error, FileNotFoundError)
        assert (error.bucket, error.key, error.errno) == (root, "none", 2)
    with pytest.raises(BucketNotFound):
        fs.ls("no-such-bucket")
    with pytest.raises(FileNotFoundError):
        fs.pipe("no-such-bucket/key", b"")
    with pytest.raises(ValueError, match="invalid bucket name"):
        fs.pipe("no bucket/key", b"")
    assert not fs.exists("no bucket/key")
    assert not fs.exists(f"{root}/{'x' * 5000}")


def test_what_is_forbidden_is_a_permission_error(serve: Serve) -> None:
    """The user may read the API and write nothing."""
    server = serve(
        'jetstream {}\nauthorization {users: [{user: u, password: p, permissions: {publish: {deny: "$O.>"}}},'
        " {user: admin, password: p}]}"
    )
    fsspec.filesystem("natsobj", servers=server.url, user="admin", password="p").mkdir("bucket")
    fs = fsspec.filesystem("natsobj", servers=server.url, user="u", password="p")
    with pytest.raises(PermissionError) as caught:
        fs.pipe("bucket/key", b"x")
    assert isinstance(caught.value, PermissionDenied)
    with pytest.raises(PermissionError):
        fsspec.filesystem("natsobj", servers=server.url).ls("")


def test_a_server_that_is_away_is_no_empty_folder(serve: Serve) -> None:
    """Nothing says that there is nothing, where nobody knows; and when it is back, all goes on."""
    server = serve("jetstream {}")
    fs = NatsobjFileSystem(servers=server.url, timeout=0.2)
    fs.mkdir("bucket")
    fs.pipe("bucket/dir/key", b"x")
    server.stop()
    for question in (fs.exists, fs.ls, lambda path: list(fs.walk(path))):
        with pytest.raises(ServerUnavailable) as caught:
            question("bucket/dir")
        assert isinstance(caught.value, ConnectionError)
    server.start()
    assert fs.cat("bucket/dir/key") == b"x"


def test_settings_come_from_options_the_environment_and_contexts(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As for the command; a file system that is there already follows the environment."""
    fs = NatsobjFileSystem()
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CONFIG_HOME", "NATS_URL", "NATSOBJ_LOCAL"):
        monkeypatch.delenv(variable, raising=False)
    assert fs.settings.servers == ("nats://127.0.0.1:4222",)
    context = tmp_path / ".config" / "nats" / "context" / "here.json"
    context.parent.mkdir(parents=True)
    context.write_text(json.dumps({"url": server.url, "token": "t"}))
    monkeypatch.setenv("NATS_CONTEXT", "here")
    assert (fs.settings.servers, fs.settings.token) == ((server.url,), "t")
    monkeypatch.setenv("NATS_URL", "nats://elsewhere:4222")
    assert fs.settings.servers == ("nats://elsewhere:4222",)
    given = NatsobjFileSystem(context="here", timeout=2).settings
    assert (given.servers, given.timeout) == ((server.url,), timedelta(seconds=2))
    given = NatsobjFileSystem(servers=["nats://a:1", "nats://b:2"], user="u", password="p").settings
    assert (given.servers, given.user) == (("nats://a:1", "nats://b:2"), "u")
    with pytest.raises(InvalidArgument, match="servers"):
        NatsobjFileSystem(servers="http://x").ls("")
    with pytest.raises(TypeError, match="unknown storage option: sever"):
        NatsobjFileSystem(sever="nats://x")


def test_the_local_server_is_used_where_the_command_would(
    bare_cli: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is started as needed; beside another server's address the variable is refused."""
    data = bare_cli.home / "data"
    env = {"NATSOBJ_LOCAL": "1", "XDG_DATA_HOME": str(data)}
    monkeypatch.delenv("NATS_URL", raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    fs = NatsobjFileSystem()
    try:
        fs.mkdir("bucket")
        fs.pipe_file("bucket/key", b"x")
        assert b"key" in bare_cli("ls", "bucket", env=env).expect(0).stdout
        monkeypatch.setenv("NATS_URL", "nats://elsewhere")
        with pytest.raises(InvalidArgument, match="NATSOBJ_LOCAL contradicts NATS_URL"):
            fs.ls("bucket")
    finally:
        bare_cli("server", "stop", env=env).expect(0)


def test_an_asynchronous_program_leaves_nothing_open(server: NatsServer, root: str) -> None:
    """The connection ends with the loop, without a word; every loop has its own."""
    printed = run(f"""
import asyncio, fsspec

async def main():
    fs = fsspec.filesystem("natsobj", servers="{server.url}", asynchronous=True)
    await fs._pipe_file("{root}/key", b"x")
    print(await fs._cat_file("{root}/key"), await fs._exists("{root}/none"))

asyncio.run(main())
asyncio.run(main())
""")
    assert printed == "b'x' False\n" * 2


def test_a_process_has_one_connection_and_a_fork_its_own(server: NatsServer, root: str) -> None:
    """What the parent opened goes on; the child makes a file system of its own."""
    printed = run(f"""
import fsspec, os
fs = fsspec.filesystem("natsobj", servers="{server.url}")
fs.pipe("{root}/key", b"x")
if os.fork() == 0:
    child = fsspec.filesystem("natsobj", servers="{server.url}")
    child.pipe("{root}/child", b"y")
    os._exit(0)
assert os.wait()[1] == 0
print(fs.cat("{root}/child"), fsspec.filesystem("natsobj", servers="{server.url}") is fs)
""")
    assert printed == "b'y' True\n"


def test_what_is_closed_by_the_end_of_the_program_stores_nothing(server: NatsServer, root: str) -> None:
    """Nobody runs the loop any more that it would wait for."""
    program = f"""
import fsspec
class Holder:
    def __init__(self, size):
        self.file = fsspec.filesystem("natsobj", servers={server.url!r}).open("{root}/%s" % size, "wb")
        self.file.write(bytes(size))
    def __del__(self):
        self.file.close()
kept = Holder(3), Holder(10_000_000)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert done.stderr.count("RuntimeError: the program is at its end") >= 2
    assert NatsobjFileSystem(servers=server.url).find(root) == []
