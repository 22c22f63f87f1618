"""The program among records that nobody meant: documented exit codes, short errors, no control characters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from tests.chance import seed_of
from tests.program import Program, Result
from tests.strangers.fuzz import Fuzz

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
GOOD = {"good": b"good" * 100, "folder/also good": b"", "grün.txt": b"x" * 300_000}
MOST = 300
"""Records in one bucket."""


@pytest.fixture
async def odd_bucket(client: Client, bucket: Bucket, pytestconfig: pytest.Config) -> str:
    """A bucket with a few good objects between hundreds of odd records."""
    for key, content in GOOD.items():
        await bucket.put(key, content)
    seed = seed_of(pytestconfig)
    for each in range(min(MOST, pytestconfig.getoption("--fuzz-records"))):
        fuzz = Fuzz(f"{seed} bucket {each}")
        record = fuzz.record()[:900_000]
        await client.request(fuzz.subject(bucket.name, record), record, timeout=30)
    return bucket.name


def check(result: Result, *codes: int) -> Result:
    """What must be true of every run."""
    assert result.code in codes, f"exit {result.code}: {result.stderr[-2000:]}"
    assert "Traceback" not in result.stderr
    assert not CONTROL.search(result.stderr), result.stderr[:2000]
    return result


async def test_nothing_in_a_record_stops_what_looks_at_all_of_them(cli: Program, odd_bucket: str) -> None:
    """Each unreadable record is named, exit 1; all others are listed."""
    listed = check(cli("ls", "-0", odd_bucket), 1)
    assert set(GOOD) <= {name.decode() for name in listed.stdout.split(b"\0")}
    for options in (["--json"], ["-l", "--deleted"], ["--sha256sum"], ["--sort", "size"]):
        check(cli("ls", odd_bucket, *options), 1)
    check(cli("verify", "--quick", odd_bucket), 8)
    check(cli("verify", odd_bucket, "--json"), 8)
    check(cli("gc", "-n", odd_bucket), 0, 1)
    check(cli("gc", "-n", "--tombstones", odd_bucket, "--json"), 0, 1)


async def test_no_control_character_of_a_record_reaches_a_terminal(cli: Program, odd_bucket: str) -> None:
    """Names, digests, links and errors, with and without --debug."""
    for command in (["ls"], ["ls", "--deleted", "--debug"], ["verify", "--quick"], ["gc", "-n"]):
        shown = cli.terminal(*command, odd_bucket, env={"NO_COLOR": "1"}).stdout.decode()
        assert "Traceback" not in shown or "--debug" in command
        assert not CONTROL.search(shown), shown


async def test_every_name_that_is_listed_can_be_asked_for(
    cli: Program, odd_bucket: str, pytestconfig: pytest.Config
) -> None:
    """Whatever it names: the commands end as documented, and what is good stays good."""
    names = sorted(name for name in cli("ls", "-0", odd_bucket).stdout.split(b"\0") if name)
    for name in Fuzz(f"{seed_of(pytestconfig)} names").sample(names, min(6, len(names))):
        if name.decode() in GOOD:
            continue
        check(cli("info", "--", odd_bucket, name), 0, 2, 4, 8)
        check(cli("get", "--", odd_bucket, name, "-"), 0, 2, 4, 8, 1)
        check(cli("put", "--if-absent", "--", odd_bucket, name, "-", input=b"new"), 0, 2, 6)
        check(cli("rm", "--", odd_bucket, name), 0, 2, 4, 6, 8)
    for key, content in GOOD.items():
        assert check(cli("get", odd_bucket, key, "-"), 0).stdout == content


async def test_a_folder_is_fetched_from_between_odd_records(
    cli: Program, odd_bucket: str, tmp_path: Path
) -> None:
    """Names that lead out of the folder are refused, what is unreadable is named, the others land."""
    folder = tmp_path / "in" / "side"
    check(cli("get", "-r", odd_bucket, "", folder), 1)
    for key, content in GOOD.items():
        assert (folder / key).read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["side"]
