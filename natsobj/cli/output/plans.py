"""What would be done: the objects that `-n` shows, and the question before what cannot be undone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING

from natsobj.cli.output.formats import count, escape_tsv
from natsobj.cli.output.objects import OBJECTS
from natsobj.folders.outcomes import Failed
from natsobj.models import ObjectInfo

if TYPE_CHECKING:
    from natsobj.cli.output.printer import Printer
    from natsobj.folders.outcomes import Skipped
    from natsobj.models import BucketInfo

__all__ = ["bucket_question", "one_by_one", "show_plan"]


async def one_by_one(infos: Iterable[ObjectInfo]) -> AsyncGenerator[ObjectInfo, None]:
    """Give what is known already."""
    for info in infos:
        yield info


async def show_plan(
    printer: Printer,
    found: AsyncGenerator[ObjectInfo | Failed | Skipped, None],
    change: str,
    becomes: Callable[[ObjectInfo], ObjectInfo] | None = None,
) -> int:
    """Show which objects would be changed, say `would be deleted: 3 objects`, and give the exit code.

    Args:
        change: what would be done, as `deleted`.
        becomes: makes of an object what it would be, if it would be anything: both names are shown then, and
            with `--json` what it would be.
    """
    number = 0

    async def objects() -> AsyncGenerator[ObjectInfo, None]:
        nonlocal number
        async with aclosing(found):
            async for each in found:
                if isinstance(each, ObjectInfo):
                    number += 1
                    yield becomes(each) if becomes and printer.json else each
                elif isinstance(each, Failed):
                    printer.fail(each.error)

    def line(info: ObjectInfo) -> str:
        new = becomes(info) if becomes else info
        if printer.stdout_is_terminal:
            return f"{info.bucket}/{info.name} -> {new.bucket}/{new.name}"
        return f"{escape_tsv(info.name)}\t{escape_tsv(new.name)}"

    if becomes is None or printer.json:
        await printer.show_all(objects(), OBJECTS)
    else:
        await printer.show_lines(objects(), line)
    printer.report(f"would be {change}: {count(number, 'object')}")
    return printer.status


def bucket_question(what: str, bucket: str, info: BucketInfo | None, warning: str = "") -> str:
    """Ask for the name of a bucket before it is changed for good: `delete bucket b with 3 objects? ...`."""
    objects = count(info.objects, "object") if info and info.objects is not None else "all it keeps"
    return f"{what} bucket {bucket} with {objects}? {warning}Type its name: "
