"""natscli's context files: which one is read, and what of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from natsobj.errors import ContextNotFound, InvalidArgument
from natsobj.settings import Settings, resolve
from tests.settings.test_settings import write_context, write_selected_context


def test_the_selected_context_is_used(tmp_path: Path) -> None:
    """`nats context select` counts here as well; the line end of context.txt does not."""
    write_selected_context(tmp_path, "a", url="nats://a")
    assert resolve({}, {}, tmp_path).servers == ("nats://a:4222",)


def test_a_variable_beats_the_selected_context_and_a_flag_the_variable(tmp_path: Path) -> None:
    """--context > NATS_CONTEXT > context.txt."""
    for name in "abc":
        write_selected_context(tmp_path, name, url=f"nats://{name}")
    assert resolve({}, {}, tmp_path).origin == "from context c (selected)"
    assert resolve({}, {"NATS_CONTEXT": "b"}, tmp_path).origin == "from context b (NATS_CONTEXT)"
    by_flag = resolve({"context": "a"}, {"NATS_CONTEXT": "b"}, tmp_path)
    assert by_flag.origin == "from context a (--context)"


def test_other_variables_beat_the_context_that_a_variable_names(tmp_path: Path) -> None:
    """NATS_CONTEXT is one of the variables: the others are as near."""
    write_context(tmp_path, "c", url="nats://context:1", inbox_prefix="_C", token="t")
    settings = resolve({}, {"NATS_CONTEXT": "c", "NATS_URL": "nats://env:2"}, tmp_path)
    assert settings == Settings(
        servers=("nats://env:2",), origin="from NATS_URL", inbox_prefix="_C", token="t"
    )


def test_all_fields_of_a_context_reach_the_settings(tmp_path: Path) -> None:
    """The file is natscli's own, with the names it has there."""
    ca = tmp_path / "ca.pem"
    ca.write_text("ca")
    write_context(
        tmp_path,
        "c",
        url="tls://ann:p@h",
        ca=str(ca),
        tls_first=True,
        jetstream_domain="hub",
        inbox_prefix="_IN.ann",
    )
    assert resolve({"context": "c"}, {}, tmp_path) == Settings(
        servers=("tls://h:4222",),
        origin="from context c (--context)",
        user="ann",
        password="p",
        tls_ca=ca,
        tls_first=True,
        api_prefix="$JS.hub.API",
        inbox_prefix="_IN.ann",
    )


def test_empty_and_null_fields_are_unset(tmp_path: Path) -> None:
    """natscli writes every field, most of them empty."""
    names = "url token user password creds nkey cert key ca nsc socks_proxy user_jwt user_seed inbox_prefix"
    fields: dict[str, object] = dict.fromkeys(names.split(), "")
    write_selected_context(tmp_path, "c", tls_first=False, windows_cert_store="", **fields)
    assert resolve({}, {}, tmp_path) == Settings()
    write_context(tmp_path, "c", url=None, tls_first=None)
    assert resolve({}, {}, tmp_path) == Settings()


def test_unknown_fields_are_ignored(tmp_path: Path) -> None:
    """A newer natscli may write more, and some fields are not about the connection."""
    write_selected_context(tmp_path, "c", color_scheme=7, windows_ca_certs_match=["x"], future={"a": 1})
    assert resolve({}, {}, tmp_path) == Settings()


def test_a_context_may_be_a_path_to_a_json_file(tmp_path: Path) -> None:
    """`--context` and NATS_CONTEXT take a file that is no context of natscli's folder."""
    path = tmp_path / "elsewhere.json"
    path.write_text('{"url": "nats://h"}')
    assert resolve({"context": str(path)}, {}, tmp_path / "home").origin == f"from context {path} (--context)"
    assert resolve({}, {"NATS_CONTEXT": str(path)}, tmp_path / "home").servers == ("nats://h:4222",)


def test_a_context_whose_name_ends_in_json_is_found_by_its_name(tmp_path: Path) -> None:
    """Only a file that is there makes a path of a name."""
    write_context(tmp_path, "odd.json", url="nats://h")
    assert resolve({"context": "odd.json"}, {}, tmp_path).servers == ("nats://h:4222",)


def test_a_missing_context_is_named(tmp_path: Path) -> None:
    """A misspelt name must not end at the default server."""
    write_context(tmp_path, "staging", url="nats://h")
    with pytest.raises(InvalidArgument, match=r"^no such context: stagign$"):
        resolve({"context": "stagign"}, {}, tmp_path)
    with pytest.raises(InvalidArgument, match=r"^no such context: stagign$"):
        resolve({}, {"NATS_CONTEXT": "stagign"}, tmp_path)
    with pytest.raises(InvalidArgument, match=r"^no such context: \./missing\.json$"):
        resolve({"context": "./missing.json"}, {}, tmp_path)


