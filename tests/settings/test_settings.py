"""Which layer a setting comes from; TLS, subjects and the timeout. No server, no environment."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from natsobj.errors import InvalidArgument
from natsobj.settings import Settings, resolve, xdg_folder


def write_context(home: Path, name: str, **fields: object) -> Path:
    """Store a context as natscli does, below a configuration folder."""
    folder = home / "nats" / "context"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(fields))
    return path


def write_selected_context(home: Path, name: str, **fields: object) -> Path:
    """Store a context and select it; the path is that of the selection."""
    write_context(home, name, **fields)
    selector = home / "nats" / "context.txt"
    selector.write_text(f"{name}\n")
    return selector


@pytest.fixture
def pem(tmp_path: Path) -> dict[str, Path]:
    """Files for the TLS options, one for each layer and use."""
    files = {}
    for name in ("cert", "key", "ca", "cert2", "key2", "ca2"):
        files[name] = tmp_path / f"{name}.pem"
        files[name].write_text(name)
    return files


def test_nothing_given_is_the_default(tmp_path: Path) -> None:
    """Without flags, environment and context the settings are those of the class."""
    assert resolve({}, {}, tmp_path) == Settings()
    assert Settings().servers == ("nats://127.0.0.1:4222",)
    assert Settings().origin == "default"
    assert Settings().timeout == timedelta(seconds=5)
    assert (Settings().api_prefix, Settings().inbox_prefix) == ("$JS.API", "_INBOX")


def test_settings_are_frozen() -> None:
    """A resolved setting cannot be changed by accident."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().user = "eve"  # type: ignore[misc]


def test_repr_hides_every_secret() -> None:
    """No secret stands in the repr, which tracebacks and logs show."""
    settings = Settings(user="ann", password="s3cret-p", token="s3cret-t", jwt="s3cret-j", seed="s3cret-s")
    assert "ann" in repr(settings)
    assert "s3cret" not in repr(settings)


@pytest.mark.unmeasured
def test_importing_the_module_imports_neither_asyncio_nor_ssl_nor_json() -> None:
    """The module is on the start-up path: what takes long to import stays out of it."""
    program = "import sys, natsobj.settings; print({'asyncio', 'ssl', 'json', 'nats'} & sys.modules.keys())"
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout == "set()\n"


def test_a_flag_beats_the_environment_and_the_environment_the_selected_context(tmp_path: Path) -> None:
    """Flags > NATS_* > context, and `origin` says which it was."""
    write_selected_context(tmp_path, "staging", url="nats://context:1")
    from_context = resolve({}, {}, tmp_path)
    from_environment = resolve({}, {"NATS_URL": "nats://env:2"}, tmp_path)
    from_flag = resolve({"server": "nats://flag:3"}, {"NATS_URL": "nats://env:2"}, tmp_path)
    assert (from_context.servers, from_context.origin) == (
        ("nats://context:1",),
        "from context staging (selected)",
    )
    assert (from_environment.servers, from_environment.origin) == (("nats://env:2",), "from NATS_URL")
    assert (from_flag.servers, from_flag.origin) == (("nats://flag:3",), "from --server")


def test_values_come_from_different_layers_one_by_one(tmp_path: Path, pem: dict[str, Path]) -> None:
    """A layer that lacks a value leaves it to the next one."""
    write_selected_context(tmp_path, "c", url="nats://context:1", inbox_prefix="_C", ca=str(pem["ca"]))
    settings = resolve({"js_domain": "hub"}, {"NATS_TIMEOUT": "2s", "NATS_USER": "tok"}, tmp_path)
    assert settings == Settings(
        servers=("nats://context:1",),
        origin="from context c (selected)",
        inbox_prefix="_C",
        tls_ca=pem["ca"],
        api_prefix="$JS.hub.API",
        timeout=timedelta(seconds=2),
        token="tok",
    )


def test_the_context_that_a_flag_names_beats_the_environment(tmp_path: Path) -> None:
    """`--context` is a choice of this moment, NATS_* one of the shell."""
    write_context(tmp_path, "c", url="nats://context:1", user="ann", password="p")
    env = {"NATS_URL": "nats://env:2", "NATS_TOKEN": "tok", "NATS_TIMEOUT": "9s"}
    settings = resolve({"context": "c"}, env, tmp_path)
    assert (settings.servers, settings.user, settings.token) == (("nats://context:1",), "ann", None)
    assert settings.timeout == timedelta(seconds=9)


def test_a_flag_beats_the_context_that_a_flag_names(tmp_path: Path) -> None:
    """Flags are the highest layer, also beside `--context`."""
    write_context(tmp_path, "c", url="nats://context:1", inbox_prefix="_C")
    settings = resolve({"context": "c", "server": "nats://flag:3"}, {}, tmp_path)
    assert (settings.servers, settings.inbox_prefix) == (("nats://flag:3",), "_C")


