"""Credentials: whole from one layer, read from files and URIs, and never shown."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from natsobj.errors import InvalidArgument
from natsobj.settings import Settings, resolve
from tests.settings.test_settings import write_context, write_selected_context

Flags = dict[str, str | bool | None]

JWT = "eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJVIn0.c2ln-_bmF0dXJl"
SEED = "SU" + "A2" * 28
OTHER_SEED = "SU" + "B3" * 28
CREDS = f"""-----BEGIN NATS USER JWT-----
{JWT}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
{SEED}
------END USER NKEY SEED------

*************************************************************
"""


def credential(flags: Flags, env: Mapping[str, str], home: Path) -> dict[str, str]:
    """The credential fields that are set."""
    settings = resolve(flags, env, home)
    names = ("user", "password", "token", "jwt", "seed")
    return {name: value for name in names if (value := getattr(settings, name)) is not None}


@pytest.fixture
def creds(tmp_path: Path) -> Path:
    """A creds file as nsc writes it."""
    path = tmp_path / "user.creds"
    path.write_text(CREDS)
    return path


@pytest.fixture
def nkey(tmp_path: Path) -> Path:
    """A file with nothing but a seed."""
    path = tmp_path / "user.nk"
    path.write_text(f"{OTHER_SEED}\n")
    return path


def test_flags_variables_and_contexts_have_the_same_credentials(
    tmp_path: Path, creds: Path, nkey: Path
) -> None:
    """Every kind of credential can stand in every layer that has a name for it."""
    kinds: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        "password": ({"user": "ann", "password": "p"}, {"user": "ann", "password": "p"}),
        "token": ({"token": "t"}, {"token": "t"}),
        "creds": ({"creds": str(creds)}, {"jwt": JWT, "seed": SEED}),
        "nkey": ({"nkey": str(nkey)}, {"seed": OTHER_SEED}),
    }
    for kind, (given, expected) in kinds.items():
        write_context(tmp_path, kind, **given)
        variables = {f"NATS_{name.upper()}": value for name, value in given.items()}
        assert credential(dict(given), {}, tmp_path) == expected
        assert credential({}, variables, tmp_path) == expected
        assert credential({"context": kind}, {}, tmp_path) == expected


def test_jwt_and_seed_come_from_variables_and_contexts(tmp_path: Path) -> None:
    """NATS_JWT and NATS_SEED are the texts themselves, like user_jwt and user_seed."""
    write_context(tmp_path, "c", user_jwt=JWT, user_seed=SEED)
    assert credential({}, {"NATS_JWT": JWT, "NATS_SEED": SEED}, tmp_path) == {"jwt": JWT, "seed": SEED}
    assert credential({"context": "c"}, {}, tmp_path) == {"jwt": JWT, "seed": SEED}


def test_a_seed_alone_is_an_nkey(tmp_path: Path) -> None:
    """NATS_SEED without a JWT signs as its own public key."""
    assert credential({}, {"NATS_SEED": SEED}, tmp_path) == {"seed": SEED}


def test_a_user_without_password_is_a_token(tmp_path: Path) -> None:
    """As natscli's help says: username or token; a token's URI is followed."""
    write_context(tmp_path, "c", user="tok")
    assert credential({"user": "tok"}, {}, tmp_path) == {"token": "tok"}
    assert credential({}, {"NATS_USER": "tok"}, tmp_path) == {"token": "tok"}
    assert credential({"context": "c"}, {}, tmp_path) == {"token": "tok"}
    assert credential({"user": "env://T"}, {"T": "tok"}, tmp_path) == {"token": "tok"}


def test_a_token_may_stand_beside_a_jwt_or_an_nkey(tmp_path: Path, creds: Path, nkey: Path) -> None:
    """Auth callout takes both from one client."""
    expected = {"jwt": JWT, "seed": SEED, "token": "t"}
    assert credential({"creds": str(creds), "token": "t"}, {}, tmp_path) == expected
    assert credential({"nkey": str(nkey), "token": "t"}, {}, tmp_path) == {"seed": OTHER_SEED, "token": "t"}


@pytest.mark.parametrize("kind", ["token", "creds", "nkey", "jwt", "user", "url"])
def test_a_credential_of_a_higher_layer_replaces_every_lower_one(
    kind: str, tmp_path: Path, creds: Path, nkey: Path
) -> None:
    """A mixture of two layers would be nobody's credential."""
    lower = {
        "token": {"NATS_TOKEN": "low"},
        "creds": {"NATS_CREDS": str(creds)},
        "nkey": {"NATS_NKEY": str(nkey)},
        "jwt": {"NATS_JWT": JWT, "NATS_SEED": SEED},
        "user": {"NATS_USER": "low", "NATS_PASSWORD": "low"},
        "url": {"NATS_URL": "nats://low:low@h"},
    }
    higher: list[tuple[Flags, dict[str, str]]] = [
        ({"token": "t"}, {"token": "t"}),
        ({"user": "ann", "password": "p"}, {"user": "ann", "password": "p"}),
        ({"creds": str(creds)}, {"jwt": JWT, "seed": SEED}),
        ({"nkey": str(nkey)}, {"seed": OTHER_SEED}),
        ({"server": "nats://ann:p@h"}, {"user": "ann", "password": "p"}),
        ({"server": "tok@h"}, {"token": "tok"}),
    ]
    write_selected_context(tmp_path, "c", user="lowest", password="lowest")
    for flags, expected in higher:
        assert credential(flags, lower[kind], tmp_path) == expected


