"""What a value stands for: itself, or what a path, a variable or a URI leads to."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from natsobj.errors import InvalidArgument

__all__ = [
    "check_readable",
    "config_home",
    "expand",
    "looks_secret",
    "read_text",
    "read_value",
    "split_uri",
    "with_home",
    "xdg_folder",
]

_URI = r"(?is)(?:(file|env|nsc|op)://|(data):)(.*)"
_CONTENT = r"""[\r\n]|-----BEGIN|LS0tLS1CRUdJT|^\s*(?:eyJ|\{\s*"|data:)|\bSU[A-Z2-7]{56}\b"""
"""What a credential looks like where a path should be: PEM or creds, also in base64, JSON, a JWT, a seed."""

_MOST = 1024 * 1024
"""Bytes of any file that says how to connect; the longest JWTs have some thousand."""

_WRITER_WITHIN = 2.0
"""Seconds to wait for a process that opens a FIFO for writing."""


def xdg_folder(env: Mapping[str, str], variable: str, default: str) -> Path | None:
    """Name the folder of an `XDG_` variable, else `default` below HOME; None without an absolute one.

    What is relative counts as unset, as the XDG specification asks: the current folder may be anybody's.
    """
    if Path(given := env.get(variable, "")).is_absolute():
        return Path(given)
    home = Path(env.get(_home_variable(env), ""))
    return home / default if home.is_absolute() else None


def config_home(env: Mapping[str, str]) -> Path | None:
    """Name the folder that has natscli's `nats/`."""
    return xdg_folder(env, "XDG_CONFIG_HOME", ".config")


def with_home(env: Mapping[str, str]) -> Mapping[str, str]:
    """Take HOME from the system's list of users where the environment has none."""
    if env.get("HOME") or env.get("USERPROFILE"):
        return env
    try:
        import pwd

        return {**env, "HOME": pwd.getpwuid(os.getuid()).pw_dir}
    except (ImportError, KeyError):  # Windows, or a user that is not listed
        return env


def read_value(value: str, label: str, env: Mapping[str, str], *, path: bool) -> tuple[str, str]:
    """What a value stands for (itself, or what a path or a URI leads to), and what to call that."""
    scheme, rest = split_uri(value)
    if not scheme and not path:
        return _utf8(value, label), label
    if scheme in ("", "file"):
        file = expand(rest, label, env)
        text, place = read_text(file), str(file)
    elif scheme == "env":
        text, place = _utf8(_variable(rest, label, env), f"${rest}"), f"${rest}"
    elif scheme == "data":
        text, place = _inline(rest, label), label
    else:
        raise InvalidArgument(f"{label}: {scheme}:// is not supported")
    if not text.strip():
        raise InvalidArgument(f"nothing in {place}")
    return text.rstrip("\r\n"), place


def split_uri(value: str) -> tuple[str, str]:
    """Return the scheme of a URI that is known here, else an empty one, and the rest."""
    match = re.fullmatch(_URI, value)
    return ((match[1] or match[2]).lower(), match[3]) if match else ("", value)


def looks_secret(text: str) -> bool:
    """Return whether this is a credential, or a file's content, where a path or a name should be."""
    return re.search(_CONTENT, text) is not None


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


def _utf8(text: str, label: str) -> str:
    """Refuse what the bytes of no UTF-8 became, or half a character of JSON: it cannot be sent."""
    try:
        text.encode()
    except UnicodeError:
        raise InvalidArgument(f"{label} is not UTF-8") from None
    return text


# Files


def read_text(path: Path, *, most: int = _MOST, regular: bool = False) -> str:
    """Read a small file of UTF-8.

    Args:
        most: the size in bytes that it may have.
        regular: refuse FIFOs and devices; otherwise a FIFO is read to its end, once somebody writes to it.

    Raises:
        InvalidArgument: it is not a small file of UTF-8.
        OSError: it cannot be read.
    """
    content = b""
    with _opened(path, regular=regular) as descriptor:
        while len(content) <= most and (part := _part(descriptor, path, begun=bool(content))):
            content += part
    if len(content) > most:
        raise InvalidArgument(f"more than {most:,} bytes in {path}")
    try:
        return content.decode()
    except ValueError:
        raise InvalidArgument(f"not a text file: {path}") from None


def check_readable(path: Path, *, most: int) -> None:
    """Look whether a regular file of a bearable size can be read, for one that does not name it if not.

    Raises as `read_text`.
    """
    with _opened(path, regular=True) as descriptor:
        if os.fstat(descriptor).st_size > most:
            raise InvalidArgument(f"more than {most:,} bytes in {path}")


@contextmanager
def _opened(path: Path, *, regular: bool) -> Iterator[int]:
    """Open a file without waiting for a FIFO's other end."""

    def at_once(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    try:
        file = open(path, "rb", buffering=0, opener=at_once)  # noqa: SIM115
    except ValueError:
        raise InvalidArgument(f"invalid path: {path}") from None
    with file:
        if regular and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise InvalidArgument(f"not a regular file: {path}")
        yield file.fileno()


def _part(descriptor: int, path: Path, *, begun: bool) -> bytes:
    """Read some bytes, none at the end of the file; wait for them if a process is about to write."""
    import select

    while True:
        try:
            part = os.read(descriptor, 64 * 1024)
        except BlockingIOError:  # there is a writer, and he takes his time
            select.select([descriptor], [], [])
            continue
        if part or begun or not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return part
        if not select.select([descriptor], [], [], _WRITER_WITHIN)[0]:
            raise InvalidArgument(f"no process writes to {path}")
        begun = True


# Paths


def expand(path: str, label: str, env: Mapping[str, str]) -> Path:
    """Replace `$NAME` and `${NAME}`, and then `~` at the start.

    Refuses a credential in place of a path: the error of opening it would show the credential.
    """
    path = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: _variable(match[1] or match[2], label, env), path)
    if re.match(r"~([/\\]|$)", path):
        path = _variable(_home_variable(env), label, env) + path[1:]
    if looks_secret(path):
        raise InvalidArgument(f"{label} must be a path, not the content of a file")
    return Path(path)


def _home_variable(env: Mapping[str, str]) -> str:
    return "USERPROFILE" if env.get("USERPROFILE") and not env.get("HOME") else "HOME"


def _variable(name: str, label: str, env: Mapping[str, str]) -> str:
    if not env.get(name):
        raise InvalidArgument(f"{label}: ${name} is not set")
    if name == _home_variable(env) and not Path(env[name]).is_absolute():
        raise InvalidArgument(f"{label}: ${name} is not an absolute path")
    return env[name]
