"""What the drawings of the documentation show, and terminals that remember what is drawn on them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console, RenderableType

from natsobj.models import BucketInfo, ObjectInfo

TIME = datetime(2026, 11, 20, 14, 54, 2, tzinfo=UTC)
SHA256 = "d34334673e4e" + "0123456789abc" * 4
DATA = ObjectInfo(
    bucket="test-bucket",
    name="my/random/data.bin",
    size=10485760,
    chunks=80,
    chunk_size=131072,
    modified=TIME,
    revision=81,
    sha256=SHA256,
    digest="SHA-256=00NDZz5O",
)
BUCKET = BucketInfo(
    bucket="test-bucket",
    stream="OBJ_test-bucket",
    created=datetime(2026, 11, 20, 14, 10, 27, tzinfo=UTC),
    size=10485760,
    last_update=TIME,
)


def terminal(width: int) -> Console:
    """Make a terminal without colours that remembers what it shows."""
    return Console(
        file=io.StringIO(), force_terminal=True, width=width, color_system=None, legacy_windows=False
    )


def shown(console: Console) -> list[str]:
    """Give the lines that a terminal shows."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def draw(view: RenderableType, width: int = 100) -> list[str]:
    """Give the lines of a view on a terminal of that width."""
    console = terminal(width)
    console.print(view, soft_wrap=True)
    return shown(console)
