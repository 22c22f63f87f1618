"""What all commands have in common: exit codes, errors, signals, and the two consoles."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from natsobj import Bucket, Settings, Store, errors
from natsobj.cli import exits
from natsobj.cli.arguments.suggest import nearest
from natsobj.cli.session import bridge
from natsobj.models import BucketConfig
from tests.conftest import Serve
from tests.program import Program
from tests.standstill import standing_still

MIB = 1024 * 1024


async def until_chunks(bucket: Bucket, least: int = 1) -> None:
    """Wait until an upload under way has stored something."""
    async with asyncio.timeout(30):
        while ((await bucket.status()).chunks or 0) < least:
            await asyncio.sleep(0.02)


# The table


def test_the_exit_codes_are_the_documented_ones() -> None:
    """They are a contract: nobody changes them by accident."""
    assert [row.code for row in exits.EXIT_CODES] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 129, 130, 141, 143]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (1, "LinkError LocalServerError NatsobjError ServerError"),
        (2, "ContextNotFound InvalidArgument InvalidBucketName InvalidKey"),
        (3, "BucketNotFound"),
        (4, "ObjectNotFound"),
        (5, "JetStreamUnavailable ObjectChanged OutcomeUnknown RequestTimeout ServerUnavailable"),
        (5, "TemporaryError"),
        (5, "SourceChanged UnsupportedServer"),
        (6, "BucketExists BucketFull BucketReadOnly BucketSealed ConfigRefused ContentMismatch"),
        (6, "FileExists ObjectExists RefusedError"),
        (7, "AuthenticationFailed AuthorizationError CertificateError PermissionDenied"),
        (8, "ChunksMissing ContentBroken DigestMismatch InvalidMetadata SizeMismatch"),
    ],
)
def test_every_error_has_its_exit_code(code: int, names: str) -> None:
    """By its class, the most exact row of the table first."""
    for name in names.split():
        kind = getattr(errors, name)
        assert exits.exit_code(kind.__new__(kind)) == code


def test_no_error_of_ours_gets_the_general_exit_code_by_accident() -> None:
    """A new kind of error is thought about."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    general = {kind.__name__ for kind in kinds if exits.exit_code(kind.__new__(kind)) == 1}
    assert general == {"LinkError", "LocalServerError", "NatsobjError", "ServerError"}


def test_the_codes_of_json_errors_are_frozen() -> None:
    """Scripts compare with them."""
    assert exits.ERROR_CODES == (
        "authentication_failed",
        "authorization_error",
        "bucket_exists",
        "bucket_full",
        "bucket_not_found",
        "bucket_read_only",
        "bucket_sealed",
        "certificate_error",
        "chunks_lost",
        "chunks_missing",
        "config_refused",
        "content_broken",
        "content_mismatch",
        "context_not_found",
        "digest_mismatch",
        "file_exists",
        "invalid_argument",
        "invalid_bucket_name",
        "invalid_key",
        "invalid_metadata",
        "jet_stream_unavailable",
        "link_error",
        "link_refused",
        "local_server_error",
        "malformed_answer",
        "natsobj_error",
        "object_changed",
        "object_exists",
        "object_not_found",
        "object_too_large",
        "outcome_unknown",
        "permission_denied",
        "refused_error",
        "request_timeout",
        "revision_mismatch",
        "server_error",
        "server_unavailable",
        "size_mismatch",
        "source_changed",
        "subject_taken",
        "temporary_error",
        "transfer_under_way",
        "unsuitable_stream",
        "unsupported_server",
        "os_error",
    )


# What is said


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (errors.BucketNotFound("phots"), "no such bucket: phots", "create it with: natsobj add phots"),
        (errors.ObjectNotFound("b", "k"), "no such object: b/k", "natsobj ls b shows what is there"),
        (errors.ObjectNotFound("b", "k", deleted_meanwhile=True), "deleted while it was read: b/k", None),
        (errors.FileExists("x"), "file exists: x", "use -f to replace it or --skip-existing to keep it"),
        (FileNotFoundError(2, "No such file or directory", "/a/b"), "/a/b: No such file or directory", None),
        (OSError(28, "No space left on device"), "No space left on device", None),
        (OSError(18, "Cross-device link", "a", None, "b"), "a: b: Cross-device link", None),
        (OSError(2, "Gone", b"\xc3\xbc"), "ü: Gone", None),
    ],
)
def test_an_error_says_what_where_and_the_next_step(error: Exception, message: str, hint: str | None) -> None:
    """One message and at most one hint."""
    assert (exits.message(error), exits.hint(error)) == (message, hint)


