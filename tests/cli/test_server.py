"""`natsobj server` and `--local`."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from natsobj.cli.output.account import SERVER_FIELDS
from tests.program import Program


@pytest.fixture
def local(bare_cli: Program) -> Iterator[Program]:
    """The command with a data folder of its own; its server is stopped at the end."""
    yield bare_cli
    bare_cli("server", "stop")


def test_the_first_use_of_local_starts_a_server_that_is_kept(local: Program) -> None:
    """Two commands, one server; its state is nobody else's business."""
    assert local("--local", "add", "photos").code == 0
    assert local("put", "photos", "k", "--local", input=b"x").code == 0
    assert local("--local", "get", "photos", "k").stdout == b"x"
    state = local.data_home / "natsobj" / "server.json"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert local("server", "status").code == 0


def test_the_variable_is_as_good_as_the_option(local: Program) -> None:
    """A flag that names a server beats it, and empty variables are unset."""
    on = {"NATSOBJ_LOCAL": "1", "NATS_URL": "", "NATS_CONTEXT": ""}
    assert local("add", "photos", env=on).code == 0
    assert local("ls", "-1", env=on).lines == ["photos"]
    assert local("ls", "-s", "nats://127.0.0.1:2", env=on).code == 5


@pytest.mark.parametrize("variable", ["NATS_URL", "NATS_CONTEXT"])
def test_the_variable_beside_another_servers_is_wrong_usage(bare_cli: Program, variable: str) -> None:
    """Nothing is started, and nothing lands in the wrong place without a word."""
    on = {"NATSOBJ_LOCAL": "1", variable: "nats://127.0.0.1:1"}
    result = bare_cli("put", "photos", "k", input=b"x", env=on)
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.startswith(f"natsobj: NATSOBJ_LOCAL contradicts {variable}: ")
    assert not bare_cli.data_home.exists()


def test_the_option_beats_the_environment(local: Program) -> None:
    """Whatever that says, and how broken it is."""
    env = {"NATS_URL": "::", "NATS_CONTEXT": "nowhere", "NATS_TOKEN": "x", "NATSOBJ_LOCAL": "1"}
    assert local("add", "photos", "--local", env=env).code == 0
    assert local("--local", "ls", "-1", env=env | {"NATSOBJ_LOCAL": "perhaps"}).lines == ["photos"]


def test_two_first_uses_at_once_start_one_server(local: Program) -> None:
    """Both get it, and both of their objects are in it."""
    assert local("--local", "add", "photos", "--if-not-exists").code == 0
    assert local("server", "stop").code == 0
    put = ("--local", "put", "photos")
    with local.running(*put, "a", "-") as one, local.running(*put, "b", "-") as other:
        for process in (one, other):
            process.communicate(b"x", timeout=60)
        assert (one.returncode, other.returncode) == (0, 0)
    assert local("--local", "ls", "photos", "-1").lines in (["a", "b"], ["b", "a"])


def test_local_is_never_used_unless_asked_for(local: Program) -> None:
    """A CI step that forgot NATS_URL must fail, not store into the void."""
    assert local("server", "start").code == 0
    assert local("ls", "-s", "nats://127.0.0.1:1").code == 5


@pytest.mark.parametrize(
    "other",
    [
        ["-s", "nats://127.0.0.1:1"],
        ["-s", ""],
        ["--context", "x"],
        ["--token", "x"],
        ["--js-domain", "x"],
        ["--tlsfirst"],
    ],
)
def test_local_contradicts_other_servers(bare_cli: Program, other: list[str]) -> None:
    """On the same command line they cannot both be meant, and nothing is started."""
    result = bare_cli("ls", "--local", *other)
    assert (result.code, result.stdout) == (2, b"")
    assert "contradicting options: --local and --" in result.stderr
    assert not bare_cli.data_home.exists()


def test_status_says_what_runs_where(local: Program) -> None:
    """Exit code 0 when it runs and 1 when not; the fields are frozen; the token is not among them."""
    result = local("server", "status", "--json")
    assert result == (1, b'{"running":false,"pid":null,"url":null,"data":null}\n', "")
    result = local("server", "start")
    assert (result.code, result.stdout) == (0, b"")
    said = re.fullmatch(r"local server running at (nats://127\.0\.0\.1:\d+) \(pid (\d+)\)\n", result.stderr)
    assert said is not None
    fields = json.loads(local("server", "status", "--json").text)
    assert tuple(fields) == SERVER_FIELDS
    assert (fields["running"], fields["url"], fields["pid"]) == (True, said[1], int(said[2]))
    assert Path(fields["data"]).is_relative_to(local.data_home / "natsobj")
    assert [line.split("\t")[0] for line in local("server", "status").lines] == list(SERVER_FIELDS)
    assert "Running  yes" in local.terminal("server", "status").text


def test_start_and_stop_may_be_repeated(local: Program) -> None:
    """Where it is already so, they have nothing to do and succeed."""
    started = local("server", "start", "--json")
    assert json.loads(started.text)["running"] is True
    assert local("server", "start", "--json") == started
    assert local("server", "stop") == (0, b"", "local server stopped\n")
    assert local("server", "stop") == (0, b"", "no local server is running\n")
    assert local("server", "stop", "-q") == (0, b"", "")


def test_data_survives_a_stop(local: Program) -> None:
    """The next server has the same buckets."""
    assert local("--local", "add", "photos").code == 0
    assert local("server", "stop").code == 0
    assert local("--local", "ls", "-1").lines == ["photos"]


def test_server_commands_need_no_settings(local: Program) -> None:
    """A context that cannot be read is none of their business."""
    broken = {"NATS_CONTEXT": "nowhere", "NATS_URL": "::"}
    assert local("server", "status", env=broken).code == 1
    assert local("server", "start", env=broken).code == 0
    assert local("server", "stop", env=broken).code == 0


def test_run_serves_in_the_foreground_until_a_signal(local: Program) -> None:
    """The same data and lock; `--local` uses it; Ctrl-C ends it in an orderly way."""
    with local.running("server", "run") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"Server is ready" in line:
                break
        assert local("--local", "add", "photos").code == 0
        assert local("server", "run").code == 1
        process.send_signal(signal.SIGINT)
        output, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert output == b""
    assert b"Traceback" not in log
    assert local("server", "status").code == 1


def test_a_server_that_cannot_be_started_is_one_line(bare_cli: Program, tmp_path: Path) -> None:
    """Where the data cannot be, there is no server."""
    (tmp_path / "file").write_text("")
    result = bare_cli("ls", "--local", env={"XDG_DATA_HOME": str(tmp_path / "file")})
    assert (result.code, result.stdout) == (1, b"")
    assert result.stderr.startswith("natsobj: ")
    assert result.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["file"]
