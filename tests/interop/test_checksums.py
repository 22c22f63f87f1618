"""Lists of checksums, and the `sha256sum` that reads them."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.interop.conftest import program
from tests.program import Program

pytestmark = pytest.mark.interop

NAMES = [
    "plain",
    "a b/c",
    "a\nb",
    "a\\b",
    "a\rb",
    "end\r",
    " first",
    "*",
    "-",
    "e\u0301 漢字",
    "\\",
    "x\x1b[31m",
]


async def test_sha256sum_reads_the_list_of_a_bucket(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Every name is found as the file of that name, and a file that differs is noticed."""
    sha256sum = program("sha256sum", "SHA256SUM", "install GNU coreutils")
    for name in NAMES:
        await bucket.put(name, name.encode())
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name, encoding="utf-8", newline="")
    listed = cli("ls", bucket.name, "--sha256sum").expect(0).stdout

    def check() -> tuple[int, int]:
        done = subprocess.run(
            [sha256sum, "-c", "--strict"], input=listed, cwd=tmp_path, capture_output=True, check=False
        )
        return done.returncode, done.stdout.count(b": OK\n")

    assert check() == (0, len(NAMES))
    (tmp_path / "end\r").write_text("other", encoding="utf-8")
    assert check() == (1, len(NAMES) - 1)


async def test_the_list_is_what_sha256sum_writes(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Byte for byte, for names of any kind."""
    sha256sum = program("sha256sum", "SHA256SUM", "install GNU coreutils")
    names = [name for name in NAMES if "/" not in name and name != "-"]
    for name in names:
        await bucket.put(name, name.encode())
        (tmp_path / name).write_text(name, encoding="utf-8", newline="")
    done = await asyncio.to_thread(
        subprocess.run, [sha256sum, "--", *names], cwd=tmp_path, capture_output=True, check=True
    )
    assert cli("ls", bucket.name, "--sha256sum").expect(0).stdout == done.stdout
