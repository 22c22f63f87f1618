"""A bucket as a read-only web site: `natsobj serve`, by the extra `natsobj[serve]`.

It needs starlette and uvicorn, which come with that extra only.
"""

from __future__ import annotations

from natsobj.errors import InvalidArgument

__all__ = ["check_installed"]


def check_installed() -> None:
    """Check that the extra is installed.

    Raises:
        InvalidArgument: it is not.
    """
    try:
        import starlette.requests  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as e:
        raise InvalidArgument("serving a bucket needs an extra: pip install 'natsobj[serve]'") from e