def test_a_note_on_an_error_is_its_hint() -> None:
    """A did-you-mean is better than what is said about every missing bucket."""
    error = errors.BucketNotFound("phots")
    error.add_note("did you mean photos?")
    assert exits.hint(error) == "did you mean photos?"


@pytest.mark.parametrize("scheme", ["nats", "tls", "ws", "wss", "NATS"])
def test_no_message_shows_a_credential(scheme: str) -> None:
    """Whatever text an error brings along, user info of URLs is taken out."""
    text = f"lost {scheme}://user:secret@host:4222,{scheme}://token@other"
    assert exits.message(OSError(1, text)) == f"lost {scheme}://host:4222,{scheme}://other"
    assert exits.without_credentials("photos/http://me@example.org") == "photos/http://me@example.org"


@pytest.mark.parametrize(
    "text",
    [
        "no such command 'nats://ann:s3/cret@h'",
        "no such command 'nats://ann:s3 cret@h'",
        "invalid bucket name: TLS://s3cret@h:1 (letters)",
        "nats://a,nats://ann:s3@cret@h",
        "nats:/ann:s3cret@h: No such file or directory",
    ],
)
def test_no_url_in_a_message_has_a_password(text: str) -> None:
    """Whatever a password has that no URL should have, and wherever a URL ended up by mistake."""
    shown = exits.without_credentials(text)
    assert not any(part in shown for part in ("s3", "cret", "ann"))
    assert "h" in shown


def test_the_address_of_a_server_is_not_taken_for_a_user() -> None:
    """A key with an at sign may stand behind it."""
    text = "no server at nats://h:4222: connection refused, me@example.org was not stored at tls://h: me@x"
    assert exits.without_credentials(text) == text


def test_a_password_in_the_url_is_never_shown(bare_cli: Program) -> None:
    """Not in messages and not with `--debug`."""
    url = "nats://joe:s3cret@127.0.0.1:1"
    for line in (["ls", "-s", url], ["ls", "-s", url, "--debug"], ["-s", url, "-v", "--json", "ls"]):
        result = bare_cli(*line)
        assert result.code == 5
        assert "s3cret" not in result.stderr
        assert "127.0.0.1:1" in result.stderr


def test_the_nearest_name_is_found_as_far_as_time_allows() -> None:
    """None when nothing is near, none when there is no time."""
    names = [f"name-{number}" for number in range(500)] + ["photos"]
    later = time.monotonic() + 60
    assert nearest("phots", names, later) == "photos"
    assert nearest("zzzzzz", names, later) is None
    assert nearest("phots", names, time.monotonic() - 1) is None


async def test_json_errors_are_one_object_on_stderr(cli: Program, bucket: Bucket) -> None:
    """Code, message and hint; standard output stays empty."""
    result = cli("info", bucket.name, "a\nb\x1b", "--json")
    assert (result.code, result.stdout) == (4, b"")
    assert result.stderr.count("\n") == 1
    assert "\x1b" not in result.stderr
    assert json.loads(result.stderr) == {
        "error": {
            "code": "object_not_found",
            "message": f"no such object: {bucket.name}/a\nb\x1b",
            "hint": f"natsobj ls {bucket.name} shows what is there",
        }
    }


async def test_an_error_is_one_line_whatever_the_name(cli: Program, bucket: Bucket) -> None:
    """Control characters of names are escaped."""
    result = cli("info", bucket.name, "a\nb\x1b[31m")
    assert result.stderr.startswith(f"natsobj: no such object: {bucket.name}/a\\nb\\x1b[31m")
    assert result.stderr.count("\n") == 1


def test_debug_shows_the_traceback_of_a_foreseen_error(cli: Program) -> None:
    """And then the line, with the same exit code."""
    result = cli("ls", "zzz-no-such", "--debug")
    assert result.code == 3
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("natsobj: no such bucket: zzz-no-such")


def test_what_nobody_foresaw_shows_a_plain_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """A bug must not look like an error of the user's."""

    def bug() -> None:
        raise TimeoutError

    assert bridge.guard(bug) == 1
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):\n")


