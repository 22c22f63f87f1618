"""The examples of each command's help do what they say, as they stand, in a shell."""

from __future__ import annotations

import asyncio
import importlib
import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from natsobj import BucketConfig, Store
from natsobj.cli import COMMANDS
from natsobj.settings import Settings
from tests.conftest import Serve
from tests.program import Program
from tests.shell import Shell, stand_in

EXPECTED = {
    "natsobj add photos --replicas 3 --if-not-exists": {5, 6},  # one server cannot
    "natsobj edit photos --replicas 3 --ttl 30d": {5, 6},
    "natsobj rm --bucket photos": {2},  # asks at a terminal
    "natsobj seal releases-2026": {2},
    "natsobj server status": {1},  # it does not run
}
"""Exit codes of examples that want more than a server and a shell."""

ENDLESS = ("natsobj server run", "natsobj serve ")
"""What ends only by a signal; tests/cli/test_server.py and tests/serve/ run it."""

BUCKETS = {"photos", "builds", "notes", "backups", "releases", "logs", "site", "inbox", "archive"} | {
    "releases-2026"
}
NAMES = ("cat.jpg", "dog.jpg", "2026/cat.jpg", "2025/a.jpg", "a.bak", "a.tmp", "todo.txt", "app.log", "a.js")


def archive() -> bytes:
    """A tar file of one file."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        info = tarfile.TarInfo("file")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    return raw.getvalue()


TAR = archive()
CONTENT = {
    **{name: name.encode() for name in NAMES},
    "scan.pdf": b"%PDF",
    "42/app.js": b"",
    "build-42.tar": TAR,
    "build-43.tar": TAR,
    "db.tar.1": TAR[:600],
    "db.tar.2": TAR[600:],
}


@pytest.fixture
async def store(serve: Serve) -> AsyncIterator[Store]:
    """A server of its own: the examples have names that every example has."""
    async with Store(Settings(servers=(serve("jetstream: enabled").url,))) as connected:
        yield connected


def examples(command: str) -> list[str]:
    """The lines in the help of a command."""
    module = importlib.import_module(f"natsobj.cli.commands.{command}")
    return [line for _, line in module.EXAMPLES if not line.startswith(ENDLESS)]


async def furnish(store: Store, command: str, line: str) -> None:
    """Make the buckets that a line names anew; the first one has what it needs."""
    named = [word for word in line.replace("'", " ").replace(":", " ").split() if word in BUCKETS]
    for name in set(named) & set(await store.bucket_names()):
        await store.delete_bucket(name)
    if command == "add":
        return
    for number, name in enumerate(dict.fromkeys(named)):
        config = BucketConfig(name, max_bytes=2**24, object_ttl=True)
        bucket = await store.create_bucket(config)
        if number == 0 and command != "put":
            taken = {"2026/cat.jpg"} if command == "mv" else set()
            await asyncio.gather(
                *(bucket.put(key, data) for key, data in CONTENT.items() if key not in taken)
            )


def prepare(folder: Path, command: str) -> None:
    """Put files there that a line reads."""
    (folder / ".config" / "fish" / "completions").mkdir(parents=True)
    if command in {"put", "sync"}:
        (folder / "dist").mkdir()
        for name in ("cat.jpg", "dog.jpg", "dist.tar", "dist/app.js"):
            (folder / name).write_text(name)
    if command == "ls":
        for key, data in CONTENT.items():
            path = folder / "photos" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


@pytest.mark.parametrize("command", COMMANDS)
async def test_the_examples_of_a_command_work(
    cli: Program, store: Store, command: str, tmp_path: Path
) -> None:
    """Each one ends as it should, in a folder and with buckets that have what it names."""
    cli.env["NATS_URL"] = store.settings.servers[0]
    for number, line in enumerate(examples(command)):
        folder = tmp_path / str(number)
        folder.mkdir()
        cli.env["HOME"] = str(folder)
        shell = Shell(cli, folder)
        for name in ("jq", "less"):
            stand_in(folder, name, "exec cat >/dev/null")
        prepare(folder, command)
        await furnish(store, command, line)
        ending = " --history --until-current"  # or a watch would not end
        typed = (
            f"{line.replace(' --history', '')}{ending}" if command == "watch" and "|" not in line else line
        )
        typed = typed.replace("watch inbox", f"watch inbox{ending}")
        done = await asyncio.to_thread(shell, typed)
        assert done.code in EXPECTED.get(line, {0}), (line, done.code, done.stderr)
