"""What is shown of checks: the verdicts of `verify`, and what `gc` finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from natsobj.cli.output.formats import (
    count,
    escape_tsv,
    format_duration,
    format_size,
    format_time_left,
    printable,
)
from natsobj.cli.output.rendering import ListRendering
from natsobj.cli.output.table import Column, Layout, Table
from natsobj.models import Orphan, Tombstone, Verdict

__all__ = [
    "FOUND",
    "ORPHAN_FIELDS",
    "TOMBSTONE_FIELDS",
    "VERDICTS",
    "VERDICT_FIELDS",
    "Swept",
    "Tally",
    "found_json",
    "found_name",
    "found_row",
    "found_table",
    "verdict_json",
    "verdict_row",
    "verdict_table",
]

VERDICT_FIELDS = ("bucket", "name", "ok", "problem")
ORPHAN_FIELDS = ("nuid", "chunks", "age", "removed")
TOMBSTONE_FIELDS = ("name", "tombstone", "age", "removed")

_VERDICT_COLUMNS = Layout(
    (Column("Name", least=16, wide="own line"), Column("Problem"), Column("Detail", wide="wrap")), ((2, 24),)
)
_FOUND_COLUMNS = Layout(
    (
        Column("Orphan", least=22, wide="own line"),
        Column("Chunks", right=True, least=len("819,200")),
        Column("Age", right=True, least=len("23 h 59 min")),
    )
)


# What verify says


def verdict_json(verdict: Verdict) -> dict[str, object]:
    """Give a verdict's JSON fields."""
    return {
        "bucket": verdict.bucket,
        "name": verdict.name,
        "ok": verdict.ok,
        "problem": verdict.problem,
    }


def verdict_row(verdict: Verdict) -> str:
    """Write `ok problem name` between tabs; no problem is empty."""
    return f"{_truth(verdict.ok)}\t{verdict.problem or ''}\t{escape_tsv(verdict.name)}"


def verdict_table(verdicts: Iterable[Verdict], *, more_follow: bool = False) -> Table[Verdict]:
    """Draw verdicts with what exactly is wrong."""
    return Table(
        _VERDICT_COLUMNS,
        _verdict_cells,
        verdicts,
        more_follow=more_follow,
        style=lambda verdict: "red" if verdict.broken else "" if verdict.ok else "yellow",
    )


def _verdict_cells(verdict: Verdict) -> Sequence[str]:
    return printable(verdict.name), verdict.problem or "", printable(verdict.detail or "")


VERDICTS = ListRendering(
    "broken objects", verdict_json, verdict_row, verdict_table, lambda verdict: str(verdict.name)
)


@dataclass(slots=True)
class Tally:
    """The verdicts on many objects, counted."""

    objects: int = 0
    size: int = 0
    broken: int = 0
    changed: int = 0

    def add(self, verdict: Verdict) -> None:
        """Count one."""
        self.objects += 1
        self.size += verdict.size
        self.broken += verdict.broken
        self.changed += not verdict.ok and not verdict.broken

    def line(self, what: str, seconds: float, *, quick: bool) -> str:
        """Report all of them: `verified photos  40 objects  1.2 GiB  2 broken  3.4 s`."""
        facts = [count(self.objects, "object"), format_size(self.size)]
        facts += ["content not read"] if quick else []
        facts += [f"{self.broken:,} broken"] if self.broken else []
        facts += [f"{self.changed:,} changed meanwhile"] if self.changed else []
        verb = "checked" if quick else "verified"
        return "  ".join((f"{verb} {printable(what)}", *facts, format_duration(seconds)))


# What gc finds


def found_json(found: Orphan | Tombstone) -> dict[str, object]:
    """Give the JSON fields of an orphan or of a tombstone; ages are seconds."""
    age = found.age.total_seconds()
    if isinstance(found, Orphan):
        return {"nuid": found.nuid, "chunks": found.chunks, "age": age, "removed": found.removed}
    return {"name": found.name, "tombstone": not found.unreadable, "age": age, "removed": found.removed}


def found_row(found: Orphan | Tombstone) -> str:
    """Write `chunks age removed nuid` between tabs; for a record `tombstone` or `unreadable` and its name."""
    what = str(found.chunks) if isinstance(found, Orphan) else _kind(found)
    facts = (what, str(found.age.total_seconds()), _truth(found.removed))
    return "\t".join((*facts, escape_tsv(found_name(found))))


def found_name(found: Orphan | Tombstone) -> str:
    """Name an orphan by its nuid, and a tombstone by its object."""
    return found.nuid if isinstance(found, Orphan) else found.name


def found_table(
    found: Iterable[Orphan | Tombstone], *, more_follow: bool = False
) -> Table[Orphan | Tombstone]:
    """Draw orphans and tombstones."""
    return Table(_FOUND_COLUMNS, _found_cells, found, more_follow=more_follow)


def _found_cells(found: Orphan | Tombstone) -> Sequence[str]:
    name, age = printable(found_name(found)), _age(found.age)
    if isinstance(found, Orphan):
        return name, f"{found.chunks:,}", age
    return f"{name} ({'unreadable' if found.unreadable else 'deleted'})", "", age


def _kind(found: Tombstone) -> str:
    return "unreadable" if found.unreadable else "tombstone"


def _age(age: timedelta) -> str:
    """Write an age as exactly as somebody wants to know it: seconds below an hour, minutes below that."""
    return format_time_left(int(age.total_seconds()))


FOUND = ListRendering("orphans", found_json, found_row, found_table, found_name)


@dataclass(slots=True)
class Swept:
    """What was found, counted."""

    orphans: int = 0
    chunks: int = 0
    tombstones: int = 0
    unreadable: int = 0
    young: int = 0
    left: int = 0
    """Orphans that could not be removed, for the bucket was too busy."""
    dry_run: bool = field(default=False, kw_only=True)

    def add(self, found: Orphan | Tombstone) -> None:
        """Count one."""
        if isinstance(found, Tombstone):
            self.tombstones += not found.unreadable
            self.unreadable += found.unreadable
        elif found.young:
            self.young += 1
        elif found.removed or self.dry_run:
            self.orphans += 1
            self.chunks += found.chunks
        else:
            self.left += 1

    def account(self, bucket: str) -> str:
        """Say what was done before it was ended: `removed 12 orphans at least from photos`."""
        if self.dry_run:
            return f"nothing was removed from {printable(bucket)}"
        found = [count(self.orphans, "orphan")]
        found += self._records()
        return f"removed {' and '.join(found)} at least from {printable(bucket)}"

    def _records(self) -> list[str]:
        kinds = {"tombstone": self.tombstones, "unreadable record": self.unreadable}
        return [count(number, kind) for kind, number in kinds.items() if number]

    def line(self, bucket: str, older_than: timedelta, seconds: float) -> str:
        """Report all: `removed from photos  12 orphans  960 chunks  2 younger than 1 d stay  0.4 s`."""
        facts = []
        if self.orphans:
            facts += [count(self.orphans, "orphan"), count(self.chunks, "chunk")]
        facts += self._records()
        verb = (
            ("would remove from" if self.dry_run else "removed from") if facts else "nothing to remove from"
        )
        facts += [f"{self.left:,} left for another run"] if self.left else []
        facts += [f"{self.young:,} younger than {_age(older_than)}"] if self.young else []
        return "  ".join((f"{verb} {printable(bucket)}", *facts, format_duration(seconds)))


def _truth(value: bool) -> str:
    return "true" if value else "false"