def test_flags_that_are_none_or_false_were_not_given(tmp_path: Path) -> None:
    """The command line passes all its options, given or not."""
    flags = {"server": None, "context": None, "tlsfirst": False, "timeout": None, "user": None}
    assert resolve(flags, {}, tmp_path) == Settings()


def test_an_empty_flag_is_refused(tmp_path: Path) -> None:
    """`--server "$URL"` with an unset variable must not fall back to another server."""
    with pytest.raises(InvalidArgument, match=r"^--server is empty$"):
        resolve({"server": ""}, {"NATS_URL": "nats://env:2"}, tmp_path)
    with pytest.raises(InvalidArgument, match=r"^--js-domain is empty$"):
        resolve({"js_domain": ""}, {}, tmp_path)


def test_an_empty_variable_is_unset(tmp_path: Path) -> None:
    """CI systems define variables that nobody filled."""
    names = (
        "URL",
        "CONTEXT",
        "CREDS",
        "NKEY",
        "USER",
        "PASSWORD",
        "TOKEN",
        "JWT",
        "SEED",
        "CERT",
        "KEY",
        "CA",
    )
    empty = {f"NATS_{name}": "" for name in (*names, "TIMEOUT")}
    assert resolve({}, empty, tmp_path) == Settings()


def test_tls_options_are_taken_from_every_layer(tmp_path: Path, pem: dict[str, Path]) -> None:
    """Flags, variables and context fields all reach the same settings."""
    cert, key, ca = str(pem["cert"]), str(pem["key"]), str(pem["ca"])
    wanted = (pem["cert"], pem["key"], pem["ca"])
    flags = resolve({"tlscert": cert, "tlskey": key, "tlsca": ca}, {}, tmp_path)
    env = resolve({}, {"NATS_CERT": cert, "NATS_KEY": key, "NATS_CA": ca}, tmp_path)
    write_context(tmp_path, "c", cert=cert, key=key, ca=ca, tls_first=True)
    context = resolve({"context": "c"}, {}, tmp_path)
    assert [(s.tls_cert, s.tls_key, s.tls_ca) for s in (flags, env, context)] == [wanted] * 3
    assert (flags.tls_first, env.tls_first, context.tls_first) == (False, False, True)
    assert resolve({"tlsfirst": True}, {}, tmp_path).tls_first


@pytest.mark.parametrize(
    ("flags", "env", "message"),
    [
        ({"tlscert": "cert.pem"}, {}, "--tlscert needs --tlskey"),
        ({"tlskey": "key.pem"}, {}, "--tlskey needs --tlscert"),
        ({}, {"NATS_CERT": "cert.pem"}, "NATS_CERT needs NATS_KEY"),
        (
            {"tlskey": "key.pem"},
            {"NATS_CERT": "cert.pem", "NATS_KEY": "key.pem"},
            "--tlskey and NATS_CERT are halves of a certificate and its key: set both in the same place",
        ),
        (
            {"tlscert": "cert.pem"},
            {"NATS_KEY": "key.pem"},
            "--tlscert and NATS_KEY are halves of a certificate and its key: set both in the same place",
        ),
    ],
)
def test_a_certificate_or_key_alone_is_refused(
    flags: dict[str, str | bool | None], env: dict[str, str], message: str, tmp_path: Path
) -> None:
    """Certificate and key are a pair of one layer: those of two layers would not fit."""
    with pytest.raises(InvalidArgument, match=f"^{message}$"):
        resolve(flags, env, tmp_path)


def test_a_context_with_half_a_certificate_is_refused_by_its_own_names(tmp_path: Path) -> None:
    """The message names the fields of the context, not our flags."""
    write_context(tmp_path, "c", cert="cert.pem")
    with pytest.raises(InvalidArgument, match=r"^cert of context c needs key of context c$"):
        resolve({"context": "c"}, {}, tmp_path)


def test_the_pair_of_a_higher_layer_replaces_the_pair_but_not_the_ca(
    tmp_path: Path, pem: dict[str, Path]
) -> None:
    """Certificate and key go together, the rest of TLS is value by value."""
    env = {"NATS_CERT": str(pem["cert2"]), "NATS_KEY": str(pem["key2"]), "NATS_CA": str(pem["ca2"])}
    settings = resolve({"tlscert": str(pem["cert"]), "tlskey": str(pem["key"])}, env, tmp_path)
    assert (settings.tls_cert, settings.tls_key, settings.tls_ca) == (pem["cert"], pem["key"], pem["ca2"])


