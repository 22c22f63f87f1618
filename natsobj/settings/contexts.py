"""natscli's contexts: which files they are, and what they say."""

from __future__ import annotations

from pathlib import Path

from natsobj.errors import InvalidArgument
from natsobj.settings.layers import NAMES, Layer
from natsobj.settings.servers import without_secrets
from natsobj.settings.values import read_text

_UNSUPPORTED_FIELDS = ("nsc", "socks_proxy", "windows_cert_store")


def read_context(name: str, folder: Path, selector: Path | None = None) -> Layer:
    """Read the context of that name or, where no file selects it, in that `.json` file."""
    path = folder / "context" / f"{name}.json"
    known = not any(part in name for part in ("/", "\\", "..")) and path.exists()
    if selector is None and name.endswith(".json") and Path(name).is_file():
        path, known = Path(name), True
    if not known:
        missing = f"{selector} selects a context that is not there" if selector else "no such context"
        raise InvalidArgument(f"{missing}: {without_secrets(name, name)}")
    record = _json_object(path)
    for refused in _UNSUPPORTED_FIELDS:
        if record.get(refused):
            raise InvalidArgument(f"context {name} asks for {refused}, which is not supported: {path}")
    fields = {setting: own for setting, (_, own) in NAMES.items() if own}
    for setting, own in fields.items():
        kind = bool if setting == "tlsfirst" else str
        if not isinstance(record.get(own), kind | None):
            raise InvalidArgument(f"{own} is no {'boolean' if kind is bool else 'string'}: {path}")
    values = {setting: str(record[own]) for setting, own in fields.items() if record.get(own)}
    return Layer(values, {setting: f"{own} of context {name}" for setting, own in fields.items()}, name)


def _json_object(path: Path) -> dict[str, object]:
    import json

    try:
        record = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"not JSON: {path}: {error}") from error
    if not isinstance(record, dict):
        raise InvalidArgument(f"not a JSON object: {path}")
    return record
