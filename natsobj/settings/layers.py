"""What flags, variables and a context say, each as one layer, and what every setting is called there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from natsobj.errors import InvalidArgument

NAMES: Mapping[str, tuple[str | None, str | None]] = {
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


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says, and what each setting is called there."""

    values: Mapping[str, str] = field(repr=False)
    labels: Mapping[str, str]
    origin: str
    """Where its server came from, in words for people."""


def first(layers: Sequence[Layer], *names: str) -> Layer | None:
    """The highest layer that has one of the names."""
    return next((layer for layer in layers if not layer.values.keys().isdisjoint(names)), None)


def refuse_both(layer: Layer, one: str, other: str) -> NoReturn:
    """Refuse two settings of a layer that cannot both be meant."""
    both = f"{layer.labels[one]} and {layer.labels[other]}"
    raise InvalidArgument(f"{both} contradict each other: only one of them can be used")


def refuse_halves(one: str, other: str, whole: str) -> NoReturn:
    """Refuse two settings of different layers that belong together."""
    raise InvalidArgument(f"{one} and {other} are halves of a {whole}: set both in the same place")
