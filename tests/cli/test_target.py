"""Which server the command talks to, and what a machine that is not well kept changes about that."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest

from natsobj.cli.arguments import target
from natsobj.errors import InvalidArgument, LocalServerError
from natsobj.settings import Settings, with_home
from tests.cli.test_completion import offered
from tests.conftest import Serve
from tests.program import Program

DEAD = "nats://127.0.0.1:1"


def write_context(config_home: Path, name: str, **fields: object) -> Path:
    """Store a context as natscli does."""
    path = config_home / "nats" / "context" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields))
    return path


def select(config_home: Path, name: str) -> None:
    """Select a context as natscli does."""
    (config_home / "nats" / "context.txt").write_text(name)


# Homes


@pytest.mark.parametrize("home", [".", "~", "home"])
def test_without_an_absolute_home_there_are_neither_contexts_nor_local_data(
    bare_cli: Program, home: str
) -> None:
    """The current folder may be anybody's, and a token would go to the server that it names."""
    for folder in (".", "~", "home"):
        write_context(bare_cli.home / folder / ".config", "trap", url=DEAD)
        select(bare_cli.home / folder / ".config", "trap")
    env: dict[str, str | None] = {"HOME": home, "XDG_CONFIG_HOME": None, "XDG_DATA_HOME": None}
    assert DEAD not in bare_cli("ls", env=env | {"NATS_TOKEN": "s3cret"}).stderr
    named = bare_cli("ls", "--context", "trap", env=env)
    assert (named.code, named.stdout) == (2, b"")
    assert "without an absolute HOME or XDG_CONFIG_HOME there is none" in named.stderr
    for line in (("ls", "--local"), ("server", "start")):
        local = bare_cli(*line, env=env)
        assert (local.code, local.stdout) == (1, b"")
        assert "neither XDG_DATA_HOME nor HOME is an absolute path" in local.stderr