def test_a_credential_of_the_environment_replaces_that_of_the_context(tmp_path: Path) -> None:
    """The URL may come from the context all the same."""
    write_selected_context(tmp_path, "c", url="nats://h:1", user="ann", password="p")
    settings = resolve({}, {"NATS_TOKEN": "t"}, tmp_path)
    assert settings == Settings(servers=("nats://h:1",), origin="from context c (selected)", token="t")


def test_a_replaced_credential_is_not_even_read(tmp_path: Path) -> None:
    """A broken file behind a credential that is not used does no harm."""
    env = {"NATS_CREDS": str(tmp_path / "missing"), "NATS_PASSWORD": "p"}
    assert credential({"token": "t"}, env, tmp_path) == {"token": "t"}


def test_user_info_is_dropped_with_its_url(tmp_path: Path) -> None:
    """A password in a URL is for that server: another server's address must not send it there."""
    write_selected_context(tmp_path, "c", url="nats://ann:p@h:1")
    assert credential({}, {}, tmp_path) == {"user": "ann", "password": "p"}
    assert credential({"server": "nats://other"}, {}, tmp_path) == {}


@pytest.mark.parametrize(
    ("flags", "env", "both"),
    [
        ({"user": "a", "password": "s3cret", "creds": "f"}, {}, "--user and --creds"),
        ({"user": "a", "token": "s3cret"}, {}, "--user and --token"),
        ({"creds": "f", "nkey": "g"}, {}, "--creds and --nkey"),
        ({}, {"NATS_CREDS": "f", "NATS_JWT": "s3cret", "NATS_SEED": "s3cret"}, "NATS_CREDS and NATS_JWT"),
        ({}, {"NATS_NKEY": "f", "NATS_SEED": "s3cret"}, "NATS_NKEY and NATS_SEED"),
        ({"server": "nats://a:s3cret@h", "token": "s3cret"}, {}, "--server and --token"),
        ({}, {"NATS_URL": "s3cret@h", "NATS_CREDS": "f"}, "NATS_URL and NATS_CREDS"),
    ],
)
def test_two_credentials_in_one_layer_contradict_each_other(
    flags: Flags, env: dict[str, str], both: str, tmp_path: Path
) -> None:
    """Nothing that was given is silently ignored."""
    with pytest.raises(InvalidArgument, match=f"^{both} contradict each other") as caught:
        resolve(flags, env, tmp_path)
    assert "s3cret" not in str(caught.value)


def test_half_a_credential_is_refused(tmp_path: Path) -> None:
    """A password needs a user and a JWT a seed, in the same layer."""
    with pytest.raises(InvalidArgument, match=r"^--password needs --user$"):
        resolve({"password": "p"}, {}, tmp_path)
    with pytest.raises(InvalidArgument, match=r"^NATS_PASSWORD needs NATS_USER$"):
        resolve({}, {"NATS_PASSWORD": "p"}, tmp_path)
    with pytest.raises(InvalidArgument, match=r"^NATS_JWT needs NATS_SEED$"):
        resolve({}, {"NATS_JWT": JWT}, tmp_path)


