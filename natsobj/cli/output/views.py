"""How each model is shown: its JSON fields, its row, its name, and what people see of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from natsobj.cli.output import checks, levels
from natsobj.cli.output import objects as render
from natsobj.cli.output.sorting import MOST_SORTED
from natsobj.cli.output.table import Total
from natsobj.models import AccountInfo, BucketInfo, ObjectInfo

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["BUCKET", "FOUND", "LEVEL", "OBJECT", "VERDICT", "VIEWS", "ListView", "Listing", "View"]


@dataclass(frozen=True, slots=True)
class View:
    """The renderings of one kind of model."""

    fields: Callable[[Any], dict[str, object]]
    detail: Callable[[Any], Text]


@dataclass(frozen=True, slots=True)
class ListView(View):
    """The renderings of a kind that comes in lists."""

    row: Callable[[Any], str]
    name: Callable[[Any], str]
    table: Callable[..., render.Table[Any]]
    plural: str
    total: Callable[[], Total[Any]]
    lean: Callable[[Any], Any] = lambda model: model
    """What is needed of it for a table."""
    first: int = MOST_SORTED
    """Rows that decide how wide the columns of a table are."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The renderings of a kind that comes in lists only."""

    fields: Callable[[Any], dict[str, object]]
    row: Callable[[Any], str]
    name: Callable[[Any], str]
    table: Callable[..., render.Table[Any]]
    plural: str
    total: Callable[[], Total[Any] | None] = lambda: None
    lean: Callable[[Any], Any] = lambda model: model
    first: int = 500


OBJECT = ListView(
    render.object_json,
    render.object_detail,
    render.object_row,
    lambda info: str(info.name),
    render.object_table,
    "objects",
    lambda: Total("object", lambda info: info.size, lambda info: info.deleted),
    lambda info: replace(info, description=None, headers={}, metadata={}, digest=None, nuid=None),
)
BUCKET = ListView(
    render.bucket_json,
    render.bucket_detail,
    render.bucket_row,
    lambda info: str(info.bucket),
    render.bucket_table,
    "buckets",
    lambda: Total("bucket", lambda info: info.size),
)
VERDICT = Listing(
    checks.verdict_json,
    checks.verdict_row,
    lambda verdict: str(verdict.name),
    checks.verdict_table,
    "broken objects",
)
FOUND = Listing(checks.found_json, checks.found_row, checks.found_name, checks.found_table, "orphans")
LEVEL = Listing(
    levels.level_json,
    levels.level_row,
    lambda entry: str(entry.name),
    levels.level_table,
    "objects",
    lambda: levels.LevelTotal("object", lambda entry: entry.size),
    first=MOST_SORTED,
)
ACCOUNT = View(render.account_json, render.account_detail)

VIEWS: dict[type, View] = {ObjectInfo: OBJECT, BucketInfo: BUCKET, AccountInfo: ACCOUNT}
