"""The pictures of the README show what the program shows today."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.streams import run
from tests.test_readme import README

ROOT = Path(__file__).parents[1]


def test_no_picture_is_out_of_date() -> None:
    """The same commands, typed anew, show the same words; `scripts/pictures` draws them."""
    done = run([sys.executable, str(ROOT / "scripts" / "pictures"), "--check"])
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_readme_shows_every_picture_and_says_what_is_on_it() -> None:
    """They fetch nothing from anywhere."""
    shown = re.findall(r"!\[(.{20,})\]\((docs/pictures/.*?)\)", README)
    files = sorted(ROOT.glob("docs/pictures/*"))
    assert sorted(ROOT / path for _, path in shown) == files
    assert not any("url(http" in path.read_text(encoding="utf-8") for path in files)