@pytest.mark.parametrize(
    ("flags", "env", "fields", "both"),
    [
        ({"user": "ann"}, {"NATS_PASSWORD": "s3cret"}, {}, "--user and NATS_PASSWORD"),
        ({"user": "ann"}, {"NATS_USER": "bob", "NATS_PASSWORD": "s3cret"}, {}, "--user and NATS_PASSWORD"),
        ({"user": "ann"}, {}, {"password": "s3cret"}, "--user and password of context c"),
        ({"user": "ann"}, {}, {"user": "bob", "password": "s3cret"}, "--user and password of context c"),
        ({"user": "ann"}, {"NATS_URL": "nats://bob:s3cret@h"}, {}, "--user and NATS_URL"),
        ({"password": "s3cret"}, {"NATS_USER": "ann"}, {}, "--password and NATS_USER"),
        ({"password": "s3cret"}, {}, {"user": "ann", "password": "p"}, "--password and user of context c"),
        ({"password": "s3cret"}, {"NATS_URL": "nats://ann@h"}, {}, "--password and NATS_URL"),
        ({"password": "s3cret"}, {}, {"url": "nats://ann@h"}, "--password and url of context c"),
        ({"server": "nats://ann@h"}, {"NATS_PASSWORD": "s3cret"}, {}, "--server and NATS_PASSWORD"),
        ({}, {"NATS_USER": "ann"}, {"password": "s3cret"}, "NATS_USER and password of context c"),
        ({}, {"NATS_USER": "a"}, {"user": "b", "password": "s3cret"}, "NATS_USER and password of context c"),
        ({}, {"NATS_PASSWORD": "s3cret"}, {"user": "ann"}, "NATS_PASSWORD and user of context c"),
        ({}, {"NATS_JWT": JWT}, {"user_seed": SEED}, "NATS_JWT and user_seed of context c"),
        ({}, {"NATS_SEED": SEED}, {"user_jwt": JWT}, "NATS_SEED and user_jwt of context c"),
        ({"context": "c"}, {"NATS_PASSWORD": "s3cret"}, {"user": "a"}, "user of context c and NATS_PASSWORD"),
        ({"context": "c"}, {"NATS_USER": "a"}, {"password": "s3cret"}, "password of context c and NATS_USER"),
        ({"context": "c"}, {"NATS_SEED": SEED}, {"user_jwt": JWT}, "user_jwt of context c and NATS_SEED"),
    ],
)
def test_halves_of_a_credential_in_two_layers_are_refused_by_their_names(
    flags: Flags, env: dict[str, str], fields: dict[str, str], both: str, tmp_path: Path
) -> None:
    """Together they would send the secret of one server to another, or a user's name as a token."""
    write_selected_context(tmp_path, "c", **fields)
    message = f"^{both} are halves of a credential: set both in the same place$"
    with pytest.raises(InvalidArgument, match=message) as caught:
        resolve(flags, env, tmp_path)
    assert "s3cret" not in str(caught.value)


def test_a_whole_credential_beside_half_of_a_lower_one_is_used(tmp_path: Path) -> None:
    """What stands below it does not matter; a seed is an nkey, also above a JWT that has its own."""
    write_selected_context(tmp_path, "c", user_jwt=JWT, user_seed=SEED)
    assert credential({}, {"NATS_SEED": OTHER_SEED}, tmp_path) == {"seed": OTHER_SEED}
    assert credential({"token": "t"}, {"NATS_USER": "ann", "NATS_SEED": SEED}, tmp_path) == {"token": "t"}
    assert credential({"server": "tok@h"}, {"NATS_USER": "a", "NATS_PASSWORD": "p"}, tmp_path) == {
        "token": "tok"
    }


def test_creds_and_nkey_paths_expand_with_the_given_environment(
    tmp_path: Path, creds: Path, nkey: Path
) -> None:
    """`~` and `$VAR` work in every layer, from the environment that was passed in."""
    env = {"HOME": str(tmp_path), "WHO": "user"}
    assert creds.exists()
    assert nkey.exists()
    write_context(tmp_path, "c", creds="~/${WHO}.creds")
    assert credential({"context": "c"}, env, tmp_path) == {"jwt": JWT, "seed": SEED}
    assert credential({"nkey": "$HOME/$WHO.nk"}, env, tmp_path) == {"seed": OTHER_SEED}
    assert credential({}, env | {"NATS_CREDS": "file://~/user.creds"}, tmp_path) == {"jwt": JWT, "seed": SEED}


def data(text: str) -> str:
    """A `data:` URI as natscli writes it."""
    return "data:;base64," + base64.b64encode(text.encode()).decode()