@pytest.mark.parametrize(
    "name", ["../secret", "a/b", "a\\b", "..", "/etc/passwd", "a\x1b[2J", "a\x00", "x" * 5000]
)
def test_a_context_name_does_not_leave_its_folder(name: str, tmp_path: Path) -> None:
    """As in natscli, a name has no separators and no dots of a path."""
    write_context(tmp_path, "c")
    (tmp_path / "nats" / "secret.json").write_text("{}")
    with pytest.raises(InvalidArgument, match=f"^no such context: {re.escape(name)}$"):
        resolve({"context": name}, {}, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        '{"token": "s3cret"}',
        "eyJhbGciOiJzM2NyZXQ",
        "data:,s3cret",
        "-----BEGIN s3cret",
        "SU" + "A2" * 28,
        "s3\ncret",
    ],
)
def test_a_content_in_place_of_a_context_is_not_shown(text: str, tmp_path: Path) -> None:
    """`--context "$(cat FILE)"` is a mistake that must not end up in a log."""
    with pytest.raises(InvalidArgument, match=r"^no such context: a text that is none$"):
        resolve({"context": text}, {}, tmp_path)


def test_without_a_home_there_are_no_contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is not asked; who names a context learns why there is none."""
    write_selected_context(tmp_path, "c", url="nats://h")
    monkeypatch.chdir(tmp_path)
    assert resolve({}, {"NATS_TOKEN": "t"}, None) == Settings(token="t")
    message = r"^no such context: c: without an absolute HOME or XDG_CONFIG_HOME there is none$"
    for flags, env in (({"context": "c"}, {}), ({}, {"NATS_CONTEXT": "c"})):
        with pytest.raises(InvalidArgument, match=message):
            resolve(dict(flags), env, None)


def test_an_unknown_context_comes_with_those_that_there_are(tmp_path: Path) -> None:
    """The command makes its did-you-mean of them; what could be no name is left out."""
    for name in ("staging", "prod"):
        write_context(tmp_path, name)
    for name in ("a..b.json", "x\x1by.json", ".json", "notes.txt"):
        (tmp_path / "nats" / "context" / name).touch()
    with pytest.raises(ContextNotFound) as caught:
        resolve({"context": "stagign"}, {}, tmp_path)
    assert (caught.value.name, caught.value.known) == ("stagign", ("prod", "staging"))


def test_a_url_in_place_of_a_context_is_shown_without_its_credential(tmp_path: Path) -> None:
    """Who mixes up the flags does not find the password in the log."""
    with pytest.raises(InvalidArgument, match=r"^no such context: nats://h$"):
        resolve({"context": "nats://ann:s3cret@h"}, {}, tmp_path)


def test_a_stale_selection_names_context_txt(tmp_path: Path) -> None:
    """The file that is wrong is named, for the name in it stands nowhere on the command line."""
    selector = write_selected_context(tmp_path, "gone")
    (tmp_path / "nats" / "context" / "gone.json").unlink()
    message = f"{selector} selects a context that does not exist: gone"
    with pytest.raises(InvalidArgument, match=f"^{re.escape(message)}$"):
        resolve({"server": "nats://h"}, {}, tmp_path)
    assert selector.read_text() == "gone\n"


def test_a_selection_is_a_name_and_not_a_path(tmp_path: Path) -> None:
    """context.txt leads to natscli's folder only."""
    path = tmp_path / "elsewhere.json"
    path.write_text("{}")
    write_context(tmp_path, "c")
    (tmp_path / "nats" / "context.txt").write_text(str(path))
    with pytest.raises(InvalidArgument, match=r"selects a context that does not exist"):
        resolve({}, {}, tmp_path)


def test_a_stale_selection_does_not_matter_when_a_context_is_named(tmp_path: Path) -> None:
    """Nobody asks context.txt then."""
    write_context(tmp_path, "c", url="nats://h")
    (tmp_path / "nats" / "context.txt").write_text("gone")
    assert resolve({"context": "c"}, {}, tmp_path).servers == ("nats://h:4222",)
    assert resolve({}, {"NATS_CONTEXT": "c"}, tmp_path).servers == ("nats://h:4222",)


