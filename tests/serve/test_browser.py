"""The site as a browser (Debian's chromium, headless) and curl see it: what scripts can and cannot do."""

from __future__ import annotations

import os
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.behind import BIG
from tests.program import TIMEOUT
from tests.serve.conftest import Running, Start

pytestmark = pytest.mark.browser

THIEF = b"""<!doctype html><title>thief</title><p>shown</p><script>
document.body.append("script ran; ");
try { localStorage.x = 1; document.body.append("stored; ") } catch { document.body.append("no storage; ") }
fetch("/secret.txt").then(r => r.text()).then(t => document.body.append(t),
  () => document.body.append("fetch refused; "));
</script>"""


def chromium(folder: Path, address: str, *options: str) -> str:
    """Open a page, and return what its document has become."""
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}"]
    command += ["--hide-scrollbars", "--virtual-time-budget=3000", *options, "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, timeout=2 * TIMEOUT, check=True, text=True)
    return done.stdout


async def test_a_browser_shows_names_as_text(site: Running, bucket: Bucket, tmp_path: Path) -> None:
    """Wide and narrow, light and dark, every name is there to be read and none has run."""
    names = ["<img src=x onerror=\"document.title='owned'\">", "\"'><script>document.title='owned'</script>"]
    for name in (*names, "2026/cat.jpg", "big.bin"):
        await bucket.put(name, b"x")
    for number, options in enumerate(([], ["--force-dark-mode"], ["--window-size=400,900"])):
        picture = tmp_path / f"{number}.png"
        document = chromium(tmp_path / "profile", site.url, f"--screenshot={picture}", *options)
        assert re.findall("<title>(.*?)</title>", document) == [f"{bucket.name}/"]
        text = unescape(re.sub("<style>.*?</style>|<[^>]*>", " ", document, flags=re.DOTALL))
        for name in ("<img src=x onerror=\"document.title='owned'\">", "2026/", "big.bin"):
            assert name in text
        if folder := os.environ.get("NATSOBJ_PICTURES"):
            picture.rename(Path(folder) / picture.name)


async def test_a_stored_page_runs_and_reads_nothing(site: Running, bucket: Bucket, tmp_path: Path) -> None:
    """It is shown, its script runs, and neither the bucket nor any storage is open to it."""
    await bucket.put("secret.txt", b"the secret")
    await bucket.put("index.html", THIEF)
    document = chromium(tmp_path / "profile", site.url)
    assert "shown" in document
    assert "script ran; no storage; fetch refused; " in document
    assert "the secret" not in document.partition("</script>")[2]


async def test_curl_sees_a_site_as_others_are(start: Start, bucket: Bucket, tmp_path: Path) -> None:
    """It resumes, it asks again only for what has changed, and it knows when the end is missing."""
    await bucket.put("dir/big.bin", BIG)
    site = start(bucket.name, "--token", "s3cret")
    target = tmp_path / "big.bin"
    target.write_bytes(BIG[:1_000_000])

    def curl(*args: str, code: int = 0) -> str:
        command = ["curl", "-sS", "--max-time", str(TIMEOUT), *args]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout

    address = f"{site.url}dir/big.bin"
    curl("-f", address, code=22)
    curl("-f", "-u", "me:s3cret", "-C", "-", "-o", "big.bin", address)
    assert target.read_bytes() == BIG
    bearer = ("-H", "Authorization: Bearer s3cret")
    curl(*bearer, "--etag-save", "tag", "-o", "first", address)
    curl(*bearer, "--etag-compare", "tag", "-o", "second", address)
    assert not (tmp_path / "second").exists() or not (tmp_path / "second").stat().st_size
    assert curl(*bearer, "-L", f"{site.url}dir?json").startswith('{"bucket":')
    await bucket.stream.purge(f"$O.{bucket.name}.C.{(await bucket.info('dir/big.bin')).nuid}")
    curl(*bearer, "-f", address, code=22)
