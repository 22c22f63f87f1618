"""The other clients; a test fails when one of them is not installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.interop.clients import Client, Go, Js, Natsobj
from tests.program import Program
from tests.servers import NatsServer


def program(name: str, variable: str, how: str) -> str:
    """The path of a program that the environment names, or that is on PATH."""
    found = shutil.which(os.environ.get(variable, name))
    if found is None:
        pytest.fail(f"no {name} on PATH (or in {variable}): {how}", pytrace=False)
    return found


@pytest.fixture
def natsobj(cli: Program) -> Natsobj:
    """The program under test."""
    return Natsobj(cli)


@pytest.fixture
def go(server: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The Go CLI."""
    binary = program("nats", "NATS_CLI", "go install github.com/nats-io/natscli/nats@v0.5.1")
    return Go(binary, server.url, tmp_path_factory.mktemp("go-home"))


@pytest.fixture
def js(server: NatsServer) -> Js:
    """nats.js."""
    node = program("node", "NODE", "install Node")
    here = Path(__file__).parent
    if not (here / "node_modules" / "@nats-io" / "obj").is_dir():
        pytest.fail(f"no @nats-io/obj: run npm install --no-package-lock in {here}", pytrace=False)
    return Js(node, server.url)


@pytest.fixture
def clients(natsobj: Natsobj, go: Go, js: Js) -> dict[str, Client]:
    """All three, by name."""
    return {"natsobj": natsobj, "go": go, "js": js}


@pytest.fixture
def store_bucket(natsobj: Natsobj, bucket_name: str) -> str:
    """A fresh bucket made by natsobj."""
    natsobj.run("add", bucket_name).expect(0)
    return bucket_name
