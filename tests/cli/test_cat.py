"""`natsobj cat`."""

from __future__ import annotations

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from tests.behind import BIG, drop_chunk, write_record
from tests.program import Program


async def test_cat_writes_objects_one_after_the_other(cli: Program, bucket: Bucket, client: Client) -> None:
    """In the order of the line, one twice if it stands there twice, a link as what it leads to."""
    await bucket.put("a", b"one\n")
    await bucket.put("empty", b"")
    await bucket.put("big", BIG)
    await write_record(client, bucket, "link", {"options": {"link": {"bucket": bucket.name, "name": "a"}}})
    result = cli("cat", bucket.name, "a", "big", "empty", "link", "a")
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout == b"one\n" + BIG + b"one\none\n"


async def test_cat_goes_on_behind_a_key_that_fails(cli: Program, bucket: Bucket, client: Client) -> None:
    """Each one is named, the others are written, the exit code is 1; a single key has its own."""
    await bucket.put("a", b"one\n")
    await bucket.put("broken", BIG)
    await drop_chunk(client, bucket, "broken")
    result = cli("cat", bucket.name, "missing", "a", "broken", "a")
    assert result.code == 1
    assert result.stdout.startswith(b"one\n")
    assert result.stdout.endswith(b"one\n")
    said = result.stderr.splitlines()
    assert said[0].startswith(f"natsobj: no such object: {bucket.name}/missing")
    assert said[1].startswith(f"natsobj: broken: {bucket.name}/broken")
    assert said[2:] == ["2 of 4 failed"]
    assert cli("cat", bucket.name, "missing").code == 4
    assert cli("cat", bucket.name, "broken").code == 8


async def test_cat_shows_objects_on_a_terminal(cli: Program, bucket: Bucket) -> None:
    """Who types cat wants to see them."""
    await bucket.put("a", b"one\n")
    assert cli.terminal("cat", bucket.name, "a") == (0, b"one\n", "")


def test_cat_in_a_missing_bucket_is_exit_code_3(cli: Program) -> None:
    """It is said once, for it concerns all keys."""
    result = cli("cat", "zzz-no-such", "a", "b")
    assert (result.code, result.stdout, result.stderr.count("no such bucket")) == (3, b"", 1)


@pytest.mark.parametrize("line", [["photos"], ["photos", ""], ["photos", "a", "--json"]])
def test_cat_refuses_what_makes_no_sense(bare_cli: Program, line: list[str]) -> None:
    """No key, an empty one, and JSON where the content goes."""
    result = bare_cli("cat", *line)
    assert (result.code, result.stdout, result.stderr.count("\n")) == (2, b"", 1)
