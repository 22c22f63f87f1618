"""The same error many times in a batch."""

from __future__ import annotations

import json
from pathlib import Path

from nats.aio.client import Client

from natsobj import Bucket
from natsobj.adr20.names import metadata_subject
from natsobj.cli.output.diagnostics import Repeats
from natsobj.errors import FileExists, InvalidMetadata
from tests.program import Program


async def test_the_same_error_many_times_is_folded(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Five lines, the hint once, then the number of the others; `-v` names all, and so does `--json`."""
    for number in range(40):
        await bucket.put(f"p/{number:02}", b"new")
        (tmp_path / f"{number:02}").write_text("old")
    result = cli("get", "-r", bucket.name, "p", tmp_path, "-j1")
    assert (result.code, result.stdout) == (1, b"")
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines[:5]] == [f"p/{number:02}" for number in range(5)]
    assert [line.endswith("(use -f to replace it or --skip-existing to keep it)") for line in lines[:5]] == [
        True, False, False, False, False
    ]  # fmt: skip
    assert lines[5] == "natsobj: and 35 more: file exists (-v names them)"
    assert lines[6].startswith(f"fetched {bucket.name}/p/  0 objects")
    assert lines[7:] == ["40 of 40 failed"]
    assert cli("get", "-r", bucket.name, "p", tmp_path, "-v").stderr.count(": file exists: ") == 40
    errors = cli("get", "-r", bucket.name, "p", tmp_path, "--json").stderr.splitlines()
    assert len(errors) == 40
    assert all(json.loads(line)["error"]["hint"] for line in errors)


async def test_missing_keys_of_one_rm_are_folded(cli: Program, bucket: Bucket) -> None:
    """Every command that goes on after a failure."""
    result = cli("rm", bucket.name, *map(str, range(12)))
    assert result.code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 7
    assert sum("shows what is there" in line for line in lines) == 1
    assert lines[5:] == ["natsobj: and 7 more: object not found (-v names them)", "12 of 12 failed"]


def test_what_differs_is_said_up_to_a_limit() -> None:
    """Five that say the same, twenty of a kind, and another kind for itself."""
    failures = Repeats()
    said = [failures.add(InvalidMetadata("b", f"{n}", f"reason {n % 3}")) for n in range(30)]
    assert said == [True] * 15 + [False] * 15
    assert failures.add(FileExists("x"))
    said = [failures.add(InvalidMetadata("b", f"{n}", f"another reason {n}")) for n in range(30)]
    assert sum(said) == 5
    assert failures.rest() == ["and 40 more: invalid metadata (-v names them)"]
    assert failures.rest() == []


async def test_what_the_library_remarks_many_times_is_folded(
    cli: Program, bucket: Bucket, client: Client
) -> None:
    """As failures are: gc looks at every record, and goes on."""
    for number in range(12):
        await client.request(metadata_subject(bucket.name, f"{number}"), b"no JSON", timeout=5)
    result = cli("gc", bucket.name, "-n")
    assert result.code == 0
    lines = result.stderr.splitlines()
    assert [line.startswith("natsobj: unreadable metadata: ") for line in lines[:5]] == [True] * 5
    assert lines[5] == "natsobj: and 7 more: unreadable metadata (-v names them)"
    assert len(lines) == 7
    assert cli("gc", bucket.name, "-n", "-v").stderr.count("unreadable metadata: ") == 12