def test_wrong_usage_of_an_argument_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """What parsing raises is explained, too."""

    def parse() -> None:
        raise errors.InvalidBucketName("a b")

    assert bridge.guard(parse) == 2
    said = "natsobj: invalid bucket name: a b (letters, digits, - and _ are allowed)\n"
    assert capsys.readouterr().err == said


# The server is not there


def test_no_server_is_one_line_and_exit_code_5(bare_cli: Program) -> None:
    """For every command that needs one, within the timeout."""
    for line in (["ls"], ["info"], ["add", "a"], ["rm", "a", "b"], ["get", "a", "b"], ["put", "a", "b"]):
        result = bare_cli(*line, "-s", "nats://127.0.0.1:1")
        assert (result.code, result.stdout) == (5, b"")
        assert result.stderr.startswith("natsobj: no server at nats://127.0.0.1:1")
        assert result.stderr.count("\n") == 1


def test_a_server_that_says_nothing_is_given_up_within_the_timeout(bare_cli: Program) -> None:
    """Also when something accepts the connection."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        result = bare_cli("ls", "-s", f"nats://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "500ms")
    assert (result.code, result.stdout) == (5, b"")
    assert time.monotonic() - began < 5


def test_a_wrong_password_is_exit_code_7(serve: Serve, bare_cli: Program) -> None:
    """And the password is not in the message."""
    address = serve("jetstream: enabled\nauthorization {user: joe, password: right}").address
    assert bare_cli("ls", "-s", f"nats://joe:right@{address}").code == 0
    for line in (
        ["-s", f"nats://joe:wr0ng@{address}"],
        ["-s", address, "--user", "joe", "--password", "wr0ng"],
    ):
        result = bare_cli("ls", *line)
        assert (result.code, result.stdout) == (7, b"")
        assert "wr0ng" not in result.stderr
        assert result.stderr.count("\n") == 1


def test_a_server_without_jetstream_is_exit_code_5(serve: Serve, bare_cli: Program) -> None:
    """It answers, but not to this."""
    url = serve("max_payload: 1MB").url
    for line in (["ls"], ["info"], ["ls", "photos"], ["add", "photos"]):
        result = bare_cli(*line, "-s", url, "--timeout", "2s")
        assert (result.code, result.stdout) == (5, b"")
        assert result.stderr.count("\n") == 1


# Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_leaves_nothing_of_a_put_behind(
    cli: Program, bucket: Bucket, number: signal.Signals
) -> None:
    """The exit status tells which one; no chunks stay, and the old object is as it was."""
    await bucket.put("k", b"old")
    with cli.running("put", bucket.name, "k") as process:
        assert process.stdin is not None
        process.stdin.write(b"x" * MIB)
        process.stdin.flush()
        await until_chunks(bucket, 5)
        process.send_signal(number)
        code = process.wait(30)
        output = process.stdout.read() if process.stdout else b""
        said = process.stderr.read() if process.stderr else b""
    assert (code, output) == (128 + number, b"")
    assert said == f"interrupted: {bucket.name}/k is as it was\n".encode()
    assert (await bucket.status()).chunks == 1
    assert (await bucket.info("k")).size == 3


async def test_a_signal_leaves_the_old_file_of_a_get(
    serve: Serve, cli: Program, bucket_name: str, tmp_path: Path
) -> None:
    """Even when the server does not answer any more: the temporary file is gone and the time is limited."""
    server = serve("jetstream: enabled")
    async with Store(Settings(servers=(server.url,))) as store:
        bucket = await store.create_bucket(BucketConfig(bucket_name))
        await bucket.put("k", b"x" * (128 * MIB))
    file = tmp_path / "k"
    file.write_text("old")
    with cli.running("get", bucket_name, "k", file, "-f", "-s", server.url, "--timeout", "2s") as process:
        while len(os.listdir(tmp_path)) == 1:
            assert process.poll() is None
        with standing_still(server.pid):
            assert process.poll() is None
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 143
            assert time.monotonic() - began < 4
    assert os.listdir(tmp_path) == ["k"]
    assert file.read_text() == "old"


async def test_a_second_signal_ends_at_once(serve: Serve, cli: Program, bucket_name: str) -> None:
    """Nobody has to wait for the cleaning up."""
    server = serve("jetstream: enabled")
    assert cli("add", bucket_name, "-s", server.url).code == 0
    async with Store(Settings(servers=(server.url,))) as store:
        with cli.running("put", bucket_name, "k", "-s", server.url, "--timeout", "1m") as process:
            assert process.stdin is not None
            process.stdin.write(b"x" * MIB)
            process.stdin.flush()
            await until_chunks(store.bucket(bucket_name), 5)
            with standing_still(server.pid):
                process.send_signal(signal.SIGTERM)
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(1)
                process.send_signal(signal.SIGINT)
                assert process.wait(5) == 130


async def test_cleaning_up_takes_no_longer_than_the_timeout(
    serve: Serve, cli: Program, bucket_name: str
) -> None:
    """A server that does not answer cannot keep the program."""
    server = serve("jetstream: enabled")
    assert cli("add", bucket_name, "-s", server.url).code == 0
    async with Store(Settings(servers=(server.url,))) as store:
        with cli.running("put", bucket_name, "k", "-s", server.url, "--timeout", "1s") as process:
            assert process.stdin is not None
            process.stdin.write(b"x" * MIB)
            process.stdin.flush()
            await until_chunks(store.bucket(bucket_name), 5)
            with standing_still(server.pid):
                began = time.monotonic()
                process.send_signal(signal.SIGINT)
                assert process.wait(30) == 130
                assert time.monotonic() - began < 3


async def test_a_signal_ends_a_get_whose_reader_does_not_read(cli: Program, bucket: Bucket) -> None:
    """A full pipe does not hold the program."""
    await bucket.put("k", b"x" * (16 * MIB))
    with cli.running("get", bucket.name, "k") as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"x"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def start(cli: Program, *line: str, stdin: int) -> subprocess.Popen[bytes]:
    """Start the command on another standard input, with stderr to read."""
    return subprocess.Popen(cli.command(*line), stdin=stdin, stderr=subprocess.PIPE, env=cli.environment())


async def test_ctrl_c_at_a_question_is_exit_code_130(cli: Program, bucket: Bucket) -> None:
    """And nothing is deleted."""
    ours, theirs = os.openpty()
    with start(cli, "rm", "--bucket", bucket.name, stdin=theirs) as process:
        assert process.stderr is not None
        said = b""
        while not said.endswith(b"name: "):
            part = process.stderr.read(1)
            assert part
            said += part
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == f"\ninterrupted: bucket {bucket.name} is as it was\n".encode()
    os.close(ours)
    os.close(theirs)
    await bucket.status()


# Pipes and closed streams


def run_with(
    cli: Program, *line: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> tuple[int, bytes, bytes]:
    """Run the command with other streams than pipes to its end."""
    done = subprocess.run(
        cli.command(*line),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=cli.environment(),
        check=False,
    )
    return done.returncode, done.stdout or b"", done.stderr or b""


@pytest.fixture
def broken_pipe() -> Iterator[int]:
    """The end to write to of a pipe that nobody reads."""
    ours, theirs = os.pipe()
    os.close(ours)
    yield theirs
    os.close(theirs)


@pytest.mark.parametrize("number", [1, 500])
async def test_a_reader_that_goes_away_is_exit_code_141_in_silence(
    cli: Program, bucket: Bucket, broken_pipe: int, number: int
) -> None:
    """In the middle of much, and at the final flush of little."""
    await asyncio.gather(*(bucket.put(f"{each}-{'x' * 200}", b"") for each in range(number)))
    for line in (["ls", bucket.name], ["ls", bucket.name, "--json"], ["info", bucket.name], ["--help"]):
        assert run_with(cli, *line, stdout=broken_pipe) == (141, b"", b"")


async def test_get_into_a_pipe_that_closes_is_exit_code_141(cli: Program, bucket: Bucket) -> None:
    """`natsobj get b k | head -c 1` is no error to talk about."""
    await bucket.put("k", b"x" * (16 * MIB))
    with cli.running("get", bucket.name, "k") as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"x"
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr is not None
        assert process.stderr.read() == b""


async def test_nobody_reading_stderr_changes_nothing(cli: Program, bucket: Bucket, broken_pipe: int) -> None:
    """Reports are lost, the work is done."""
    for line, code in (
        (["put", bucket.name, "k", "-"], 0),
        (["info", bucket.name, "nothing"], 4),
        (["-x"], 2),
    ):
        assert run_with(cli, *line, stderr=broken_pipe) == (code, b"", b"")
    assert (await bucket.info("k")).size == 0


async def test_a_full_disk_behind_standard_output_is_an_error(cli: Program, bucket: Bucket) -> None:
    """A result that could not be written is not a success."""
    await bucket.put("k", b"x")
    full = os.open("/dev/full", os.O_WRONLY)
    for line in (
        ["info"],
        ["info", "--json"],
        ["--version"],
        ["ls"],
        ["ls", "-1"],
        ["get", bucket.name, "k"],
    ):
        code, output, said = run_with(cli, *line, stdout=full)
        assert (code, output) == (1, b"")
        assert b"No space left on device" in said
        assert said.count(b"\n") == 1
    os.close(full)


def test_closed_standard_streams_are_survived(cli: Program, bucket_name: str) -> None:
    """`<&-`, `>&-` and `2>&-` must not let a socket take the number of a stream."""
    assert cli("add", bucket_name).code == 0

    def shell(redirect: str, *line: str) -> tuple[int, bytes, bytes]:
        words = [str(word) for word in cli.command(*line)]
        done = subprocess.run(
            ["sh", "-c", f'"$@" {redirect}', "sh", *words],
            capture_output=True,
            env=cli.environment(),
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    code, output, said = shell(">&-", "ls")
    assert (code, output) == (1, b"")
    assert b"Traceback" not in said
    assert shell("2>&-", "ls", "-1", "--match", bucket_name) == (0, bucket_name.encode() + b"\n", b"")
    assert shell("<&-", "ls", "-1", "--match", bucket_name) == (0, bucket_name.encode() + b"\n", b"")
    for form, expected in ([], 2), (["-"], 1):
        code, output, said = shell("<&-", "put", bucket_name, "k", *form)
        assert (code, output) == (expected, b"")
        assert b"Traceback" not in said
    assert cli("rm", "--bucket", bucket_name, "-f").code == 0


async def test_standard_output_is_utf_8_whatever_the_locale(cli: Program, bucket: Bucket) -> None:
    """Programs that read it do not ask for the locale."""
    await bucket.put("ünï/漢字", b"")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for form in ([], ["-1"], ["-0"], ["--json"]):
        assert "ünï/漢字".encode() in cli("ls", bucket.name, *form, env=plain).stdout
    assert "ünï/漢字" in cli.terminal("ls", bucket.name, env=plain).text


# Reports


@pytest.mark.parametrize("off", ["-q", "--quiet", "--json"])
async def test_reports_are_dropped_when_nobody_wants_them(
    cli: Program, bucket: Bucket, tmp_path: Path, off: str
) -> None:
    """By `-q` and by `--json`, for each command that reports."""
    for line in (
        ["put", bucket.name, "k", "-"],
        ["get", bucket.name, "k", str(tmp_path / "k")],
        ["rm", bucket.name, "k"],
        ["add", bucket.name, "--if-not-exists"],
    ):
        result = cli(*line, off)
        assert (result.code, result.stderr) == (0, "")
        assert bool(result.stdout) is (off == "--json")


async def test_errors_are_said_under_quiet(cli: Program, bucket: Bucket) -> None:
    """Quiet is not deaf."""
    result = cli("info", bucket.name, "nothing", "-q")
    assert result.code == 4
    assert result.stderr.startswith("natsobj: no such object")


async def test_verbose_says_more(cli: Program, bucket: Bucket) -> None:
    """On stderr only."""
    plain, verbose = cli("ls", bucket.name), cli("ls", bucket.name, "-v")
    assert plain.stderr == ""
    assert plain.stdout == verbose.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_signal_outside_of_the_work_is_silent_as_well(number: signal.Signals, place: str) -> None:
    """Before it there is nothing to clean up; behind it the exit status is all that changes."""
    lines = [
        "import asyncio, os, sys",
        "from natsobj.cli.session.interrupts import interrupts",
        "interrupts.install()",
        f"strike = lambda: os.kill(os.getpid(), {number:d})",
        *(["strike()"] if place == "before" else []),
        "loop = asyncio.new_event_loop()",
        "task = loop.create_task(asyncio.sleep(0))",
        "with interrupts.cancelling(task): loop.run_until_complete(task)",
        "loop.close()",
        "strike()",
        "print('left')",
        "sys.exit(interrupts.status)",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, check=False)
    said = b"left\n" if place == "behind" else b""
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, said, b"")
