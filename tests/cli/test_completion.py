"""`natsobj completion`, and the names that TAB offers."""

from __future__ import annotations

import asyncio
import shlex
import socket
import time

import pytest

from natsobj import Bucket
from natsobj.cli.arguments.suggest import MOST_COMPLETIONS
from tests.program import Program


def offered(cli: Program, line: str, **env: str) -> list[str]:
    """What a shell is given for the last word of a line."""
    words = {
        "_NATSOBJ_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(shlex.split(line)) - (not line.endswith(" "))),
    }
    result = cli(env={**words, **env})
    assert (result.code, result.stderr) == (0, "")
    return [word for word in result.lines if word]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(bare_cli: Program, shell: str) -> None:
    """One for each shell, and nothing else."""
    result = bare_cli("completion", shell)
    assert (result.code, result.stderr) == (0, "")
    assert "natsobj" in result.text


@pytest.mark.parametrize("line", [["completion"], ["completion", "tcsh"]])
def test_other_shells_have_no_script(bare_cli: Program, line: list[str]) -> None:
    """It is wrong usage to ask for one."""
    assert bare_cli(*line)[:2] == (2, b"")


def test_commands_and_options_are_offered(bare_cli: Program) -> None:
    """The shared options, too, wherever they may stand."""
    assert offered(bare_cli, "natsobj g") == ["get", "gc"]
    assert offered(bare_cli, "natsobj server st") == ["start", "stop", "status"]
    assert offered(bare_cli, "natsobj put a b --if-") == [
        "--if-absent",
        "--if-match",
        "--if-revision",
        "--if-changed",
    ]
    assert offered(bare_cli, "natsobj ls --js-") == ["--js-domain", "--js-api-prefix"]
    assert offered(bare_cli, "natsobj ls --sort ") == ["name", "size", "time"]
    assert offered(bare_cli, "natsobj ls --color n") == ["never"]


async def test_buckets_and_objects_are_offered(cli: Program, bucket: Bucket) -> None:
    """By their beginnings, from the server that the line or the environment names."""
    for key in ("cats/a", "cats/b", "dogs"):
        await bucket.put(key, b"")
    assert offered(cli, f"natsobj ls {bucket.name[:-1]}") == [bucket.name]
    assert offered(cli, f"natsobj get {bucket.name} c") == ["cats/"], "one folder level at a time"
    assert offered(cli, f"natsobj get {bucket.name} cats/a") == ["cats/a"]
    assert offered(cli, f"natsobj rm {bucket.name} dogs cats/a cats/") == ["cats/a", "cats/b"]
    url = cli.env["NATS_URL"]
    for line in (f"natsobj -s {url} info {bucket.name} ", f"natsobj info -s {url} {bucket.name} "):
        assert offered(cli, line, NATS_URL="nats://127.0.0.1:1") == ["cats/", "dogs"]


async def test_names_that_a_shell_could_not_take_are_not_offered(cli: Program, bucket: Bucket) -> None:
    """A newline in a name would be two offers."""
    await bucket.put("a\nb", b"")
    await bucket.put("a b:c", b"")
    assert offered(cli, f"natsobj get {bucket.name} a") == ["a b:c"]


async def test_no_more_than_200_names_are_offered(cli: Program, bucket: Bucket) -> None:
    """Nobody reads more."""
    await asyncio.gather(*(bucket.put(f"{number}", b"") for number in range(MOST_COMPLETIONS + 20)))
    assert len(offered(cli, f"natsobj get {bucket.name} ")) == MOST_COMPLETIONS


@pytest.mark.parametrize(
    "line", ["natsobj get nobucket ", "natsobj get 'not a bucket' ", "natsobj --context x ls "]
)
def test_what_is_wrong_is_not_said_on_tab(cli: Program, line: str) -> None:
    """There is nothing to offer, and that is all."""
    assert offered(cli, line) == []


def test_a_server_that_does_not_answer_costs_about_a_second(cli: Program) -> None:
    """It is connected, once, and given up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert offered(cli, "natsobj ls ", NATS_URL=f"nats://127.0.0.1:{silent.getsockname()[1]}") == []
        assert time.monotonic() - began < 3  # one, and what a busy machine adds


def test_tab_starts_no_server(bare_cli: Program) -> None:
    """The local server is asked only when it runs."""
    assert offered(bare_cli, "natsobj --local ls ") == []
    assert not bare_cli.data_home.exists()
    try:
        assert bare_cli("--local", "add", "photos").code == 0
        assert offered(bare_cli, "natsobj --local ls ") == ["photos"]
    finally:
        bare_cli("server", "stop")
