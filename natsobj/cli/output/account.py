"""What is shown of the account, and of the local server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from natsobj.cli.output.detail import detail, limited, yes
from natsobj.cli.output.formats import format_exact_size
from natsobj.cli.output.rendering import Rendering
from natsobj.models import AccountInfo

if TYPE_CHECKING:
    from rich.text import Text

__all__ = [
    "ACCOUNT",
    "ACCOUNT_FIELDS",
    "SERVER_FIELDS",
    "SITE_FIELDS",
    "account_detail",
    "account_json",
    "server_detail",
    "server_json",
    "site_json",
]

ACCOUNT_FIELDS = ("buckets", "size", "storage", "limits", "server", "cluster", "domain")
SERVER_FIELDS = ("running", "pid", "url", "data")
SITE_FIELDS = ("bucket", "url")


def account_json(info: AccountInfo) -> dict[str, object]:
    """Give the account's JSON fields; a limit that is not set is None."""
    return {
        "buckets": info.buckets,
        "size": info.size,
        "storage": dict(info.storage),
        "limits": dict(info.limits),
        "server": info.server,
        "cluster": info.cluster,
        "domain": info.domain,
    }


def account_detail(info: AccountInfo) -> Text:
    """Draw the account's store; `Storage` counts the account's other streams, too."""
    used = {**info.storage, **info.used}
    limits = (
        limited(f"{name} {_account_limit(name, limit)}", used.get(name), limit)
        for name, limit in info.limits.items()
    )
    return detail(
        "object store of the account",
        ("Buckets", f"{info.buckets:,}"),
        ("Size", format_exact_size(info.size)),
        ("Storage", [f"{name} {format_exact_size(size)}" for name, size in info.storage.items()]),
        ("Limits", list(limits)),
        ("Server", info.server),
        ("Cluster", info.cluster),
        ("Domain", info.domain),
    )


def _account_limit(name: str, limit: int | None) -> str:
    if limit is None:
        return "none"
    return format_exact_size(limit) if name in {"file", "memory"} else f"{limit:,}"


ACCOUNT = Rendering(account_json, account_detail)


# The local server


def server_json(*, pid: int | None, url: str | None, data: Path | None) -> dict[str, object]:
    """Give the local server's JSON fields; one without a `pid` does not run."""
    return {
        "running": pid is not None,
        "pid": pid,
        "url": url,
        "data": None if data is None else str(data),
    }


def server_detail(*, pid: int | None, url: str | None, data: Path | None) -> Text:
    """Draw the local server's state; one without a `pid` does not run."""
    return detail(
        "local server",
        ("Running", yes(pid is not None)),
        ("PID", None if pid is None else str(pid)),
        ("URL", url),
        ("Data", None if data is None else str(data)),
    )


def site_json(bucket: str, url: str) -> dict[str, object]:
    """Give the JSON fields of a site that was started."""
    return {"bucket": bucket, "url": url}
