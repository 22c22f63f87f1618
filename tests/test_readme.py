"""The README's Python, run as it stands."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from tests.servers import NatsServer
from tests.streams import run, script

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_python_of_the_readme_runs(server: NatsServer, tmp_path: Path) -> None:
    """First with `await`, then without: what the first has stored is replaced by the second."""
    asynchronous, blocking = (text.replace("nats://127.0.0.1:4222", server.url) for text in EXAMPLES)
    imports, body = asynchronous.split("\n\n", 1)
    (tmp_path / "app.tar").write_bytes(bytes(300_000))
    program = f"""
import asyncio, os
os.chdir({str(tmp_path)!r})
{imports}
async def main():
{textwrap.indent(body, "    ")}
    assert notes == b"some bytes"
asyncio.run(main())
{blocking}
with natsobj.blocking.connect({server.url!r}) as store:
    store.delete_bucket("artifacts")
"""
    done = run(script(program))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"build/app.tar 300000\nbuild/notes 10\nput build/app.tar\nput notes\n"
    assert (tmp_path / "copy.tar").read_bytes() == bytes(300_000)
