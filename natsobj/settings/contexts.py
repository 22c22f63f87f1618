"""natscli's contexts: which files they are, and what they say."""

from __future__ import annotations

import re
from pathlib import Path

from natsobj.errors import ContextNotFound, InvalidArgument
from natsobj.settings.layers import NAMES, Layer
from natsobj.settings.servers import without_secrets
from natsobj.settings.values import read_text

__all__ = ["context_names", "named_context", "selected_context"]

_UNSUPPORTED_FIELDS = ("nsc", "socks_proxy", "windows_cert_store")
_NO_NAME = r"[/\\\x00-\x1f\x7f]|\.\."
"""What a context's name never has: it must not lead out of the folder."""

_NO_TEXT = r"[\x00-\x08\x0e-\x1f\x7f]"
_LONGEST_SELECTION = 1024
"""Bytes of a context.txt that names a context; file systems allow 255 for a name."""


def named_context(name: str, home: Path | None, by: str) -> Layer:
    """Read the context that was asked for, by name or by the path of a `.json` file.

    Args:
        home: the folder that has natscli's `nats/`, None if there is none.
        by: the option or variable that names it.

    Raises:
        ContextNotFound: there is none of that name.
        InvalidArgument: it is not a context, or needs something that is not supported.
        OSError: it cannot be read.
    """
    path = _file_of(name, home)
    if path is None and name.endswith(".json") and _is_file(name):
        path = Path(name)
    if path is None:
        raise ContextNotFound(without_secrets(name, name), context_names(home), no_home=home is None)
    return _read(name, path, f"from context {name} ({by})")


def selected_context(home: Path | None) -> Layer | None:
    """Read the context that natscli's context.txt selects; None if none is, or the file cannot be read.

    Raises as `named_context`, for the context itself.
    """
    if home is None:
        return None
    selector = home / "nats" / "context.txt"
    try:
        name = read_text(selector, most=_LONGEST_SELECTION, regular=True).strip()
    except (OSError, InvalidArgument):  # it was not asked for
        return None
    if not name or re.search(_NO_TEXT, name):
        return None
    path = _file_of(name, home)
    if path is None:
        raise ContextNotFound(without_secrets(name, name), context_names(home), selector=str(selector))
    return _read(name, path, f"from context {name} (selected)")


def context_names(home: Path | None) -> tuple[str, ...]:
    """Name the contexts that there are, as far as can be told."""
    try:
        files = list((home / "nats" / "context").iterdir()) if home else []
    except OSError:
        files = []
    names = (file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))
    return tuple(sorted(name for name in names if name and not re.search(_NO_NAME, name)))


def _file_of(name: str, home: Path | None) -> Path | None:
    """The file of the context of that name, None if there is none."""
    if home is None or re.search(_NO_NAME, name):
        return None
    path = home / "nats" / "context" / f"{name}.json"
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError:
        if len(path.name) > 255:  # no file system has it, and each says so in its own way
            return None
        raise
    return path


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _read(name: str, path: Path, origin: str) -> Layer:
    record = _json_object(path)
    for refused in _UNSUPPORTED_FIELDS:
        if record.get(refused):
            raise InvalidArgument(f"context {name} asks for {refused}, which is not supported: {path}")
    fields = {setting: own for setting, (_, own) in NAMES.items() if own}
    for setting, own in fields.items():
        kind = bool if setting == "tlsfirst" else str
        if not isinstance(record.get(own), kind | None):
            raise InvalidArgument(f"{own} is not a {'boolean' if kind is bool else 'string'}: {path}")
    values = {setting: str(record[own]) for setting, own in fields.items() if record.get(own)}
    return Layer(values, {setting: f"{own} of context {name}" for setting, own in fields.items()}, origin)


def _json_object(path: Path) -> dict[str, object]:
    import json

    try:
        record = json.loads(read_text(path, regular=True))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"not JSON: {path}: {error}") from error
    if not isinstance(record, dict):
        raise InvalidArgument(f"not a JSON object: {path}")
    return record
