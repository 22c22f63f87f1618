"""`natsobj watch`."""

from __future__ import annotations

import json
import signal
import subprocess

from natsobj import Bucket
from natsobj.cli.output.changes import CHANGE_FIELDS
from tests.program import TIMEOUT, Program


def line(process: subprocess.Popen[bytes]) -> str:
    """The next line that it writes."""
    assert process.stdout is not None
    return process.stdout.readline().decode().rstrip("\n")


async def test_watch_writes_a_line_a_change_at_once(cli: Program, bucket: Bucket) -> None:
    """Tab-separated, what is there first; a signal ends it with its own exit code and not a word."""
    old = await bucket.put("old\n", b"1")
    with cli.running("watch", bucket.name, "--history") as process:
        fields = line(process).split("\t")
        assert fields[1:] == ["put", "1", old.sha256, "old\\n"]
        assert fields[0].endswith("Z")
        new = await bucket.put("new", b"22")
        assert line(process).split("\t")[1:] == ["put", "2", new.sha256, "new"]
        await bucket.delete("new")
        assert line(process).split("\t")[1:] == ["delete", "0", "", "new"]
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=TIMEOUT) == (b"", b"")
        assert process.returncode == 143


async def test_watch_json_has_the_event_and_the_object(cli: Program, bucket: Bucket) -> None:
    """One object a line; `--until-current` ends behind what is there."""
    info = await bucket.put("a", b"1")
    await bucket.put("b", b"1")
    result = cli("watch", bucket.name, "a", "--history", "--until-current", "--json")
    assert (result.code, result.stderr) == (0, "")
    (fields,) = map(json.loads, result.lines)
    assert tuple(fields) == CHANGE_FIELDS
    assert (fields["event"], fields["name"], fields["revision"]) == ("put", "a", info.revision)
    assert fields["time"] == fields["modified"]


async def test_watch_shows_lines_on_a_terminal(cli: Program, bucket: Bucket) -> None:
    """No table, for a line must not wait for others; the name is last and escaped."""
    await bucket.put("a\x1b[31m", b"1")
    result = cli.terminal("watch", bucket.name, "--history", "--until-current")
    assert result.code == 0
    assert "  put          1 B  a\\x1b[31m\n" in result.text


async def test_watch_ends_when_nobody_reads_any_more(cli: Program, bucket: Bucket) -> None:
    """Silently, and without waiting for a change."""
    await bucket.put("a", b"1")
    with cli.running("watch", bucket.name, "--history") as process:
        line(process)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(TIMEOUT) == 141
        assert process.stderr.read() == b""


def test_watch_of_a_missing_bucket_is_exit_code_3(cli: Program) -> None:
    """As everywhere; `--until-current` needs what it is the end of."""
    assert cli("watch", "zzz-no-such").code == 3
    assert cli("watch", "photos", "--until-current").code == 2
