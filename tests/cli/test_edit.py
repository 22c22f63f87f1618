"""`natsobj edit`."""

from __future__ import annotations

import json

import pytest

from natsobj import Bucket, ObjectMeta
from natsobj.cli.render import OBJECT_FIELDS
from tests.program import Program


async def test_edit_changes_what_is_said_about_an_object(cli: Program, bucket: Bucket) -> None:
    """A header that is named twice has two values; one line on stderr."""
    await bucket.put("k", b"content", ObjectMeta("old", {"A": "1", "B": "2"}, {"x": "1"}))
    line = [
        "-H",
        "A:8",
        "--header",
        "A:9",
        "--metadata",
        "y=2",
        "--remove-header",
        "B",
        "--remove-metadata",
        "x",
    ]
    result = cli("edit", bucket.name, "k", "--description", "größer", *line)
    assert result == (0, b"", f"edited {bucket.name}/k\n")
    info = await bucket.info("k")
    assert (info.description, info.headers, info.metadata) == ("größer", {"A": ("8", "9")}, {"y": "2"})
    shown = cli("edit", bucket.name, "k", "--description", "", "--json")
    fields = json.loads(shown.text)
    assert (tuple(fields), fields["description"], shown.stderr) == (OBJECT_FIELDS, None, "")


def test_edit_of_a_missing_key_is_exit_code_4(cli: Program, bucket: Bucket) -> None:
    """As everywhere."""
    result = cli("edit", bucket.name, "nothing", "--description", "new")
    assert (result.code, result.stdout) == (4, b"")


@pytest.mark.parametrize(
    "line", [["photos", "k"], ["photos"], ["photos", "k", "-H", "A B:1"], ["photos", "", "-H", "A:1"]]
)
def test_edit_refuses_what_makes_no_sense(bare_cli: Program, line: list[str]) -> None:
    """Nothing to change, an impossible header, an empty key."""
    result = bare_cli("edit", *line)
    assert (result.code, result.stdout, result.stderr.count("\n")) == (2, b"", 1)
