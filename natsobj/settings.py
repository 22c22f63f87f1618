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
from typing import NoReturn

from natsobj.errors import InvalidArgument

__all__ = ["Settings", "parse_duration", "parse_size", "resolve"]


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
    origin: str = "the default"
    """Where `servers` came from, for messages: `--server`, `NATS_URL`, `context NAME`."""

    @property
    def tls_required(self) -> bool:
        """Whether a server that does not encrypt must be refused."""
        asked = self.tls_first or bool(self.tls_cert or self.tls_key or self.tls_ca)
        return asked or any(url.startswith(("tls:", "wss:")) for url in self.servers)


def resolve(flags: Mapping[str, str | bool | None], env: Mapping[str, str], config_home: Path) -> Settings:
    """Merge flags, environment and context: each beats the next, but `--context` beats the environment.

    A flag that is None or False was not given, an empty variable is not set; `config_home` is the folder that
    has natscli's `nats/`. Reads the context and the files of the credential that is used, and looks whether
    the TLS files can be read.

    Raises `InvalidArgument`, and `OSError` for a file that cannot be read.
    """
    layers = _layers(flags, env, config_home / "nats")
    source = _first(layers, "server")
    servers, in_urls = _servers(source) if source else (Settings().servers, {})
    credential = _credential(layers, source, in_urls, env)
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
        tls_first=_first(layers, "tlsfirst") is not None,
        api_prefix=_api_prefix(layers),
        inbox_prefix=_subject(layers, "inbox_prefix") or Settings().inbox_prefix,
        timeout=_timeout(layers),
        origin=source.origin if source else Settings().origin,
    )
    plain = [url for url in servers if url.startswith("ws:")]
    if plain and settings.tls_required:
        raise InvalidArgument(f"{plain[0]} cannot be encrypted: TLS needs wss://")
    return settings


