"""`natsobj serve` as a command: who may ask, what is said, how it starts and ends."""

from __future__ import annotations

import base64
import signal
import socket
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.program import Program
from tests.serve.conftest import Running, Start


async def test_a_token_keeps_others_out(start: Start, bucket: Bucket) -> None:
    """A bearer token, or a password with any name; it is in no log, whoever sends it."""
    await bucket.put("k", b"x")
    site = start(bucket.name, "-v", "--token", "s3crétà")

    def basic(text: str) -> str:
        return f"Basic {base64.b64encode(text.encode()).decode()}"

    refused = site("/k")
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    for given in (
        "Bearer wrong",
        basic("me:wrong"),
        basic("s3crétà"),
        "Basic ?",
        "Digest s3crétà",
        "Bearer ",
    ):
        assert site("/k", Authorization=given).status == 401, given
    assert site("/", Authorization="Bearer wrong").status == 401
    assert site("/k", Authorization=basic("anybody:s3crétà")).body == b"x"
    token = "s3crétà".encode().decode("latin-1")
    assert site("/k", Authorization=f"Bearer {token}").body == b"x"
    _, said = site.end()
    assert "GET /k 200" in said
    assert "cr\N{LATIN SMALL LETTER E WITH ACUTE}t" not in said
    assert "s3" not in said


async def test_another_name_for_this_machine_is_refused(site: Running, bucket: Bucket) -> None:
    """A foreign page whose name leads here cannot read the bucket through somebody's browser."""
    await bucket.put("k", b"x")
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "evil@localhost", ""):
        assert site("/k", Host=host).status == 421, host
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:80"):
        assert site("/k", Host=host).status == 200, host


async def test_nothing_but_reading_is_possible(site: Running, bucket: Bucket) -> None:
    """Other methods are refused by name."""
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        reply = site("/k", method)
        assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")
    assert [info async for info in bucket.list()] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_with_one_line(site: Running, bucket: Bucket, number: int) -> None:
    """Also while somebody does not take what was sent."""
    await bucket.put("large", b"x" * 80_000_000)
    with socket.create_connection(site.host.split(":")) as slow:  # type: ignore[arg-type]
        slow.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert slow.recv(12) == b"HTTP/1.1 200"
        code, said = site.end(number)
    assert (code, said) == (128 + number, f"interrupted: no longer serving {bucket.name}\n")


async def test_what_cannot_be_served_is_told_at_once(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """No bucket, a port that is taken, a token that is none, and the extra that is missing."""
    assert "no such bucket" in cli("serve", "missing-bucket", "--port", "0").expect(3).stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = cli("serve", bucket.name, "--port", str(port)).expect(1).stderr
    assert said == f"natsobj: 127.0.0.1:{port}: Address already in use\n"
    cli("serve", bucket.name, "--token", "").expect(2)
    (tmp_path / "uvicorn.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    path = f"{tmp_path}:{cli.env['PYTHONPATH']}"
    result = cli("serve", bucket.name, env={"PYTHONPATH": path}).expect(2)
    assert result.stderr == "natsobj: serving a bucket needs an extra: pip install 'natsobj[serve]'\n"
