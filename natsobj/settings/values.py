"""What a value stands for: itself, or what a path, a variable or a URI leads to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from natsobj.errors import InvalidArgument

_URI = re.compile("(?:(file|env|nsc|op)://|(data):)(.*)", re.IGNORECASE | re.DOTALL)
_CONTENT = re.compile(r"[\r\n]|-----BEGIN|LS0tLS1CRUdJT|^\s*eyJ|\bSU[A-Z2-7]{56}\b")
"""What a credential looks like where a path should be: PEM or creds (also in base64), a JWT, a seed."""


def read_value(value: str, label: str, env: Mapping[str, str], *, path: bool) -> tuple[str, str]:
    """What a value stands for (itself, or what a path or a URI leads to), and what to call that."""
    scheme, rest = split_uri(value)
    if not scheme and not path:
        return value, label
    if scheme in ("", "file"):
        file = expand(rest, label, env)
        text, place = read_text(file), str(file)
    elif scheme == "env":
        text, place = _variable(rest, label, env), f"${rest}"
    elif scheme == "data":
        text, place = _inline(rest, label), label
    else:
        raise InvalidArgument(f"{label}: {scheme}:// is not supported")
    if not text.strip():
        raise InvalidArgument(f"nothing in {place}")
    return text.rstrip("\r\n"), place


def split_uri(value: str) -> tuple[str, str]:
    """Give the scheme of a URI that means something here, or an empty one, and the rest."""
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


def read_text(path: Path) -> str:
    """Read a small file of UTF-8."""
    try:
        return path.read_text("utf-8")
    except ValueError:
        raise InvalidArgument(f"not a text file: {path}") from None


def expand(path: str, label: str, env: Mapping[str, str]) -> Path:
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
