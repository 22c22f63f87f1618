"""The suites that fsspec has for every file system, whole, against a real server."""

from __future__ import annotations

import pytest
from fsspec.tests.abstract import (
    AbstractCopyTests,
    AbstractFixtures,
    AbstractGetTests,
    AbstractOpenTests,
    AbstractPipeTests,
    AbstractPutTests,
)

from natsobj.fsspec import NatsobjFileSystem


class Fixtures(AbstractFixtures):
    """Where these suites find us."""

    @pytest.fixture
    def fs(self, fs: NatsobjFileSystem) -> NatsobjFileSystem:
        """The file system."""
        return fs

    @pytest.fixture
    def fs_path(self, root: str) -> str:
        """A bucket."""
        return root

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        """A directory is what objects have in common."""
        return False


class TestCopy(AbstractCopyTests, Fixtures):
    """Within a bucket."""


class TestGet(AbstractGetTests, Fixtures):
    """From a bucket to the disk."""


class TestPut(AbstractPutTests, Fixtures):
    """From the disk into a bucket."""


class TestOpen(AbstractOpenTests, Fixtures):
    """Files."""


class TestPipe(AbstractPipeTests, Fixtures):
    """Bytes."""
