"""What others wrote never reaches a terminal as it is: names, texts, errors, whatever a server says."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from natsobj.adr20.names import metadata_subject
from tests.conftest import Serve
from tests.program import Argument, Program

EVIL = "a\x1b]52;c;ZXZpbA==\x07b\x9b31mc\u202ed\re\x08f\x7fg\nh"
"""Writes to the clipboard, colours, turns text around, overwrites lines."""

PLAIN = {"TERM": "dumb"}

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


def clean(cli: Program, *line: Argument, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command on a terminal without colour, and give what was shown: no control characters."""
    shown = cli.terminal(*line, env={**PLAIN, **(env or {})}, cwd=cwd).stdout
    text = shown.decode()
    assert not CONTROL.search(text), (line, text)
    return text


@pytest.fixture
async def hostile(bucket: Bucket, client: Client) -> Bucket:
    """A bucket of records that attack a terminal: an object, a link, one that cannot be read."""
    await bucket.put(EVIL, b"content")
    record = json.loads(
        (
            await client.request(
                f"$JS.API.DIRECT.GET.OBJ_{bucket.name}.{metadata_subject(bucket.name, EVIL)}", timeout=5
            )
        ).data
    )
    record |= {"description": EVIL, "headers": {EVIL: [EVIL]}, "metadata": {EVIL: EVIL}}
    records = {
        EVIL: record,
        f"link {EVIL}": {"name": f"link {EVIL}", "options": {"link": {"bucket": "b", "name": EVIL}}},
        f"bucket {EVIL}": {"name": f"bucket {EVIL}", "options": {"link": {"bucket": EVIL}}},
        f"digest {EVIL}": {**record, "name": f"digest {EVIL}", "digest": EVIL},
        f"bad {EVIL}": {"name": f"bad {EVIL}", "size": EVIL, EVIL: EVIL},
        f"nuid {EVIL}": {**record, "name": f"nuid {EVIL}", "nuid": EVIL},
    }
    for key, fields in records.items():
        subject = metadata_subject(bucket.name, key)
        await client.request(subject, json.dumps(fields).encode(), headers={"Nats-Rollup": "sub"}, timeout=5)
    return bucket


@pytest.mark.parametrize("debug", [[], ["--debug"], ["-v"]])
async def test_no_command_shows_what_a_record_holds_as_it_is(
    cli: Program, hostile: Bucket, tmp_path: Path, debug: list[str]
) -> None:
    """With every option that shows more, too."""
    b = hostile.name
    for line in (
        ["ls", b], ["ls", b, "-l"], ["ls", b, "-1"], ["ls", b, "--json"], ["ls", b, "--sha256sum"],
        ["info", b], ["info", b, EVIL], ["info", b, EVIL, "--json"], ["info", b, f"link {EVIL}"],
        ["get", b, EVIL, "out"], ["get", b, f"link {EVIL}", "out"], ["get", b, f"bucket {EVIL}", "out"],
        ["get", b, f"bad {EVIL}", "out"], ["get", b, f"digest {EVIL}", "o"], ["get", b, f"nuid {EVIL}", "x"],
        ["get", b, f"no {EVIL}", "o"], ["get", "-r", b, "", "folder"], ["verify", b],
        ["verify", b, "--quick"],
        ["gc", b, "-n", "--tombstones", "--older-than", "0s"], ["rm", b, f"no {EVIL}", f"bad {EVIL}"],
        ["put", b, "k", EVIL], ["put", b, EVIL], ["put", "-r", b, "p", EVIL], ["put", b, f"{EVIL}/"],
        ["put", b, f"{EVIL}/", EVIL, EVIL], ["put", b, "k", EVIL, EVIL], ["rm", b, EVIL, f"link {EVIL}"],
    ):  # fmt: skip
        clean(cli, *line, *debug, cwd=tmp_path)


async def test_names_with_a_nul_behind_them_are_escaped_on_a_terminal(cli: Program, hostile: Bucket) -> None:
    """Nobody pipes a terminal into xargs; into a pipe they go as they are."""
    shown = cli.terminal("ls", hostile.name, "-0", env=PLAIN).stdout.decode()
    assert not CONTROL.search(shown.replace("\0", ""))
    assert EVIL.encode() + b"\0" in cli("ls", hostile.name, "-0").stdout


