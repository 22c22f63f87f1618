"""A server that stops in the middle: six timeouts of patience, and one for tidying."""

from __future__ import annotations

import os
import signal
import time

from natsobj import Store
from natsobj.settings import Settings
from tests.cli.test_runtime import until_chunks
from tests.conftest import Serve
from tests.program import Program


async def test_a_put_into_silence_ends_with_its_patience(
    serve: Serve, cli: Program, bucket_name: str
) -> None:
    """Although much is queued for the server, and although pings are: neither is a sign of life."""
    server = serve("jetstream: enabled")
    assert cli("add", bucket_name, "-s", server.url).code == 0
    async with Store(Settings(servers=(server.url,))) as store:
        with cli.running(
            "put", bucket_name, "k", "/dev/zero", "-s", server.url, "--timeout", "1s"
        ) as process:
            await until_chunks(store.bucket(bucket_name), 5)
            os.kill(server.pid, signal.SIGSTOP)
            try:
                began = time.monotonic()
                assert process.wait(60) == 5
                assert time.monotonic() - began < 11
            finally:
                os.kill(server.pid, signal.SIGCONT)
