"""Credentials: whole from one layer, read from files and URIs, and never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from natsobj.errors import InvalidArgument
from natsobj.settings.layers import Layer, refuse_both
from natsobj.settings.values import read_value

_CREDENTIALS = ("user", "password", "token", "creds", "nkey", "jwt", "seed")
_SEED = re.compile(r"^\s*(SU[A-Z2-7]{56})\s*$", re.MULTILINE)
_JWT = re.compile(r"^\s*([\w-]+\.[\w-]+\.[\w-]+)\s*$", re.MULTILINE | re.ASCII)


def read_credential(
    layers: Sequence[Layer], source: Layer | None, in_urls: dict[str, str], env: Mapping[str, str]
) -> dict[str, str]:
    """The highest layer's credential, whole, as fields of `Settings`.

    The user info of a URL is used with that URL only: it is not sent to a server that another layer names.
    """
    for depth, layer in enumerate(layers):
        given = [name for name in _CREDENTIALS if name in layer.values]
        if layer is source and in_urls:
            if given:
                refuse_both(layer, "server", given[0])
            return in_urls
        if given:
            _check_one_credential(layer, given, layers[depth + 1 :])
            return _read_credential(layer, given, env)
    return {}


def _check_one_credential(layer: Layer, given: Sequence[str], lower: Sequence[Layer]) -> None:
    """Refuse two credentials in one layer, and halves of one."""
    parts = {"password", "seed" if "jwt" in given else "", "token" if "user" not in given else ""}
    ways = [name for name in given if name not in parts]
    if len(ways) > 1:
        refuse_both(layer, ways[0], ways[1])
    for half, other in (("password", "user"), ("jwt", "seed")):
        if half in given and other not in given:
            raise InvalidArgument(f"{layer.labels[half]} needs {layer.labels[other]}")
    halves = [other for other in lower if "password" in other.values and "user" not in other.values]
    if halves and "user" in given and "password" not in given:
        both = f"{layer.labels['user']} and {halves[0].labels['password']}"
        raise InvalidArgument(f"{both} are halves of a credential: one place must give both")


def _read_credential(layer: Layer, given: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """A layer's credential as fields of `Settings`, with the files and URIs behind it read."""
    fields = {}
    for name in given:
        text, place = read_value(layer.values[name], layer.labels[name], env, path=name in ("creds", "nkey"))
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
