"""Where to connect and as whom: flags, `NATS_*` variables and natscli's contexts become one `Settings`.

Values are taken one by one, each from the highest layer that has it. Three things are taken whole from one
layer, so that nobody gets a mixture: the credential, the certificate with its key, and the URLs with their
user info. No message of this module shows a credential.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from natsobj import arguments
from natsobj.errors import InvalidArgument
from natsobj.settings.contexts import named_context, selected_context
from natsobj.settings.credentials import read_credential
from natsobj.settings.layers import NAMES, Layer, first, refuse_both, refuse_halves
from natsobj.settings.servers import read_servers, without_secrets
from natsobj.settings.values import (
    check_readable,
    config_home,
    expand,
    split_uri,
    with_home,
    xdg_folder,
)
from natsobj.units import parse_duration

__all__ = ["Settings", "config_home", "of_servers", "resolve", "with_home", "xdg_folder"]

_LONGEST_TIMEOUT = timedelta(days=7)
_LARGEST_PEM = 16 * 1024 * 1024
"""Bytes of a TLS file; the authorities of a whole system have some 300,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach a server; secrets are plain text, and left out of the `repr`."""

    servers: tuple[str, ...] = ("nats://127.0.0.1:4222",)
    """`scheme://host:port` without user info; ws and wss may lack the port and have a path."""
    user: str | None = None
    """Always with a `password`: a user without one is a `token`."""
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    """Alone, or beside `jwt` or `seed` (auth callout)."""
    jwt: str | None = field(default=None, repr=False)
    """Always with `seed`."""
    seed: str | None = field(default=None, repr=False)
    """A user's seed; without `jwt` it is an nkey."""
    tls_cert: Path | None = None
    """With `tls_key`, or neither."""
    tls_key: Path | None = None
    tls_ca: Path | None = None
    tls_first: bool = False
    """The TLS handshake comes before the server's INFO."""
    api_prefix: str = "$JS.API"
    inbox_prefix: str = "_INBOX"
    timeout: timedelta = timedelta(seconds=5)
    origin: str = "default"
    """Where `servers` came from, for people: `from NATS_URL`, `from context NAME (selected)`."""

    def __post_init__(self) -> None:
        for name in ("user", "password", "token", "jwt", "seed"):
            arguments.optional_text(getattr(self, name), f"Settings.{name}")
        for name in ("tls_cert", "tls_key", "tls_ca"):
            if getattr(self, name) is not None:
                arguments.instance(getattr(self, name), Path, f"Settings.{name}", "a Path or None")
        for name in ("api_prefix", "inbox_prefix", "origin"):
            arguments.string(getattr(self, name), f"Settings.{name}")
        arguments.flag(self.tls_first, "Settings.tls_first")
        arguments.instance(self.timeout, timedelta, "Settings.timeout", "a timedelta")
        object.__setattr__(self, "servers", arguments.strings(self.servers, "Settings.servers"))
        if not self.servers or self.timeout <= timedelta(0):
            raise InvalidArgument("Settings need a server and a timeout above zero")

    @property
    def tls_required(self) -> bool:
        """Whether a server that does not encrypt must be refused."""
        asked = self.tls_first or bool(self.tls_cert or self.tls_key or self.tls_ca)
        return asked or any(url.startswith(("tls:", "wss:")) for url in self.servers)


def resolve(
    flags: Mapping[str, str | bool | None],
    env: Mapping[str, str],
    home: Path | None,
    *,
    labels: Mapping[str, str] | None = None,
) -> Settings:
    """Merge flags, environment and context: each beats the next, but `--context` beats the environment.

    A flag that is None or False was not given, an empty variable is not set; `home` is the folder that has
    natscli's `nats/`, None if there is none. `labels` say what a flag is called in messages, where that is
    not as on the command line. Reads the context and the files of the credential that is used, and looks
    whether the TLS files can be read.

    Raises `InvalidArgument`, and `OSError` for a file that cannot be read.
    """
    options = {name: "--" + name.replace("_", "-") for name in ("context", *NAMES)} | dict(labels or {})
    return _merged(_layers(flags, options, env, home), env)


def of_servers(servers: str) -> Settings:
    """Return the settings for comma-separated addresses alone, which may contain a credential.

    Raises `InvalidArgument`.
    """
    return _merged([Layer({"server": servers}, {"server": "servers"}, "from the program")], {})


