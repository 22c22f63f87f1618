"""Whether the environment asks for the local server: one rule for the command and for fsspec."""

from __future__ import annotations

from collections.abc import Mapping

from natsobj.errors import InvalidArgument

__all__ = ["LOCAL_VARIABLE", "local_by_environment"]

LOCAL_VARIABLE = "NATSOBJ_LOCAL"

_YES = {"1", "true", "yes", "on"}
_NO = {"", "0", "false", "no", "off"}


def local_by_environment(given: Mapping[str, str], env: Mapping[str, str], *, instead: str) -> bool:
    """Return whether NATSOBJ_LOCAL counts; a server or context that is given beats it.

    Args:
        given: the settings of the connection that are given, and how the caller spells each.
        instead: what the caller can give to end a contradiction between two variables.

    Raises:
        InvalidArgument: another server is asked for as well, or the variable is neither 1 nor 0.
    """
    value = env.get(LOCAL_VARIABLE, "").strip().lower()
    if value not in _YES | _NO:
        raise InvalidArgument(f"{LOCAL_VARIABLE} is neither 1 nor 0: {value}")
    if value in _NO or "server" in given or "context" in given:
        return False
    for name, spelled in given.items():
        if name != "timeout":
            raise InvalidArgument(
                f"{LOCAL_VARIABLE} contradicts {spelled}: the local server takes no such option"
            )
    for variable in ("NATS_URL", "NATS_CONTEXT"):
        if env.get(variable):
            raise InvalidArgument(f"{LOCAL_VARIABLE} contradicts {variable}: unset one, or give {instead}")
    return True
