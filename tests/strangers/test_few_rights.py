"""Credentials that allow what a command needs and nothing more."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Serve
from tests.program import Program
from tests.servers import PLAIN


def allowing(serve: Serve, *subjects: str, deny: str = "") -> tuple[str, str, str]:
    """A server and the options of a user who may publish this, and of one who may do all."""
    allowed = ", ".join(f'"{subject}"' for subject in subjects)
    rights = f'allow: [{allowed}], deny: ["{deny}"]' if deny else f"allow: [{allowed}]"
    few = f'{{ user: few, password: p, permissions: {{ publish: {{ {rights} }}, subscribe: "_INBOX.>" }} }}'
    server = serve(f"{PLAIN}\nauthorization {{ users: [ {{ user: all, password: p }}, {few} ] }}")
    return server.url, f"nats://few:p@{server.address}", f"nats://all:p@{server.address}"


@pytest.mark.parametrize(
    "rights",
    [
        ("$JS.API.STREAM.CREATE.OBJ_x", "$JS.API.STREAM.DELETE.OBJ_x"),
        ("$JS.API.STREAM.CREATE.OBJ_x", "$JS.API.STREAM.DELETE.OBJ_x", "$JS.API.STREAM.INFO.OBJ_x"),
    ],
    ids=["blind", "info"],
)
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_add_and_rm_bucket_need_the_right_to_do_so_only(
    bare_cli: Program, serve: Serve, rights: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """Neither must look: with CREATE and DELETE alone both are exit 0."""
    _, few, _ = allowing(serve, *rights)
    added = bare_cli("add", "x", "-s", few, *options).expect(0)
    kept = bare_cli("add", "x", "--if-not-exists", "-s", few, *options).expect(0)
    removed = bare_cli("rm", "--bucket", "x", "-f", "-s", few, *options).expect(0)
    if options:
        assert [json.loads(each.text)["bucket"] for each in (added, kept, removed)] == ["x"] * 3
    else:
        assert added.stderr == "created bucket x\n"
        assert removed.stderr == "deleted bucket x\n"
    bare_cli("rm", "--bucket", "x", "-f", "-s", few).expect(3)


def test_add_of_a_bucket_with_other_settings_says_that_it_exists(bare_cli: Program, serve: Serve) -> None:
    """Whoever may not look is told by the server: 6, and 0 with `--if-not-exists`."""
    _, few, everything = allowing(serve, "$JS.API.STREAM.CREATE.OBJ_x")
    bare_cli("add", "x", "-s", everything, "--description", "another").expect(0)
    refused = bare_cli("add", "x", "-s", few).expect(6)
    assert "bucket exists: x" in refused.stderr
    bare_cli("add", "x", "--if-not-exists", "-s", few).expect(0)


def test_add_and_rm_bucket_work_where_direct_get_is_denied(bare_cli: Program, serve: Serve) -> None:
    """What counts objects for other commands is not asked for."""
    _, few, _ = allowing(serve, ">", deny="$JS.API.DIRECT.GET.>")
    bare_cli("add", "x", "-s", few).expect(0)
    bare_cli("add", "x", "--if-not-exists", "-s", few, "--json").expect(0)
    bare_cli("rm", "--bucket", "x", "-f", "-s", few, "--json").expect(0)


@pytest.mark.parametrize(
    ("right", "verb"),
    [("subscribe: {deny: [_INBOX.>]}", "subscribe"), ("publish: {deny: [$JS.>]}", "publish")],
)
def test_what_a_user_may_not_do_is_named(bare_cli: Program, serve: Serve, right: str, verb: str) -> None:
    """Whoever gives the rights must know which one is missing."""
    right = right.replace("[", '["').replace("]", '"]')
    few = f"{{ user: few, password: p, permissions: {{ {right} }} }}"
    server = serve(f"{PLAIN}\nauthorization {{ users: [ {few} ] }}")
    denied = bare_cli("ls", "-s", f"nats://few:p@{server.address}").expect(7)
    assert denied.stderr.endswith(f"(the user may not {verb} to that subject)\n")