def test_no_selection_is_no_context(tmp_path: Path) -> None:
    """An empty context.txt, no folder, and a home that is no folder all mean: none selected."""
    write_context(tmp_path, "c", url="nats://h")
    (tmp_path / "nats" / "context.txt").write_text("\n")
    assert resolve({}, {}, tmp_path) == Settings()
    assert resolve({}, {}, tmp_path / "missing") == Settings()
    assert resolve({}, {}, Path("/dev/null")) == Settings()


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _as_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _as_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _as_hole(path: Path) -> None:
    os.truncate(path, 1 << 30)


@pytest.mark.parametrize(
    "spoil",
    [
        _as_folder,
        _as_loop,
        _as_fifo,
        _as_device,
        _as_hole,
        lambda path: path.write_bytes(b"\x7fELF\x02\x01\x01\x00"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text("c\n" * 1000),
    ],
)
def test_a_selection_that_cannot_be_read_is_none(spoil: Callable[[Path], object], tmp_path: Path) -> None:
    """Nobody asked for it: a strange file must neither stop nor hang a command that needs none."""
    spoil(write_selected_context(tmp_path, "c", url="nats://h"))
    assert resolve({}, {}, tmp_path) == Settings()


@pytest.mark.parametrize("home", ["loop", "file"])
def test_a_home_that_cannot_be_entered_has_no_selection(home: str, tmp_path: Path) -> None:
    """What the system says of it does not matter to who names a server."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    assert resolve({"server": "h"}, {}, tmp_path / home).servers == ("nats://h:4222",)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_as_fifo, "not a regular file"),
        (_as_device, "not a regular file"),
        (_as_hole, "more than 1,048,576 bytes in"),
    ],
)
def test_a_context_that_is_no_small_file_is_refused(
    spoil: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    """It is neither waited for nor read into memory."""
    path = write_context(tmp_path, "c")
    spoil(path)
    with pytest.raises(InvalidArgument, match=f"^{said}:? {re.escape(str(path))}$"):
        resolve({"context": "c"}, {}, tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"token": "s3cret",}', '"s3cret"', "[]", "[" * 100_000, "\x00"])
def test_a_broken_context_names_its_file_and_shows_nothing_of_it(text: str, tmp_path: Path) -> None:
    """Contexts hold passwords, so a message has the path and the position at most."""
    path = write_context(tmp_path, "c")
    path.write_text(text)
    with pytest.raises(InvalidArgument, match=f"^not (JSON|a JSON object): {re.escape(str(path))}") as caught:
        resolve({"context": "c"}, {}, tmp_path)
    assert "s3cret" not in str(caught.value)


def test_a_context_that_is_not_utf8_names_its_file(tmp_path: Path) -> None:
    """Binary files are not contexts."""
    path = write_context(tmp_path, "c")
    path.write_bytes(b'{"url": "\xff"}')
    with pytest.raises(InvalidArgument, match=f"^not a text file: {re.escape(str(path))}$"):
        resolve({"context": "c"}, {}, tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("url", 4222, "string"),
        ("token", ["s3cret"], "string"),
        ("user", False, "string"),
        ("tls_first", "yes", "boolean"),
    ],
)
def test_a_field_of_the_wrong_type_is_named_with_its_file(
    field: str, value: object, kind: str, tmp_path: Path
) -> None:
    """A guess at what was meant could connect without TLS or to another server."""
    path = write_context(tmp_path, "c", **{field: value})
    with pytest.raises(InvalidArgument) as caught:
        resolve({"context": "c"}, {}, tmp_path)
    assert str(caught.value) == f"{field} is not a {kind}: {path}"


@pytest.mark.parametrize("field", ["nsc", "socks_proxy", "windows_cert_store"])
def test_what_we_do_not_have_is_refused_by_name(field: str, tmp_path: Path) -> None:
    """To go on without a proxy or a certificate would be another connection than the one asked for."""
    write_selected_context(tmp_path, "c", **{field: "s3cret"})
    path = tmp_path / "nats" / "context" / "c.json"
    with pytest.raises(InvalidArgument) as caught:
        resolve({}, {}, tmp_path)
    assert str(caught.value) == f"context c asks for {field}, which is not supported: {path}"


def test_a_context_file_that_cannot_be_read_is_the_systems_error(tmp_path: Path) -> None:
    """A local file's trouble is told by the operating system, with its path."""
    (tmp_path / "nats" / "context" / "c.json").mkdir(parents=True)
    with pytest.raises(IsADirectoryError, match=r"c\.json"):
        resolve({"context": "c"}, {}, tmp_path)
