"""`natsobj gc`."""

from __future__ import annotations

import json
import re

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from natsobj.adr20.names import chunk_subject, metadata_subject
from natsobj.cli.output.checks import ORPHAN_FIELDS, TOMBSTONE_FIELDS
from tests.behind import BIG, api, fetch, messages
from tests.program import Program

SECONDS = r"\d+\.\d s"
AGE = r"\d+\.\d+"


async def leave(client: Client, bucket: Bucket, nuid: str = "ORPHAN", number: int = 3) -> None:
    """Store chunks that no record names, as an upload that was killed does."""
    for _ in range(number):
        await client.request(chunk_subject(bucket.name, nuid), b"x", timeout=5)


async def test_orphans_are_rows_and_go(cli: Program, bucket: Bucket, client: Client) -> None:
    """Chunks, age, removed and nuid, and one line about all of them on stderr."""
    await bucket.put("k", BIG)
    await leave(client, bucket)
    result = cli("gc", bucket.name, "--older-than", "0s")
    assert result.code == 0
    assert re.fullmatch(f"3\t{AGE}\ttrue\tORPHAN\n", result.text)
    assert re.fullmatch(f"removed from {bucket.name}  1 orphan  3 chunks  {SECONDS}\n", result.stderr)
    assert await messages(client, bucket) == 41
    assert await fetch(bucket, "k") == BIG
    again = cli("gc", bucket.name, "--older-than", "0")
    assert (again.code, again.stdout) == (0, b"")
    assert re.fullmatch(f"nothing to remove from {bucket.name}  {SECONDS}\n", again.stderr)


async def test_what_is_younger_than_a_day_stays_by_default(
    cli: Program, bucket: Bucket, client: Client
) -> None:
    """It may be an upload under way; that there is some is said."""
    await leave(client, bucket)
    result = cli("gc", bucket.name)
    assert (result.code, result.stdout) == (0, b"")
    assert re.fullmatch(
        f"nothing to remove from {bucket.name}  1 younger than 1 d  {SECONDS}\n", result.stderr
    )
    assert await messages(client, bucket) == 3


async def test_an_upload_under_way_is_not_disturbed(cli: Program, bucket: Bucket, client: Client) -> None:
    """It ends as if nothing had happened."""
    with cli.running("put", bucket.name, "k") as putting:
        assert putting.stdin is not None
        putting.stdin.write(BIG)
        putting.stdin.flush()
        while await messages(client, bucket) < 39:
            assert putting.poll() is None
        assert cli("gc", bucket.name, "-q") == (0, b"", "")
        putting.stdin.write(BIG)
        putting.communicate(timeout=60)
    assert putting.returncode == 0
    assert await fetch(bucket, "k") == BIG * 2


async def test_a_dry_run_removes_nothing(cli: Program, bucket: Bucket, client: Client) -> None:
    """Both spellings."""
    await leave(client, bucket)
    for flag in ("-n", "--dry-run"):
        result = cli("gc", bucket.name, flag, "--older-than", "0s")
        assert result.code == 0
        assert re.fullmatch(f"3\t{AGE}\tfalse\tORPHAN\n", result.text)
        assert result.stderr.startswith(f"would remove from {bucket.name}  1 orphan  3 chunks  ")
    assert await messages(client, bucket) == 3


async def test_tombstones_go_when_they_are_asked_for(cli: Program, bucket: Bucket, client: Client) -> None:
    """They are rows as well: the word, age, removed and name."""
    await bucket.put("a\tb", b"x")
    await bucket.delete("a\tb")
    assert cli("gc", bucket.name, "--older-than", "0s").stdout == b""
    assert cli("gc", bucket.name, "--tombstones").stdout == b""
    result = cli("gc", bucket.name, "--older-than", "0s", "--tombstones")
    assert re.fullmatch(f"tombstone\t{AGE}\ttrue\ta\\\\tb\n", result.text)
    assert re.fullmatch(f"removed from {bucket.name}  1 tombstone  {SECONDS}\n", result.stderr)
    assert await messages(client, bucket) == 0