def test_every_secret_can_be_a_uri(tmp_path: Path, creds: Path) -> None:
    """file://, env:// and data: stand for the text behind them, without the line end of a file."""
    secret = tmp_path / "secret"
    secret.write_text("  s3cret \r\n")
    env = {"SECRET": "s3cret", "CREDS": CREDS, "SEED": SEED, "JWT": JWT}
    cases: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"user": "ann", "password": f"file://{secret}"}, {"user": "ann", "password": "  s3cret "}),
        ({"user": "ann", "password": "env://SECRET"}, {"user": "ann", "password": "s3cret"}),
        ({"token": data("s3cret\n")}, {"token": "s3cret"}),
        ({"token": "ENV://SECRET"}, {"token": "s3cret"}),
        ({"token": "data:text/plain;base64,czNjcmV0"}, {"token": "s3cret"}),
        ({"creds": f"file://{creds}"}, {"jwt": JWT, "seed": SEED}),
        ({"creds": "env://CREDS"}, {"jwt": JWT, "seed": SEED}),
        ({"creds": data(CREDS)}, {"jwt": JWT, "seed": SEED}),
        ({"nkey": "env://SEED"}, {"seed": SEED}),
        ({"nkey": data(f"{SEED}\n")}, {"seed": SEED}),
        ({"user_jwt": "env://JWT", "user_seed": data(SEED)}, {"jwt": JWT, "seed": SEED}),
    ]
    for fields, expected in cases:
        write_context(tmp_path, "c", **fields)
        assert credential({"context": "c"}, env, tmp_path) == expected


@pytest.mark.parametrize("text", ["p$HOME", "~", "op:x", "file:x", "nsc:/x", "http://x", "a b\n"])
def test_other_secrets_are_taken_literally(text: str, tmp_path: Path) -> None:
    """A password is not expanded, and only the known URIs are followed."""
    env = {"HOME": "/home/ann"}
    assert credential({"user": "ann", "password": text}, env, tmp_path) == {"user": "ann", "password": text}


def test_a_creds_file_is_found_with_windows_line_ends(tmp_path: Path) -> None:
    """Files travel through systems that rewrite line ends."""
    path = tmp_path / "user.creds"
    path.write_bytes(CREDS.replace("\n", "\r\n").encode())
    assert credential({"creds": str(path)}, {}, tmp_path) == {"jwt": JWT, "seed": SEED}


def test_an_nkey_file_may_be_decorated(tmp_path: Path, creds: Path) -> None:
    """As in nats.go, the first user seed in the file counts."""
    assert credential({"nkey": str(creds)}, {}, tmp_path) == {"seed": SEED}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (CREDS.replace(SEED, ""), "seed"),
        (CREDS.replace(JWT, ""), "JWT"),
        (CREDS.replace(SEED, SEED[:-1]), "seed"),
        (CREDS.replace(SEED, "SA" + SEED[2:]), "seed"),
        ("s3cret", "JWT"),
    ],
)
def test_a_creds_file_without_both_parts_is_named_but_not_shown(
    text: str, missing: str, tmp_path: Path
) -> None:
    """The path is enough to find what is wrong; the content is secret."""
    path = tmp_path / "bad.creds"
    path.write_text(text)
    with pytest.raises(InvalidArgument) as caught:
        resolve({"creds": str(path)}, {}, tmp_path)
    assert str(caught.value) == f"no user {missing} in {path}"


def test_an_nkey_file_without_a_seed_is_named_but_not_shown(tmp_path: Path) -> None:
    """Only the seed of a user can log in, not an account's and not a public key."""
    path = tmp_path / "bad.nk"
    for text in ("UABC", "SA" + SEED[2:], f"x {SEED}"):
        path.write_text(text)
        with pytest.raises(InvalidArgument) as caught:
            resolve({"nkey": str(path)}, {}, tmp_path)
        assert str(caught.value) == f"no user seed in {path}"


def test_an_empty_or_binary_file_is_named(tmp_path: Path) -> None:
    """A file that holds no text holds no credential."""
    path = tmp_path / "bad.creds"
    path.write_text("\n")
    with pytest.raises(InvalidArgument, match=f"^nothing in {path}$"):
        resolve({"creds": str(path)}, {}, tmp_path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidArgument, match=f"^not a text file: {path}$"):
        resolve({"creds": str(path)}, {}, tmp_path)


@pytest.mark.parametrize("name", ["creds", "nkey", "token"])
def test_a_file_that_cannot_be_read_is_the_systems_error(name: str, tmp_path: Path) -> None:
    """A local file's trouble is told by the operating system, with its path."""
    missing = tmp_path / "missing"
    with pytest.raises(FileNotFoundError) as caught:
        resolve({name: f"file://{missing}"}, {}, tmp_path)
    assert caught.value.filename == str(missing)
    with pytest.raises(IsADirectoryError):
        resolve({name: f"file://{tmp_path}"}, {}, tmp_path)