def test_wrong_usage_is_shown_escaped(bare_cli: Program, tmp_path: Path) -> None:
    """Whatever was typed, or stands in the environment."""
    for line in (
        [EVIL], [f"--{EVIL}"], ["ls", EVIL], ["ls", "--sort", EVIL], ["ls", "--color", EVIL], ["add", EVIL],
        ["put", "b", "k", "f", "-H", EVIL], ["put", "b", "k", "f", "--if-match", EVIL],
        ["add", "b", "--ttl", EVIL], ["ls", "-s", f"nats://{EVIL}"], ["ls", "--context", EVIL],
        ["ls", "--creds", EVIL], ["get", "b", "k", f"{EVIL}/x/y"], ["completion", EVIL],
        ["ls", "--timeout", EVIL], ["ls", "-s", EVIL],
    ):  # fmt: skip
        for debug in ([], ["--debug"]):
            clean(bare_cli, *line, *debug, cwd=tmp_path)
    for name in ("NATS_URL", "NATS_CONTEXT", "NATS_TIMEOUT", "NATS_CREDS", "NATSOBJ_LOCAL"):
        clean(bare_cli, "ls", "--debug", env={name: EVIL})


async def test_a_description_of_a_bucket_is_shown_escaped(serve: Serve, cli: Program) -> None:
    """In the list and in its details."""
    url = serve("jetstream: enabled").url
    assert cli("add", "b", "--description", EVIL, "--metadata", f"{EVIL}={EVIL}", "-s", url).code == 0
    for line in (["ls"], ["ls", "--json"], ["info", "b"], ["info", "b", "--json"], ["info"]):
        clean(cli, *line, "-s", url, "-v")


@contextmanager
def saying(*parts: bytes) -> Iterator[str]:
    """A server that says some things to everybody, and its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(2)
                try:
                    peer.sendall(parts[0])
                    peer.recv(4096)
                    for part in parts[1:]:
                        peer.sendall(part)
                    while peer.recv(4096):
                        pass
                except OSError:
                    pass

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"nats://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def test_what_a_server_says_is_shown_escaped(bare_cli: Program) -> None:
    """Its name, its version, its errors, whatever else it sends."""
    evil = EVIL.replace("\r", "").replace("\n", "")
    info = {"server_id": evil, "server_name": evil, "version": f"2.11.0{evil}", "max_payload": 1048576}
    greeting = f"INFO {json.dumps(info)}\r\n".encode()
    loud = f"INFO {json.dumps(info, ensure_ascii=False)}\r\n".encode()
    for parts in (
        (greeting, f"PONG\r\n-ERR '{evil}'\r\n".encode()),
        (loud, f"-ERR '{evil}'\r\n".encode()),
        (f"INFO {evil}\r\n".encode(),),
        (f"{evil}\r\n".encode(),),
        (greeting, b"PONG\r\n", f"MSG {evil} 1 5\r\nhello\r\n".encode()),
        (greeting.replace(b"2.11.0", b"2.9.0"), b"PONG\r\n"),
    ):
        with saying(*parts) as url:
            for options in ([], ["--debug"], ["-v"]):
                clean(bare_cli, "ls", "b", "-s", url, "--timeout", "500ms", *options)


async def test_verbose_begins_with_the_server_and_where_its_address_came_from(
    cli: Program, bucket: Bucket
) -> None:
    """One line, the first one, on stderr."""
    url = cli.env["NATS_URL"]
    for line, origin in (
        (["ls", bucket.name, "-v"], "from NATS_URL"),
        (["-v", "ls", "-s", url], "from --server"),
    ):
        result = cli(*line)
        assert result.code == 0
        pattern = rf"natsobj: connected to {re.escape(url)} \(nats-server 2\.\d+\.\d+[^ ]*\), {origin}"
        assert re.fullmatch(pattern, result.stderr.splitlines()[0])
    bad = f"nats://joe:s3cret@{url.removeprefix('nats://')}"
    assert "s3cret" not in cli("ls", bucket.name, "-v", "-s", bad).stderr
