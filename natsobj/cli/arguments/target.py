"""Which server a command talks to: flags, environment, a context, or the local server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from natsobj.errors import InvalidArgument

if TYPE_CHECKING:
    from pathlib import Path

    from natsobj.settings import Settings

__all__ = [
    "CONNECTION",
    "config_home",
    "local_home",
    "local_wanted",
    "remote",
    "timeout_of",
    "uploads_folder",
]

CONNECTION = (
    "server",
    "context",
    "creds",
    "nkey",
    "user",
    "password",
    "token",
    "tlscert",
    "tlskey",
    "tlsca",
    "tlsfirst",
    "js_domain",
    "js_api_prefix",
    "inbox_prefix",
    "timeout",
)
"""The parameters of the command line that say how to connect."""


def local_wanted(params: Mapping[str, Any], env: Mapping[str, str]) -> bool:
    """Say whether the local server was asked for: the option beats the environment, `--server` the variable.

    Raises:
        InvalidArgument: another server is asked for in the same place, or the variable means nothing.
    """
    from natsobj.settings.local import local_by_environment

    given = {
        name: "--" + name.replace("_", "-")
        for name in CONNECTION
        if name != "timeout" and params.get(name) not in (None, False)
    }
    if params.get("local"):
        if given:
            raise InvalidArgument(f"contradicting options: --local and {next(iter(given.values()))}")
        return True
    return local_by_environment(given, env, instead="--local or --server")


def timeout_of(params: Mapping[str, Any], env: Mapping[str, str]) -> timedelta:
    """Give the timeout where nothing else of the connection's settings matters."""
    from natsobj.settings import resolve

    variables = {name: value for name, value in env.items() if name == "NATS_TIMEOUT"}
    return resolve({"timeout": params.get("timeout")}, variables, None).timeout


def remote(params: Mapping[str, Any], env: Mapping[str, str]) -> Settings:
    """Resolve the settings for a server that is not the local one."""
    from natsobj.settings import resolve, with_home

    return resolve({name: params.get(name) for name in CONNECTION}, with_home(env), config_home(env))


def config_home(env: Mapping[str, str]) -> Path | None:
    """Name the folder that has natscli's `nats/`."""
    from natsobj import settings

    return settings.config_home(settings.with_home(env))


def local_home(env: Mapping[str, str]) -> Path:
    """Name the folder of the local server.

    Raises:
        LocalServerError: there is none.
    """
    from natsobj import local_server
    from natsobj.settings import with_home

    return local_server.data_home(with_home(env))


def uploads_folder(env: Mapping[str, str]) -> Path:
    """Return the folder for the state of uploads that can be resumed.

    Raises:
        InvalidArgument: there is none.
    """
    from natsobj.settings import with_home, xdg_folder

    folder = xdg_folder(with_home(env), "XDG_STATE_HOME", ".local/state")
    if folder is None:
        raise InvalidArgument(
            "no place for the state of uploads: neither XDG_STATE_HOME nor HOME is an absolute path"
        )
    return folder / "natsobj" / "uploads"
