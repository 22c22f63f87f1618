"""A bucket as a read-only web site: `natsobj serve`, by the extra `natsobj[serve]`.

It needs starlette and uvicorn, which only who uses it has to install.
"""

from __future__ import annotations

from natsobj.errors import InvalidArgument

__all__ = ["check_installed"]


def check_installed() -> None:
    """See that what it needs is there.

    Raises:
        InvalidArgument: it is not.
    """
    try:
        import starlette.requests  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as e:
        raise InvalidArgument("serving a bucket needs an extra: pip install 'natsobj[serve]'") from e