def _merged(layers: Sequence[Layer], env: Mapping[str, str]) -> Settings:
    """Take each setting from the highest layer that has it."""
    source = first(layers, "server")
    servers, in_urls = read_servers(source) if source else (Settings().servers, {})
    credential = read_credential(layers, source, in_urls, env)
    files = _tls_files(layers, env)
    settings = Settings(
        servers=servers,
        user=credential.get("user"),
        password=credential.get("password"),
        token=credential.get("token"),
        jwt=credential.get("jwt"),
        seed=credential.get("seed"),
        tls_cert=files.get("tlscert"),
        tls_key=files.get("tlskey"),
        tls_ca=files.get("tlsca"),
        tls_first=first(layers, "tlsfirst") is not None,
        api_prefix=_api_prefix(layers),
        inbox_prefix=_subject(layers, "inbox_prefix") or Settings().inbox_prefix,
        timeout=_timeout(layers),
        origin=source.origin if source else Settings().origin,
    )
    plain = [url for url in servers if url.startswith("ws:")]
    if plain and settings.tls_required:
        raise InvalidArgument(f"{plain[0]} cannot be encrypted: TLS needs wss://")
    return settings


def _layers(
    flags: Mapping[str, str | bool | None],
    options: Mapping[str, str],
    env: Mapping[str, str],
    home: Path | None,
) -> list[Layer]:
    """Everything that was said, the highest layer first."""
    for name, option in options.items():
        if flags.get(name) == "":
            raise InvalidArgument(f"{option} is empty")
    given = {name: str(flags[name]) for name in options if flags.get(name)}
    command_line = Layer(given, options, f"from {options['server']}")
    variables = {name: variable for name, (variable, _) in NAMES.items() if variable}
    filled = {name: env[var] for name, var in variables.items() if env.get(var)}
    environment = Layer(filled, variables, f"from {variables['server']}")
    if asked := given.get("context"):
        return [command_line, named_context(asked, home, options["context"]), environment]
    if asked := env.get("NATS_CONTEXT"):
        return [command_line, environment, named_context(asked, home, "NATS_CONTEXT")]
    selected = selected_context(home)
    return [command_line, environment, *([selected] if selected else [])]


def _tls_files(layers: Sequence[Layer], env: Mapping[str, str]) -> dict[str, Path]:
    """The CA, and certificate and key of one layer."""
    sources = {"tlsca": first(layers, "tlsca")}
    pair = first(layers, "tlscert", "tlskey")
    for one, other in (("tlscert", "tlskey"), ("tlskey", "tlscert")):
        if pair and other not in pair.values:
            if elsewhere := first(layers, other):
                refuse_halves(pair.labels[one], elsewhere.labels[other], "certificate and its key")
            raise InvalidArgument(f"{pair.labels[one]} needs {pair.labels[other]}")
        sources[one] = pair
    return {name: _readable(layer, name, env) for name, layer in sources.items() if layer}


def _readable(layer: Layer, name: str, env: Mapping[str, str]) -> Path:
    """The path of a file that can be read: OpenSSL's errors do not name it."""
    scheme, rest = split_uri(layer.values[name])
    if scheme not in ("", "file"):
        raise InvalidArgument(f"{layer.labels[name]} must be a path, not {scheme}:")
    path = expand(rest, layer.labels[name], env)
    check_readable(path, most=_LARGEST_PEM)
    return path


def _api_prefix(layers: Sequence[Layer]) -> str:
    """The subject before the JetStream API's calls; a domain is short for one."""
    layer = first(layers, "js_domain", "js_api_prefix")
    if layer is None:
        return Settings().api_prefix
    domain, prefix = _subject([layer], "js_domain"), _subject([layer], "js_api_prefix")
    if domain and prefix:
        refuse_both(layer, "js_domain", "js_api_prefix")
    if domain and "." in domain:
        raise InvalidArgument(f"invalid domain in {layer.labels['js_domain']}: {domain}")
    return f"$JS.{domain}.API" if domain else prefix or Settings().api_prefix


def _subject(layers: Sequence[Layer], name: str) -> str | None:
    """A literal subject, without the dot at its end that some write."""
    layer = first(layers, name)
    if layer is None:
        return None
    subject = layer.values[name].removesuffix(".")
    if not re.fullmatch(r"[^\s.*>]+(\.[^\s.*>]+)*", subject) or not subject.isprintable():
        shown = without_secrets(layer.values[name], layer.values[name])
        raise InvalidArgument(f"invalid subject in {layer.labels[name]}: {shown}")
    return subject


def _timeout(layers: Sequence[Layer]) -> timedelta:
    layer = first(layers, "timeout")
    if layer is None:
        return Settings().timeout
    try:
        timeout = parse_duration(layer.values["timeout"])
    except InvalidArgument as error:
        raise InvalidArgument(f"{layer.labels['timeout']}: {error}") from error
    if not timeout:
        raise InvalidArgument(f"{layer.labels['timeout']} must be more than zero")
    if timeout > _LONGEST_TIMEOUT:
        raise InvalidArgument(f"{layer.labels['timeout']} must be at most {_LONGEST_TIMEOUT.days}d")
    return timeout