def test_a_credential_that_is_no_small_file_is_refused(tmp_path: Path) -> None:
    """It is neither read into memory nor waited for without end."""
    with pytest.raises(InvalidArgument, match=r"^more than 1,048,576 bytes in /dev/zero$"):
        resolve({"creds": "/dev/zero"}, {}, tmp_path)
    with pytest.raises(InvalidArgument, match=r"^nothing in /dev/null$"):
        resolve({"token": "file:///dev/null"}, {}, tmp_path)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(InvalidArgument, match=f"^no process writes to {fifo}$"):
        resolve({"creds": str(fifo)}, {}, tmp_path)


def test_a_credential_may_come_through_a_pipe(tmp_path: Path) -> None:
    """As `--creds <(vault ...)` gives it: in pieces."""
    reader, writer = os.pipe()

    def write() -> None:
        for part in (CREDS[:20], CREDS[20:]):
            os.write(writer, part.encode())
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert credential({"creds": f"/dev/fd/{reader}"}, {}, tmp_path) == {"jwt": JWT, "seed": SEED}
    finally:
        thread.join()
        os.close(reader)


@pytest.mark.parametrize("text", ["\udcff", f"a{chr(0xD800)}b"])
def test_a_secret_that_is_not_utf8_is_refused_by_name(text: str, tmp_path: Path) -> None:
    """The protocol is UTF-8, and JSON and the command line can hold what is none."""
    for flags, env, label in (
        ({"token": text}, {}, "--token"),
        ({"user": "ann", "password": text}, {}, "--password"),
        ({}, {"NATS_TOKEN": text}, "NATS_TOKEN"),
        ({"token": "env://T"}, {"T": text}, r"\$T"),
    ):
        with pytest.raises(InvalidArgument, match=f"^{label} is not UTF-8$"):
            resolve(dict(flags), env, tmp_path)


@pytest.mark.parametrize("path", ["a\x00b", "a\ud800b"])
def test_a_path_that_can_be_none_is_refused(path: str, tmp_path: Path) -> None:
    """A context's JSON can hold anything."""
    write_context(tmp_path, "c", creds=path)
    with pytest.raises(InvalidArgument, match=r"^invalid path: "):
        resolve({"context": "c"}, {}, tmp_path)


def test_an_unset_variable_of_a_uri_is_named(tmp_path: Path) -> None:
    """Unset and empty are the same, and neither is an empty password."""
    for env in ({}, {"T": ""}):
        with pytest.raises(InvalidArgument, match=r"^--token: \$T is not set$"):
            resolve({"token": "env://T"}, env, tmp_path)


@pytest.mark.parametrize("uri", ["data:s3cret", "data:,s3cret", "data:;base64,s3cret!", "data:;base64,/w=="])
def test_a_data_uri_that_is_not_base64_text_is_refused_unseen(uri: str, tmp_path: Path) -> None:
    """natscli writes `data:;base64,`, and nothing else is guessed."""
    with pytest.raises(InvalidArgument, match=r"^--token: not a data:;base64,\.\.\. URI of text$"):
        resolve({"token": uri}, {}, tmp_path)


@pytest.mark.parametrize("name", ["creds", "nkey", "token"])
@pytest.mark.parametrize("scheme", ["nsc", "op"])
def test_uris_of_other_programs_are_refused_by_name(name: str, scheme: str, tmp_path: Path) -> None:
    """`nsc` and `op` are not run for a credential."""
    with pytest.raises(InvalidArgument, match=f"^--{name}: {scheme}:// is not supported$"):
        resolve({name: f"{scheme}://a/b/c"}, {}, tmp_path)
    write_context(tmp_path, "c", **{name: f"{scheme}://a/b/c"})
    with pytest.raises(InvalidArgument, match=f"^{name} of context c: {scheme}:// is not supported$"):
        resolve({"context": "c"}, {}, tmp_path)


@pytest.mark.parametrize("text", [SEED, CREDS, JWT, data(CREDS).partition(",")[2], CREDS.replace("\n", " ")])
@pytest.mark.parametrize("variable", ["NATS_CREDS", "NATS_NKEY"])
def test_a_credential_where_a_path_should_be_is_not_shown(text: str, variable: str, tmp_path: Path) -> None:
    """The error of opening it as a file would print it."""
    with pytest.raises(InvalidArgument, match=f"^{variable} must be a path, not the content of a file$"):
        resolve({}, {variable: text}, tmp_path)


def test_a_seed_that_is_none_is_not_shown(tmp_path: Path) -> None:
    """A wrong NATS_SEED is found before the connection, by its name only."""
    with pytest.raises(InvalidArgument, match=r"^no user seed in NATS_SEED$"):
        resolve({}, {"NATS_SEED": "s3cret"}, tmp_path)