def test_tls_paths_expand_with_the_given_environment(tmp_path: Path, pem: dict[str, Path]) -> None:
    """`~`, `$VAR`, `${VAR}` and file:// work, from the environment that was passed in."""
    env = {"HOME": str(tmp_path), "DIR": str(tmp_path), "EXT": "pem"}
    flags = {"tlscert": "~/cert.pem", "tlskey": "$DIR/key.${EXT}", "tlsca": f"file://{pem['ca']}"}
    settings = resolve(flags, env, tmp_path)
    assert (settings.tls_cert, settings.tls_key, settings.tls_ca) == (pem["cert"], pem["key"], pem["ca"])


def test_windows_has_its_home_in_userprofile(tmp_path: Path, pem: dict[str, Path]) -> None:
    """Where HOME is not set, USERPROFILE says what `~` is."""
    assert resolve({"tlsca": "~/ca.pem"}, {"USERPROFILE": str(tmp_path)}, tmp_path).tls_ca == pem["ca"]


def test_another_users_home_is_not_expanded(tmp_path: Path) -> None:
    """`~name` stays a file name: only the own home is known."""
    with pytest.raises(FileNotFoundError, match=r"~bob/ca\.pem"):
        resolve({"tlsca": "~bob/ca.pem"}, {"HOME": str(tmp_path)}, tmp_path)


def test_a_path_with_an_unset_variable_is_refused(tmp_path: Path) -> None:
    """A path with a hole in it would name another file."""
    with pytest.raises(InvalidArgument, match=r"^--tlsca: \$NOWHERE is not set$"):
        resolve({"tlsca": "$NOWHERE/ca.pem"}, {}, tmp_path)
    with pytest.raises(InvalidArgument, match=r"^NATS_CA: \$HOME is not set$"):
        resolve({}, {"NATS_CA": "~/ca.pem"}, tmp_path)


@pytest.mark.parametrize("path", ["~/ca.pem", "$HOME/ca.pem", "${HOME}/ca.pem"])
def test_a_path_below_a_relative_home_is_refused(
    path: str, tmp_path: Path, pem: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be a file of the current folder, which may be anybody's."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match=r"^--tlsca: \$HOME is not an absolute path$"):
        resolve({"tlsca": path}, {"HOME": "."}, None)


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"XDG_X": "/x", "HOME": "/home/me"}, "/x"),
        ({"HOME": "/home/me"}, "/home/me/.x"),
        ({"XDG_X": "", "HOME": "/home/me"}, "/home/me/.x"),
        ({"XDG_X": "x", "HOME": "/home/me"}, "/home/me/.x"),
        ({"XDG_X": "~/x", "HOME": "/home/me"}, "/home/me/.x"),
        ({"XDG_X": "/x"}, "/x"),
        ({"XDG_X": "/x", "HOME": "me"}, "/x"),
        ({"HOME": "me"}, None),
        ({"HOME": "~"}, None),
        ({"HOME": ""}, None),
        ({"XDG_X": "x"}, None),
        ({}, None),
    ],
)
def test_a_folder_of_the_home_is_absolute_or_none(env: dict[str, str], folder: str | None) -> None:
    """What is relative counts as unset, as the XDG specification asks."""
    assert xdg_folder(env, "XDG_X", ".x") == (None if folder is None else Path(folder))


@pytest.mark.parametrize("kind", ["fifo", "device", "hole"])
def test_a_tls_file_that_is_no_file_of_certificates_is_refused(kind: str, tmp_path: Path) -> None:
    """OpenSSL would wait for it, or read all of it."""
    path = tmp_path / "ca.pem"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
        os.truncate(path, 1 << 30)
    with pytest.raises(
        InvalidArgument, match=f"^(not a regular file|more than 16,777,216 bytes in):? {path}$"
    ):
        resolve({"tlsca": str(path)}, {}, tmp_path)


def test_a_tls_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error is the operating system's and has the path, which OpenSSL's has not."""
    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        resolve({"tlsca": str(tmp_path / "missing.pem")}, {}, tmp_path)


def test_tls_options_must_be_paths(tmp_path: Path) -> None:
    """Certificates cannot come from variables or data, as with natscli; a PEM text is not repeated."""
    with pytest.raises(InvalidArgument, match=r"^--tlsca must be a path, not env:$"):
        resolve({"tlsca": "env://CA"}, {"CA": "x"}, tmp_path)
    text = "-----BEGIN PRIVATE KEY-----\ns3cret\n"
    with pytest.raises(InvalidArgument, match=r"^NATS_CERT must be a path, not the content of a file$"):
        resolve({}, {"NATS_CERT": text, "NATS_KEY": text}, tmp_path)


@pytest.mark.parametrize(
    ("settings", "required"),
    [
        (Settings(), False),
        (Settings(servers=("nats://a:4222", "tls://b:4222")), True),
        (Settings(servers=("wss://a",)), True),
        (Settings(servers=("ws://a",)), False),
        (Settings(tls_ca=Path("ca.pem")), True),
        (Settings(tls_cert=Path("c.pem"), tls_key=Path("k.pem")), True),
        (Settings(tls_first=True), True),
    ],
)
def test_tls_is_required_by_a_url_or_a_tls_option(settings: Settings, required: bool) -> None:
    """Who asks for TLS in any way does not talk to a plain server."""
    assert settings.tls_required is required


def test_tls_options_with_a_plain_websocket_are_refused(tmp_path: Path, pem: dict[str, Path]) -> None:
    """ws:// is never encrypted, whatever the server offers."""
    with pytest.raises(InvalidArgument, match=r"^ws://h cannot be encrypted: TLS needs wss://$"):
        resolve({"server": "ws://h", "tlsca": str(pem["ca"])}, {}, tmp_path)
    assert resolve({"server": "wss://h", "tlsca": str(pem["ca"])}, {}, tmp_path).tls_required