def test_a_user_that_nobody_has_listed_has_no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Containers run as such users; `~` is no folder then, and certainly not one of that name."""
    write_context(tmp_path / "~" / ".config", "trap", url=DEAD, token="s3cret")
    select(tmp_path / "~" / ".config", "trap")
    monkeypatch.chdir(tmp_path)
    listed = {entry.pw_uid for entry in pwd.getpwall()}
    monkeypatch.setattr(os, "getuid", lambda: next(uid for uid in range(54321, 60000) if uid not in listed))
    assert (with_home({}), target.config_home({}), target.remote({}, {})) == ({}, None, Settings())
    with pytest.raises(LocalServerError, match="neither XDG_DATA_HOME nor HOME is an absolute path"):
        target.local_home({})
    assert target.config_home({"HOME": "/home/me"}) == Path("/home/me/.config")


def test_a_user_without_the_variable_has_the_home_that_the_system_lists() -> None:
    """A service is often started without HOME; empty means the same."""
    listed = pwd.getpwuid(os.getuid()).pw_dir
    assert with_home({})["HOME"] == with_home({"HOME": ""})["HOME"] == listed
    assert with_home({"HOME": "x"}) == {"HOME": "x"}


@pytest.mark.parametrize("home", ["closed", "loop", "file"])
def test_a_home_that_cannot_be_read_stops_nothing_that_does_not_need_it(cli: Program, home: str) -> None:
    """A service's user often has a home that is root's."""
    write_context(cli.home / "closed" / ".config", "c", url=DEAD)
    select(cli.home / "closed" / ".config", "c")
    (cli.home / "closed").chmod(0)
    (cli.home / "loop").symlink_to("loop")
    (cli.home / "file").touch()
    env = {"HOME": str(cli.home / home), "XDG_CONFIG_HOME": None, "NATS_URL": None}
    result = cli("ls", "-s", cli.env["NATS_URL"], env=env)
    (cli.home / "closed").chmod(0o700)
    assert (result.code, result.stderr) == (0, "")


def test_relative_xdg_folders_count_as_unset(bare_cli: Program) -> None:
    """The XDG specification says so, and the current folder is no place for either."""
    write_context(bare_cli.home / "x", "trap", url=DEAD)
    select(bare_cli.home / "x", "trap")
    write_context(bare_cli.home / ".config", "mine", url="nats://127.0.0.1:2")
    select(bare_cli.home / ".config", "mine")
    result = bare_cli("ls", env={"XDG_CONFIG_HOME": "x"})
    assert result.code == 5
    assert "127.0.0.1:2" in result.stderr
    try:
        assert bare_cli("server", "start", env={"XDG_DATA_HOME": "x"}).code == 0
        assert (bare_cli.home / ".local" / "share" / "natsobj" / "server.json").exists()
    finally:
        bare_cli("server", "stop")


# Contexts


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("prodd", "did you mean prod?"), ("zzz", "contexts: prod, staging")],
)
def test_an_unknown_context_gets_a_did_you_mean(bare_cli: Program, asked: str, hint: str) -> None:
    """It costs no request: the names are in the folder."""
    for name in ("prod", "staging"):
        write_context(bare_cli.config_home, name, url=DEAD)
    said = f"natsobj: no such context: {asked} ({hint})\n"
    assert bare_cli("ls", "--context", asked) == (2, b"", said)
    assert bare_cli("ls", env={"NATS_CONTEXT": asked}) == (2, b"", said)
    select(bare_cli.config_home, asked)
    result = bare_cli("ls", "-s", DEAD)
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.endswith(f"context.txt selects a context that does not exist: {asked} ({hint})\n")


def test_the_names_of_contexts_are_offered_on_tab(bare_cli: Program) -> None:
    """Behind --context, on either side of the command; a path is completed by the shell."""
    for name in ("prod", "prod-eu", "x\x1by", "staging"):
        write_context(bare_cli.config_home, name)
    assert offered(bare_cli, "natsobj --context p") == ["prod", "prod-eu"]
    assert offered(bare_cli, "natsobj ls --context ") == ["prod", "prod-eu", "staging"]
    assert offered(bare_cli, "natsobj ls --context=s") == ["--context=staging"]
    assert offered(bare_cli, "natsobj --context ./") == ["\tfiles"]
    assert offered(bare_cli, "natsobj --context p", XDG_CONFIG_HOME="x", HOME="x") == []


def test_halves_of_a_credential_from_two_places_are_wrong_usage(bare_cli: Program) -> None:
    """Nothing is sent, and what is secret is not said."""
    write_context(bare_cli.config_home, "c", url=DEAD, user="ann", password="s3cret")
    select(bare_cli.config_home, "c")
    for line, env in ((["--user", "bob"], {}), ([], {"NATS_USER": "bob"})):
        result = bare_cli("ls", *line, env=env)
        assert (result.code, result.stdout) == (2, b"")
        assert "and password of context c are halves of a credential" in result.stderr
        assert "s3cret" not in bare_cli("ls", "--debug", *line, env=env).stderr


# Secrets


@pytest.mark.parametrize(
    ("line", "env", "fields"),
    [
        (["--user", "ann", "--password", "s3cret"], {}, {}),
        (["--token", "s3cret"], {}, {}),
        (["--user", "s3cret"], {}, {}),
        (["--token", "data:;base64,czNjcmV0"], {}, {}),
        ([], {"NATS_TOKEN": "env://T", "T": "s3cret"}, {}),
        ([], {"NATS_JWT": "eyJh.s3cret.x", "NATS_SEED": "SU" + "A2" * 28}, {}),
        ([], {}, {"user": "ann", "password": "s3cret"}),
        ([], {"NATS_URL": "nats://ann:s3cret@HOST"}, {}),
        (["-s", "nats://ann:%73%33cret@HOST"], {}, {}),
        (["-s", "s3cret@HOST,nats://127.0.0.1:1"], {}, {}),
    ],
)
def test_no_credential_is_ever_shown(
    serve: Serve, bare_cli: Program, line: list[str], env: dict[str, str], fields: dict[str, str]
) -> None:
    """Not by --debug either, when the server does not take it."""
    host = serve('authorization {token: "another"}').url.removeprefix("nats://")
    write_context(bare_cli.config_home, "c", url=f"nats://{host}", **fields)
    select(bare_cli.config_home, "c")
    line, env = (
        [word.replace("HOST", host) for word in line],
        {name: value.replace("HOST", host) for name, value in env.items()},
    )
    result = bare_cli("ls", "-v", "--debug", *line, env=env)
    assert (result.code, result.stdout) == (7, b"")
    assert host in result.stderr
    assert not any(secret in result.stderr for secret in ("s3cret", "%73", "czNjcmV0", "A2A2"))


# The local server


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(value, True) for value in ("1", "true", "YES", " on ")]
    + [(value, False) for value in ("", "0", "false", "No", "off", "  ")],
)
def test_the_variable_for_the_local_server_is_a_yes_or_a_no(value: str, wanted: bool) -> None:
    """As people write them in CI files."""
    assert target.local_wanted({}, {"NATSOBJ_LOCAL": value}) is wanted


@pytest.mark.parametrize("value", ["2", "perhaps", "-1", "nats://127.0.0.1:4222", "\x1b[2J", "\udcff"])
def test_a_variable_that_is_neither_is_wrong_usage(value: str) -> None:
    """A guess would store into the void, or into somebody's production."""
    with pytest.raises(InvalidArgument, match=r"^NATSOBJ_LOCAL is neither 1 nor 0: "):
        target.local_wanted({"server": DEAD}, {"NATSOBJ_LOCAL": value})


@pytest.mark.parametrize("option", ["server", "context"])
def test_an_option_that_names_a_server_beats_the_variable(option: str) -> None:
    """Also an empty one, which is then refused as such."""
    env = {"NATSOBJ_LOCAL": "1", "NATS_URL": DEAD}
    assert target.local_wanted({option: "x"}, env) is target.local_wanted({option: ""}, env) is False


@pytest.mark.parametrize("option", ["token", "creds", "tlsca", "js_domain", "inbox_prefix"])
def test_an_option_for_another_server_contradicts_the_variable(option: str) -> None:
    """It would be ignored."""
    with pytest.raises(InvalidArgument, match=f"^NATSOBJ_LOCAL contradicts --{option.replace('_', '-')}: "):
        target.local_wanted({option: "x", "server": None, "tlsfirst": False}, {"NATSOBJ_LOCAL": "1"})
    assert target.local_wanted({"timeout": "9s"}, {"NATSOBJ_LOCAL": "1", "NATS_TOKEN": "t"}) is True
