"""Credentials: whole from one layer, read from files and URIs, and never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from natsobj.errors import InvalidArgument
from natsobj.settings.layers import Layer, refuse_both, refuse_halves
from natsobj.settings.values import read_value

_CREDENTIALS = ("user", "password", "token", "creds", "nkey", "jwt", "seed")
_SEED = r"(?m)^\s*(SU[A-Z2-7]{56})\s*$"
_JWT = r"(?ma)^\s*([\w-]+\.[\w-]+\.[\w-]+)\s*$"


def read_credential(
    layers: Sequence[Layer], source: Layer | None, in_urls: dict[str, str], env: Mapping[str, str]
) -> dict[str, str]:
    """The highest layer's credential, whole, as fields of `Settings`.

    The user info of a URL, `in_urls` of `source`, is used with that URL only: it is not sent to a server that
    another layer names.
    """
    for depth, layer in enumerate(layers):
        lower = [_Lower(each, in_urls if each is source else {}) for each in layers[depth + 1 :]]
        given = [name for name in _CREDENTIALS if name in layer.values]
        if layer is source and in_urls:
            if given:
                refuse_both(layer, "server", given[0])
            _check_user_of_url(layer, in_urls, lower)
            return in_urls
        if given:
            _check_ways(layer, given)
            _check_halves(layer, given, lower)
            return _read_credential(layer, given, env)
    return {}


class _Lower:
    """A layer below the one that gives the credential, with what its URLs have of one."""

    def __init__(self, layer: Layer, in_urls: Mapping[str, str]) -> None:
        self.layer = layer
        self.in_urls = in_urls

    def label(self, name: str) -> str | None:
        """Return where it has this half of a credential; None if it has not."""
        names = {name, "token"} if name == "user" else {name}
        if name in self.layer.values:
            return self.layer.labels[name]
        return self.layer.labels["server"] if self.in_urls.keys() & names else None


def _check_ways(layer: Layer, given: Sequence[str]) -> None:
    """Refuse two credentials in one layer."""
    parts = {"password", "seed" if "jwt" in given else "", "token" if "user" not in given else ""}
    ways = [name for name in given if name not in parts]
    if len(ways) > 1:
        refuse_both(layer, ways[0], ways[1])


def _check_halves(layer: Layer, given: Sequence[str], lower: Sequence[_Lower]) -> None:
    """Refuse half a credential, and say where its other half is, which belongs to another server perhaps.

    A user alone is a token, and a seed alone an nkey: those are halves only beside what looks like the other.
    """
    for half, other in (("password", "user"), ("jwt", "seed"), ("user", "password"), ("seed", "jwt")):
        if half not in given or other in given:
            continue
        labels = (each.label(other) for each in lower if half != "seed" or not each.label("seed"))
        if below := next(filter(None, labels), None):
            refuse_halves(layer.labels[half], below, "credential")
        if half in ("password", "jwt"):
            raise InvalidArgument(f"{layer.labels[half]} needs {layer.labels[other]}")


def _check_user_of_url(layer: Layer, in_urls: Mapping[str, str], lower: Sequence[_Lower]) -> None:
    """Refuse the user of a URL whose password stands elsewhere, alone."""
    for each in lower if "token" in in_urls else ():
        if (password := each.label("password")) and not each.label("user"):
            refuse_halves(layer.labels["server"], password, "credential")


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


def _part(pattern: str, text: str, problem: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise InvalidArgument(problem)
    return match[1]
