"""What commands import: each pays for what it needs and not for the others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.program import Program

EVERYTHING_ELSE = {
    "rich",
    "natsobj.local_server",
    "natsobj.folders.outcomes",
    "natsobj.folders.put",
    "natsobj.folders.get",
    "natsobj.cli.arguments.completion",
    "natsobj.cli.session.batch",
}
"""What only terminals, the local server, folders and shells that complete need."""

TRANSFERS = {"natsobj.objects.put", "natsobj.objects.download", "natsobj.cli.output.progress"}


def imported(program: Program, *args: str | Path) -> set[str]:
    """All modules that a run of the program imports, with the packages that they are in."""
    result = program(*args, env={"PYTHONPROFILEIMPORTTIME": "1"}).expect(0)
    names = re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", result.stderr, re.MULTILINE)
    assert "natsobj.cli" in names
    return set(names)


@pytest.mark.unmeasured
def test_version_imports_neither_the_library_nor_what_connections_need(bare_cli: Program) -> None:
    """Nor the modules of commands: it is asked for to see whether the program is there at all."""
    found = imported(bare_cli, "--version")
    unwanted = {"asyncio", "nats", "ssl", "logging", "hashlib", "json", *EVERYTHING_ELSE, *TRANSFERS}
    unwanted |= {
        f"natsobj.{name}" for name in ("models", "settings", "adr20", "files", "store", "cli.commands")
    }
    assert found & unwanted == set()


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        (("info", "BUCKET", "key"), {"natsobj.files", *TRANSFERS}),
        (("info", "BUCKET"), {"natsobj.files", *TRANSFERS}),
        (("info",), {"natsobj.files", *TRANSFERS}),
        (("ls", "BUCKET"), TRANSFERS),
        (("ls",), TRANSFERS),
        (("get", "BUCKET", "key", "-"), {"natsobj.objects.put", "natsobj.objects.byte_range"}),
        (("put", "BUCKET", "new", "-"), {"natsobj.objects.download"}),
        (("rm", "BUCKET", "key"), {"natsobj.objects.download", "natsobj.cli.output.progress"}),
    ],
)
async def test_a_command_imports_what_it_needs(
    cli: Program, bucket: Bucket, command: tuple[str, ...], unwanted: set[str]
) -> None:
    """Into a pipe: no tables of Rich, and no code of commands that do something else."""
    await bucket.put("key", b"x")
    found = imported(cli, *(bucket.name if each == "BUCKET" else each for each in command))
    others = {f"natsobj.cli.commands.{name}" for name in ("add", "ls", "put", "get", "info", "rm", "server")}
    assert found & (EVERYTHING_ELSE | unwanted | others - {f"natsobj.cli.commands.{command[0]}"}) == set()