def test_a_domain_becomes_an_api_prefix(tmp_path: Path) -> None:
    """A domain is short for the prefix `$JS.<domain>.API` (ADR-19)."""
    assert resolve({"js_domain": "hub"}, {}, tmp_path).api_prefix == "$JS.hub.API"


def test_an_api_prefix_is_taken_without_its_last_dot(tmp_path: Path) -> None:
    """Some write the prefix with the dot that joins it to the call."""
    assert resolve({"js_api_prefix": "JS.acc.API"}, {}, tmp_path).api_prefix == "JS.acc.API"
    assert resolve({"js_api_prefix": "JS.acc.API."}, {}, tmp_path).api_prefix == "JS.acc.API"


def test_domain_and_api_prefix_contradict_each_other(tmp_path: Path) -> None:
    """Both in one layer cannot be meant."""
    with pytest.raises(InvalidArgument, match=r"^--js-domain and --js-api-prefix contradict each other"):
        resolve({"js_domain": "hub", "js_api_prefix": "JS.acc.API"}, {}, tmp_path)
    write_context(tmp_path, "c", jetstream_domain="hub", jetstream_api_prefix="JS.acc.API")
    with pytest.raises(InvalidArgument, match=r"^jetstream_domain of context c and jetstream_api_prefix of"):
        resolve({"context": "c"}, {}, tmp_path)


def test_a_domain_beats_the_api_prefix_of_a_lower_layer(tmp_path: Path) -> None:
    """The two are one setting, so a flag beats the context whichever it is."""
    write_selected_context(tmp_path, "c", jetstream_api_prefix="JS.acc.API")
    assert resolve({}, {}, tmp_path).api_prefix == "JS.acc.API"
    assert resolve({"js_domain": "hub"}, {}, tmp_path).api_prefix == "$JS.hub.API"


@pytest.mark.parametrize(
    "flags",
    [
        {"js_domain": "a.b"},
        {"js_domain": "a*"},
        {"js_api_prefix": "JS.>"},
        {"js_api_prefix": "JS..API"},
        {"inbox_prefix": "_IN BOX"},
        {"inbox_prefix": "."},
        {"inbox_prefix": "_IN\x00BOX"},
        {"js_api_prefix": "JS.\udcff"},
        {"js_domain": "\x1b"},
    ],
)
def test_a_subject_that_no_server_takes_is_refused(
    flags: dict[str, str | bool | None], tmp_path: Path
) -> None:
    """Wildcards, spaces and empty tokens are found before anything is sent."""
    (name,) = flags
    with pytest.raises(InvalidArgument, match=f"^invalid (domain|subject) in --{name.replace('_', '-')}: "):
        resolve(flags, {}, tmp_path)


def test_the_timeout_takes_durations_and_seconds(tmp_path: Path) -> None:
    """A flag and a variable read the same forms."""
    assert resolve({"timeout": "1m30s"}, {}, tmp_path).timeout == timedelta(seconds=90)
    assert resolve({}, {"NATS_TIMEOUT": "0.5"}, tmp_path).timeout == timedelta(seconds=0.5)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0s",
        "0ns",
        "-5s",
        "-1",
        "soon",
        "nan",
        "NaN",
        "inf",
        "1e3",
        "8d",
        "9999999999",
        "9" * 5000,
        " ",
        "5 s",
    ],
)
def test_a_timeout_must_be_positive_and_bearable(text: str, tmp_path: Path) -> None:
    """No time, less than none and nonsense are refused, and where it was given is named."""
    with pytest.raises(InvalidArgument, match=r"^--timeout"):
        resolve({"timeout": text}, {}, tmp_path)
    with pytest.raises(InvalidArgument, match=r"^NATS_TIMEOUT"):
        resolve({}, {"NATS_TIMEOUT": text}, tmp_path)
