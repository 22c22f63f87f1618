"""How each model is shown: its JSON fields, its row, its name, and what people see of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from natsobj.cli import render
from natsobj.models import AccountInfo, BucketInfo, ObjectInfo

__all__ = ["VIEWS", "View"]


@dataclass(frozen=True, slots=True)
class View:
    """The renderings of one kind of model."""

    fields: Callable[[Any], dict[str, object]]
    detail: Callable[[Any], Any]
    row: Callable[[Any], str] = str
    name: Callable[[Any], str] = str
    table: Callable[..., render.Table[Any]] | None = None


VIEWS: dict[type, View] = {
    ObjectInfo: View(
        render.object_json,
        render.object_detail,
        render.object_row,
        lambda info: str(info.name),
        render.object_table,
    ),
    BucketInfo: View(
        render.bucket_json,
        render.bucket_detail,
        render.bucket_row,
        lambda info: str(info.bucket),
        render.bucket_table,
    ),
    AccountInfo: View(render.account_json, render.account_detail),
}