_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}
_NS |= {"m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9, "w": 604800 * 10**9}
_DURATION_PART = re.compile(r"(?=\.?[0-9])([0-9]{0,20})(?:\.([0-9]{0,20}))?([a-zµμ]+)")
_SIZE = re.compile(r"([0-9]{1,20})(?:([KMGT])(?:i?B)?)?", re.IGNORECASE | re.ASCII)
_MOST = 2**63 - 1
"""What a server can store: bytes, or nanoseconds."""


def parse_duration(text: str) -> timedelta:
    """Read a Go duration (`1h30m`), also with `d` and `w`, or a bare number of seconds; never negative.

    Rounds up to whole microseconds, so that nothing but zero becomes zero. Raises `InvalidArgument`.
    """
    rest = text.strip().removeprefix("+")
    if re.fullmatch(r"[0-9]*\.?[0-9]*", rest):
        rest += "s"
    total, parts = 0, 0
    while (part := _DURATION_PART.match(rest)) and part[3] in _NS:
        whole, fraction, unit = part[1] or "0", part[2] or "0", _NS[part[3]]
        total += int(whole) * unit + int(fraction) * unit // 10 ** len(fraction)
        rest, parts = rest[part.end() :], parts + 1
    if rest or not parts or total > _MOST:
        forms = "300ms, 5s, 1h30m, 1.5h, 2d, 1w, or a number of seconds"
        raise InvalidArgument(f"impossible duration: {text or 'an empty one'} (possible: {forms})")
    return timedelta(microseconds=-(-total // 1000))


def parse_size(text: str) -> int:
    """Read a number of bytes, optionally with K, M, G or T and `B` or `iB`, all powers of 1024.

    Raises `InvalidArgument`.
    """
    match = _SIZE.fullmatch(text.strip())
    size = int(match[1]) << 10 * " KMGT".index((match[2] or " ").upper()) if match else -1
    if not 0 <= size <= _MOST:
        forms = "4096, 128K, 10MB, 2GiB, 1T; powers of 1024"
        raise InvalidArgument(f"impossible size: {text or 'an empty one'} (possible: {forms})")
    return size


_NAMES: Mapping[str, tuple[str | None, str | None]] = {
    # the name in `flags`: the variable, the field of a context
    "server": ("NATS_URL", "url"),
    "user": ("NATS_USER", "user"),
    "password": ("NATS_PASSWORD", "password"),
    "token": ("NATS_TOKEN", "token"),
    "creds": ("NATS_CREDS", "creds"),
    "nkey": ("NATS_NKEY", "nkey"),
    "jwt": ("NATS_JWT", "user_jwt"),
    "seed": ("NATS_SEED", "user_seed"),
    "tlscert": ("NATS_CERT", "cert"),
    "tlskey": ("NATS_KEY", "key"),
    "tlsca": ("NATS_CA", "ca"),
    "tlsfirst": (None, "tls_first"),
    "js_domain": (None, "jetstream_domain"),
    "js_api_prefix": (None, "jetstream_api_prefix"),
    "inbox_prefix": (None, "inbox_prefix"),
    "timeout": ("NATS_TIMEOUT", None),
}
_CREDENTIALS = ("user", "password", "token", "creds", "nkey", "jwt", "seed")
_UNSUPPORTED_FIELDS = ("nsc", "socks_proxy", "windows_cert_store")


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one place says, and what each setting is called there."""

    values: Mapping[str, str] = field(repr=False)
    labels: Mapping[str, str]
    context: str | None = None

    @property
    def origin(self) -> str:
        return f"context {self.context}" if self.context else self.labels["server"]


def _first(layers: Sequence[_Layer], *names: str) -> _Layer | None:
    """The highest layer that has one of the names."""
    return next((layer for layer in layers if not layer.values.keys().isdisjoint(names)), None)


def _layers(flags: Mapping[str, str | bool | None], env: Mapping[str, str], folder: Path) -> list[_Layer]:
    """Everything that was said, the highest layer first."""
    options = {name: "--" + name.replace("_", "-") for name in ("context", *_NAMES)}
    for name, option in options.items():
        if flags.get(name) == "":
            raise InvalidArgument(f"{option} is empty")
    command_line = _Layer({name: str(flags[name]) for name in options if flags.get(name)}, options)
    variables = {name: variable for name, (variable, _) in _NAMES.items() if variable}
    environment = _Layer({name: env[var] for name, var in variables.items() if env.get(var)}, variables)
    if asked := command_line.values.get("context"):
        return [command_line, _context(asked, folder), environment]
    if asked := env.get("NATS_CONTEXT"):
        return [command_line, environment, _context(asked, folder)]
    selector = folder / "context.txt"
    try:
        selected = _text(selector).strip()
    except (FileNotFoundError, NotADirectoryError):
        selected = ""
    context = [_context(selected, folder, selector)] if selected else []
    return [command_line, environment, *context]


def _context(name: str, folder: Path, selector: Path | None = None) -> _Layer:
    """Read the context of that name or, where no file selects it, in that `.json` file."""
    path = folder / "context" / f"{name}.json"
    known = not any(part in name for part in ("/", "\\", "..")) and path.exists()
    if selector is None and name.endswith(".json") and Path(name).is_file():
        path, known = Path(name), True
    if not known:
        missing = f"{selector} selects a context that is not there" if selector else "no such context"
        raise InvalidArgument(f"{missing}: {_without_secrets(name, name)}")
    record = _json_object(path)
    for refused in _UNSUPPORTED_FIELDS:
        if record.get(refused):
            raise InvalidArgument(f"context {name} asks for {refused}, which is not supported: {path}")
    fields = {setting: own for setting, (_, own) in _NAMES.items() if own}
    for setting, own in fields.items():
        kind = bool if setting == "tlsfirst" else str
        if not isinstance(record.get(own), kind | None):
            raise InvalidArgument(f"{own} is no {'boolean' if kind is bool else 'string'}: {path}")
    values = {setting: str(record[own]) for setting, own in fields.items() if record.get(own)}
    return _Layer(values, {setting: f"{own} of context {name}" for setting, own in fields.items()}, name)


def _json_object(path: Path) -> dict[str, object]:
    import json

    try:
        record = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"not JSON: {path}: {error}") from error
    if not isinstance(record, dict):
        raise InvalidArgument(f"not a JSON object: {path}")
    return record


_HOST = re.compile(r"[\w.-]+|[0-9a-f]*:[0-9a-f:.]+(?:%.+)?")
"""A name, an IPv4 or an IPv6 address."""


def _servers(layer: _Layer) -> tuple[tuple[str, ...], dict[str, str]]:
    """The URLs of a layer without their user info, and the credential that this is."""
    label, text = layer.labels["server"], layer.values["server"]
    pairs = [_server(url.strip(), text, label) for url in text.split(",") if url.strip()]
    urls = tuple(url for url, _ in pairs)
    if len({url.startswith("ws") for url in urls}) != 1:
        raise InvalidArgument(f"{label} {'mixes WebSocket with other URLs' if urls else 'names no server'}")
    logins = [login for _, login in pairs if login]
    if any(login != logins[0] for login in logins):
        raise InvalidArgument(f"{label} has more than one credential")
    return urls, logins[0] if logins else {}


def _server(url: str, whole: str, label: str) -> tuple[str, dict[str, str]]:
    """Split one URL of a list into its normal form and its credential."""
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        host, port, websocket = parts.hostname or "", parts.port, parts.scheme in ("ws", "wss")
        user, password = (unquote(text or "", errors="strict") for text in (parts.username, parts.password))
        stray = re.search(r"[\s\x00-\x1f\x7f?#\\]", url) or "@" in parts.path or (password and not user)
        known = websocket or parts.scheme in ("nats", "tls")
        if not known or stray or port == 0 or not _HOST.fullmatch(host):
            raise ValueError
    except ValueError:
        form = "not [nats|tls|ws|wss]://HOST[:PORT]"
        raise InvalidArgument(f"impossible URL in {label}: {_without_secrets(url, whole)}: {form}") from None
    place = f"[{host.replace('%25', '%')}]" if ":" in host else host
    place += f":{port or 4222}" if port or not websocket else ""
    place += parts.path.rstrip("/") if websocket else ""
    login = {"token": user} if parts.password is None else {"user": user, "password": password}
    return f"{parts.scheme}://{place}", login if user else {}


def _without_secrets(url: str, whole: str) -> str:
    """The URL as messages may show it; where a comma in a password may have split it, the whole list."""
    doubtful = any("@" in part and "://" not in part for part in whole.split(",")[1:])
    text = whole if doubtful else url
    scheme = re.match("(?:nats|tls|wss?)://|", text, re.IGNORECASE)
    start = scheme.end() if scheme else 0
    return text[:start] + text[start:].rpartition("@")[2]


_URI = re.compile("(?:(file|env|nsc|op)://|(data):)(.*)", re.IGNORECASE | re.DOTALL)
_SEED = re.compile(r"^\s*(SU[A-Z2-7]{56})\s*$", re.MULTILINE)
_JWT = re.compile(r"^\s*([\w-]+\.[\w-]+\.[\w-]+)\s*$", re.MULTILINE | re.ASCII)
_CONTENT = re.compile(r"[\r\n]|-----BEGIN|LS0tLS1CRUdJT|^\s*eyJ|\bSU[A-Z2-7]{56}\b")
"""What a credential looks like where a path should be: PEM or creds (also in base64), a JWT, a seed."""


def _credential(
    layers: Sequence[_Layer], source: _Layer | None, in_urls: dict[str, str], env: Mapping[str, str]
) -> dict[str, str]:
    """The highest layer's credential, whole, as fields of `Settings`.

    The user info of a URL is used with that URL only: it is not sent to a server that another layer names.
    """
    for depth, layer in enumerate(layers):
        given = [name for name in _CREDENTIALS if name in layer.values]
        if layer is source and in_urls:
            if given:
                _refuse_both(layer, "server", given[0])
            return in_urls
        if given:
            _check_one_credential(layer, given, layers[depth + 1 :])
            return _read_credential(layer, given, env)
    return {}


def _check_one_credential(layer: _Layer, given: Sequence[str], lower: Sequence[_Layer]) -> None:
    """Refuse two credentials in one layer, and halves of one."""
    parts = {"password", "seed" if "jwt" in given else "", "token" if "user" not in given else ""}
    ways = [name for name in given if name not in parts]
    if len(ways) > 1:
        _refuse_both(layer, ways[0], ways[1])
    for half, other in (("password", "user"), ("jwt", "seed")):
        if half in given and other not in given:
            raise InvalidArgument(f"{layer.labels[half]} needs {layer.labels[other]}")
    halves = [other for other in lower if "password" in other.values and "user" not in other.values]
    if halves and "user" in given and "password" not in given:
        both = f"{layer.labels['user']} and {halves[0].labels['password']}"
        raise InvalidArgument(f"{both} are halves of a credential: one place must give both")


def _refuse_both(layer: _Layer, one: str, other: str) -> NoReturn:
    both = f"{layer.labels[one]} and {layer.labels[other]}"
    raise InvalidArgument(f"{both} contradict each other: only one of them can be used")


def _read_credential(layer: _Layer, given: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """A layer's credential as fields of `Settings`, with the files and URIs behind it read."""
    fields = {}
    for name in given:
        text, place = _read(layer.values[name], layer.labels[name], env, path=name in ("creds", "nkey"))
        if name == "creds":
            fields["jwt"] = _part(_JWT, text, f"no user JWT in {place}")
        if name in ("creds", "nkey", "seed"):
            fields["seed"] = _part(_SEED, text, f"no user seed in {place}")
        else:
            fields[name] = text
    if "user" in fields and "password" not in fields:
        fields["token"] = fields.pop("user")
    return fields


def _part(pattern: re.Pattern[str], text: str, problem: str) -> str:
    match = pattern.search(text)
    if match is None:
        raise InvalidArgument(problem)
    return match[1]


def _read(value: str, label: str, env: Mapping[str, str], *, path: bool) -> tuple[str, str]:
    """What a value stands for (itself, or what a path or a URI leads to), and what to call that."""
    scheme, rest = _split_uri(value)
    if not scheme and not path:
        return value, label
    if scheme in ("", "file"):
        file = _expand(rest, label, env)
        text, place = _text(file), str(file)
    elif scheme == "env":
        text, place = _variable(rest, label, env), f"${rest}"
    elif scheme == "data":
        text, place = _inline(rest, label), label
    else:
        raise InvalidArgument(f"{label}: {scheme}:// is not supported")
    if not text.strip():
        raise InvalidArgument(f"nothing in {place}")
    return text.rstrip("\r\n"), place


def _split_uri(value: str) -> tuple[str, str]:
    match = _URI.fullmatch(value)
    return ((match[1] or match[2]).lower(), match[3]) if match else ("", value)


def _inline(rest: str, label: str) -> str:
    """The text of a `data:` URI, which must be base64 as natscli writes it."""
    import binascii

    kind, _, body = rest.partition(",")
    try:
        if "base64" not in kind.split(";"):
            raise ValueError
        return binascii.a2b_base64(body, strict_mode=True).decode()
    except ValueError:
        raise InvalidArgument(f"{label}: not a data:;base64,... URI of text") from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except ValueError:
        raise InvalidArgument(f"not a text file: {path}") from None


def _expand(path: str, label: str, env: Mapping[str, str]) -> Path:
    """Replace `$NAME` and `${NAME}`, and then `~` at the start.

    Refuses what is no path but a credential itself: the error of opening it would show it.
    """
    path = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: _variable(match[1] or match[2], label, env), path)
    if re.match(r"~([/\\]|$)", path):
        home = "USERPROFILE" if env.get("USERPROFILE") and not env.get("HOME") else "HOME"
        path = _variable(home, label, env) + path[1:]
    if _CONTENT.search(path):
        raise InvalidArgument(f"{label} must be a path, not the content of a file")
    return Path(path)


def _variable(name: str, label: str, env: Mapping[str, str]) -> str:
    if not env.get(name):
        raise InvalidArgument(f"{label}: ${name} is not set")
    return env[name]


def _tls_files(layers: Sequence[_Layer], env: Mapping[str, str]) -> dict[str, Path]:
    """The CA, and certificate and key of one layer."""
    sources = {"tlsca": _first(layers, "tlsca")}
    pair = _first(layers, "tlscert", "tlskey")
    for one, other in (("tlscert", "tlskey"), ("tlskey", "tlscert")):
        if pair and other not in pair.values:
            raise InvalidArgument(f"{pair.labels[one]} needs {pair.labels[other]}")
        sources[one] = pair
    return {name: _readable(layer, name, env) for name, layer in sources.items() if layer}


def _readable(layer: _Layer, name: str, env: Mapping[str, str]) -> Path:
    """The path of a file that can be read: OpenSSL's errors do not name it."""
    scheme, rest = _split_uri(layer.values[name])
    if scheme not in ("", "file"):
        raise InvalidArgument(f"{layer.labels[name]} must be a path, not {scheme}:")
    path = _expand(rest, layer.labels[name], env)
    with path.open("rb"):
        return path


def _api_prefix(layers: Sequence[_Layer]) -> str:
    """The subject before the JetStream API's calls; a domain is short for one."""
    layer = _first(layers, "js_domain", "js_api_prefix")
    if layer is None:
        return Settings().api_prefix
    domain, prefix = _subject([layer], "js_domain"), _subject([layer], "js_api_prefix")
    if domain and prefix:
        _refuse_both(layer, "js_domain", "js_api_prefix")
    if domain and "." in domain:
        raise InvalidArgument(f"impossible domain in {layer.labels['js_domain']}: {domain}")
    return f"$JS.{domain}.API" if domain else prefix or Settings().api_prefix


def _subject(layers: Sequence[_Layer], name: str) -> str | None:
    """A literal subject, without the dot at its end that some write."""
    layer = _first(layers, name)
    if layer is None:
        return None
    subject = layer.values[name].removesuffix(".")
    if not re.fullmatch(r"[^\s.*>]+(\.[^\s.*>]+)*", subject):
        raise InvalidArgument(f"impossible subject in {layer.labels[name]}: {layer.values[name]}")
    return subject


def _timeout(layers: Sequence[_Layer]) -> timedelta:
    layer = _first(layers, "timeout")
    if layer is None:
        return Settings().timeout
    try:
        timeout = parse_duration(layer.values["timeout"])
    except InvalidArgument as error:
        raise InvalidArgument(f"{layer.labels['timeout']}: {error}") from error
    if not timeout:
        raise InvalidArgument(f"{layer.labels['timeout']} must be more than zero")
    return timeout
