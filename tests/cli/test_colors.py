"""Colour on a terminal: it means something, its text says the same, and it can be had or left."""

from __future__ import annotations

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from tests.behind import BIG, drop_chunk
from tests.program import Program

RED, YELLOW, DIM, LOUD = b"\x1b[31m", b"\x1b[33m", b"\x1b[2m", b"\x1b[1;31mnatsobj:\x1b[0m "


@pytest.mark.parametrize("line", ["ls zzz-no-such", "info", "frobnicate", "put"])
def test_an_error_on_a_terminal_begins_in_red(bare_cli: Program, line: str) -> None:
    """Whatever kind it is; the words themselves are plain."""
    result = bare_cli.terminal(*line.split(), "-s", "nats://127.0.0.1:1")
    assert result.code in {2, 5}
    assert result.stdout.startswith(LOUD)
    assert result.stdout.count(b"\x1b") == 2


@pytest.mark.parametrize(
    ("options", "env"),
    [((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"}), (("--color", "never"), {})],
    ids=["NO_COLOR", "dumb", "never"],
)
def test_who_wants_no_colour_gets_none(
    cli: Program, bucket: Bucket, options: tuple[str, ...], env: dict[str, str]
) -> None:
    """Neither in errors nor in tables."""
    for line in (("ls", "zzz-no-such"), ("ls", bucket.name), ("frobnicate",), ("info", bucket.name)):
        shown = cli.terminal(*options, *line, env=env).stdout
        assert b"\x1b[1;" not in shown
        assert RED not in shown


def test_a_pipe_gets_colour_only_where_that_is_asked_for(cli: Program) -> None:
    """`--color always`, as for a pager."""
    assert cli("ls", "zzz-no-such").stderr.startswith("natsobj: no such bucket")
    assert cli("ls", "zzz-no-such", "--color", "always").stderr.encode().startswith(LOUD)
    assert "\x1b" not in cli("ls", "zzz-no-such", "--color", "always", "--json").stderr


def test_a_limit_that_is_nearly_used_up_stands_out(cli: Program, bucket_name: str) -> None:
    """From 90 % on yellow, from 98 % on red, and nothing below."""
    cli("add", bucket_name, "--max-bucket-size", "1M").expect(0)
    for size, colour, percent in (
        (800_000, b"", b" 76 %"),
        (150_000, YELLOW, b" 90 %"),
        (90_000, RED, b" 99 %"),
    ):
        cli("put", bucket_name, str(size), input=bytes(size)).expect(0)
        shown = cli.terminal("info", bucket_name).stdout
        (line,) = [line for line in shown.splitlines() if b"Size Limit" in line]
        assert percent in line
        assert [each for each in (YELLOW, RED) if each in shown] == ([colour] if colour else [])
    cli("rm", "--bucket", bucket_name, "-f").expect(0)


async def test_what_is_well_is_never_red(cli: Program, bucket: Bucket, client: Client) -> None:
    """Reports, tables and progress; deleted objects are dim, broken ones red."""
    await bucket.put("whole", BIG)
    await bucket.put("gone", b"")
    await bucket.delete("gone")
    for line in (("put", "k", "-"), ("ls",), ("info",), ("info", "whole"), ("verify",), ("gc",)):
        shown = cli.terminal(line[0], bucket.name, *line[1:], stdin=b"x").stdout
        assert RED not in shown
        assert b"31m" not in shown
    assert DIM in cli.terminal("ls", bucket.name, "--deleted").stdout
    await drop_chunk(client, bucket, "whole")
    broken = cli.terminal("verify", bucket.name)
    assert broken.code == 8
    assert RED in broken.stdout
