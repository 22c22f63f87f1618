"""Contexts that the Go CLI writes are contexts to natsobj."""

from __future__ import annotations

import pytest

from tests.conftest import Serve
from tests.interop.clients import Go
from tests.program import Program
from tests.servers import NatsServer

pytestmark = pytest.mark.interop


def test_a_context_of_the_go_cli_is_used_by_name(
    go: Go, bare_cli: Program, server: NatsServer, bucket_name: str
) -> None:
    """`--context NAME` finds the server that `nats context add` was told."""
    go.add_context(bare_cli.config_home, "staging", f"--server={server.url}")
    bare_cli("--context", "staging", "add", bucket_name).expect(0)
    assert bucket_name in go.buckets()


def test_the_selected_context_of_the_go_cli_is_the_default(go: Go, bare_cli: Program, serve: Serve) -> None:
    """Without any flag or variable the selected context says where, and with which password."""
    locked = serve("jetstream: enabled, authorization { user: ann, password: s3cret }")
    bare_cli("-s", locked.url, "ls").expect(7)
    go.add_context(
        bare_cli.config_home, "locked", f"--server={locked.url}", "--user=ann", "--password=s3cret"
    )
    assert bare_cli("ls").expect(0).stdout == b""