async def test_json_has_the_frozen_fields(cli: Program, bucket: Bucket, client: Client) -> None:
    """One object a line, and no other words."""
    await leave(client, bucket)
    await bucket.put("k", b"x")
    await bucket.delete("k")
    result = cli("gc", bucket.name, "--json", "--older-than", "0s", "--tombstones")
    assert (result.code, result.stderr) == (0, "")
    orphan, tombstone = (json.loads(line) for line in result.lines)
    assert (tuple(orphan), tuple(tombstone)) == (ORPHAN_FIELDS, TOMBSTONE_FIELDS)
    assert (orphan["nuid"], orphan["chunks"], orphan["removed"]) == ("ORPHAN", 3, True)
    assert (tombstone["name"], tombstone["tombstone"], tombstone["removed"]) == ("k", True, True)
    assert all(0 <= each["age"] < 3600 for each in (orphan, tombstone))


async def test_broken_objects_are_told_and_stay(cli: Program, bucket: Bucket, client: Client) -> None:
    """On stderr, and the exit code is 0 all the same: finding them is the business of verify."""
    await bucket.put("k", BIG)
    info = await bucket.info("k")
    assert info.nuid
    subject = chunk_subject(bucket.name, info.nuid)
    await api(client, f"STREAM.PURGE.OBJ_{bucket.name}", filter=subject, keep=7)
    await client.request(metadata_subject(bucket.name, "odd"), b"{", timeout=5)
    result = cli("gc", bucket.name, "--older-than", "0s")
    assert (result.code, result.stdout) == (0, b"")
    assert result.stderr.splitlines()[:2] == [
        f"natsobj: broken: {bucket.name}/k: 7 of 40 chunks are stored",
        f"natsobj: unreadable metadata: {bucket.name}/odd: not JSON",
    ]
    assert await messages(client, bucket) == 9
    assert cli("gc", bucket.name, "-q") == (0, b"", "")


async def test_a_terminal_shows_a_table(cli: Program, bucket: Bucket, client: Client) -> None:
    """Or says that there is nothing."""
    await leave(client, bucket)
    await bucket.put("k\x1b", b"x")
    await bucket.delete("k\x1b")
    line = ["gc", bucket.name, "--older-than", "0s", "--tombstones", "--color", "never"]
    shown = cli.terminal(*line)
    assert shown.code == 0
    for text in ("Orphan", "Chunks", "Age", "ORPHAN", "k\\x1b (deleted)"):
        assert text in shown.text
    assert shown.lines[-1].startswith(f"removed from {bucket.name}  1 orphan  3 chunks  1 tombstone")
    assert cli.terminal(*line).lines[0] == "no orphans"


@pytest.mark.parametrize("flags", [[], ["-n"], ["--older-than", "0s", "--tombstones"]])
async def test_a_bucket_that_takes_no_changes_is_exit_code_6(
    cli: Program, bucket: Bucket, client: Client, flags: list[str]
) -> None:
    """Sealed, or a mirror: before anything is touched."""
    await leave(client, bucket)
    mirror = f"{bucket.name}-mirror"
    origin = {"name": f"OBJ_{bucket.name}"}
    config = (await api(client, f"STREAM.INFO.OBJ_{bucket.name}"))["config"]
    assert isinstance(config, dict)
    await api(client, f"STREAM.UPDATE.OBJ_{bucket.name}", **config | {"sealed": True})
    await api(client, f"STREAM.CREATE.OBJ_{mirror}", name=f"OBJ_{mirror}", mirror=origin)
    for name, why in ((bucket.name, "sealed"), (mirror, "mirror")):
        result = cli("gc", name, *flags)
        assert (result.code, result.stdout) == (6, b"")
        assert result.stderr.count("\n") == 1
        assert why in result.stderr
    assert await messages(client, bucket) == 3
    await api(client, f"STREAM.DELETE.OBJ_{mirror}")


def test_a_missing_bucket_is_exit_code_3(cli: Program) -> None:
    """There is nothing to clean."""
    result = cli("gc", "zzz-no-such")
    assert (result.code, result.stdout) == (3, b"")


@pytest.mark.parametrize("line", [[], ["photos", "key"], ["photos", "--older-than", "soon"], ["a b"]])
def test_wrong_usage_is_exit_code_2(bare_cli: Program, line: list[str]) -> None:
    """No bucket, a key, no duration, an invalid bucket."""
    result = bare_cli("gc", *line)
    assert (result.code, result.stdout) == (2, b"")
