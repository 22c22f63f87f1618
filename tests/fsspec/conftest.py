"""A file system on the session's server, with a fresh bucket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from natsobj.fsspec import NatsobjFileSystem
from tests.servers import NatsServer


@pytest.fixture
def fs(server: NatsServer) -> NatsobjFileSystem:
    """The file system that everybody of this process shares."""
    return NatsobjFileSystem(servers=server.url)


@pytest.fixture
def root(fs: NatsobjFileSystem, bucket_name: str) -> Iterator[str]:
    """A fresh bucket, by its path; gone after the test."""
    fs.mkdir(bucket_name)
    yield bucket_name
    if fs.exists(bucket_name):
        fs.rm(bucket_name, recursive=True)
