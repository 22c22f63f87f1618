"""A folder as a page: HTML without scripts, in which every name is plain text."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from natsobj.models import Folder
from natsobj.serve.addresses import Mark, Order, folder_address, key_address, page_address
from natsobj.serve.window import Row, Window

__all__ = ["PAGE_HEADERS", "Words", "folder_page"]

_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --soft: #5b6570; --line: #d8dee4; --back: #fff;
  --hover: #f3f6f9; --link: #0757b3; --warn: #8a3b00 }
@media (prefers-color-scheme: dark) { :root { --text: #e3e8ee; --soft: #98a4b1; --line: #303841;
  --back: #14181d; --hover: #1c2229; --link: #7db8ff; --warn: #f0a860 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; background: var(--back); color: var(--text);
  font: 0.95rem/1.45 system-ui, sans-serif }
a { color: var(--link); text-decoration: none } a:hover, a:focus { text-decoration: underline }
h1 { font-size: 1.15rem; margin: 0 0 1rem; font-weight: 600; overflow-wrap: anywhere; white-space: pre-wrap }
h1 span { color: var(--soft); font-weight: 400 }
table { width: 100%; border-collapse: collapse }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line) }
th a { color: inherit }
th, td { padding: 0.35rem 0.6rem; white-space: nowrap; vertical-align: top }
td { border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums }
tbody tr:hover { background: var(--hover) }
.name { width: 99%; white-space: pre-wrap; overflow-wrap: anywhere; min-width: 12rem }
.folder { font-weight: 600 } .soft, .digest { color: var(--soft) }
.number { text-align: right } .digest { font-family: ui-monospace, monospace; font-size: 0.9em }
p { color: var(--soft) } .warn { color: var(--warn); overflow-wrap: anywhere }
@media (max-width: 44rem) { body { padding: 0.9rem } table, thead, tbody { display: block }
  tr { display: flex; flex-wrap: wrap; gap: 0 0.9rem; padding: 0.45rem 0;
    border-bottom: 1px solid var(--line) }
  th, td { padding: 0; border: 0 } td:empty { display: none } thead .plain { display: none }
  td.name { width: 100%; font-size: 1.02rem } th.name { width: auto; min-width: 0 }
  td:not(.name) { color: var(--soft); font-size: 0.88rem } }
"""
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
"""Nothing is loaded, nothing runs, and no other page can show this one in a frame."""


@dataclass(frozen=True, slots=True)
class Words:
    """How sizes, names and numbers are written for readers."""

    size: Callable[[int], str]
    shown: Callable[[str], str]
    """Escapes characters that are invisible or would rearrange the text around them."""
    count: Callable[[int, str], str]


def folder_page(bucket: str, window: Window, words: Words) -> bytes:
    """Write the page of a folder."""
    return "\n".join(_lines(bucket, window, words)).encode("utf-8", "replace")


def _lines(bucket: str, window: Window, words: Words) -> Iterator[str]:
    entries, more = window.entries()
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">'
    yield f"<title>{_text(bucket + '/' + window.prefix, words)}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{_way(bucket, window.prefix, words)}</h1>"
    if entries:
        yield f"<table><thead><tr>{''.join(_heads(window))}</tr></thead><tbody>"
        for entry in entries:
            yield _folder(entry, window, words) if isinstance(entry, Folder) else _row(entry, window, words)
        yield "</tbody></table>"
    yield f"<p>{words.count(window.objects, 'object')}, {words.size(window.bytes)}{_next(window, more)}</p>"
    if window.unreadables:
        yield f'<p class="warn">{words.count(window.unreadables, "record")} of the bucket cannot be read:</p>'
        for text in window.unreadable:
            yield f'<p class="warn">{_text(text, words)}</p>'
        if window.unreadables > len(window.unreadable):
            yield '<p class="warn">…</p>'
    yield "</body></html>"


def _next(window: Window, more: Mark | None) -> str:
    if more is None:
        return ""
    address = page_address(window.prefix, window.order, reverse=window.reverse, after=more)
    return f' · <a rel="next" href="{escape(address)}">more</a>'


def _way(bucket: str, prefix: str, words: Words) -> str:
    """Link the bucket and each folder on the way here."""
    parts = [f'<a href="/">{escape(bucket)}</a>']
    folders = prefix.split("/")[:-1]
    for number, name in enumerate(folders, 1):
        above = "/".join(folders[:number]) + "/"
        parts.append(f'<a href="{escape(folder_address(above))}"><bdi>{_text(name, words) or "·"}</bdi></a>')
    return "<span> / </span>".join(parts)


_HEADS: tuple[tuple[str, Order | None, str], ...] = (
    ("Name", "name", "name"),
    ("Size", "size", "number"),
    ("Chunks", None, "number plain"),
    ("Digest", None, "plain"),
    ("Modified (UTC)", "time", ""),
)


def _heads(window: Window) -> Iterator[str]:
    for title, order, kind in _HEADS:
        if order is None:
            yield f'<th class="{kind}">{title}</th>'
            continue
        sorted_by = order == window.order
        reverse = not window.reverse if sorted_by else order != "name"
        state = f' aria-sort="{"descending" if window.reverse else "ascending"}"' if sorted_by else ""
        arrow = (" ▾" if window.reverse else " ▴") if sorted_by else ""
        address = escape(page_address(window.prefix, order, reverse=reverse))
        yield f'<th class="{kind}"{state}><a href="{address}">{title}{arrow}</a></th>'


def _folder(folder: Folder, window: Window, words: Words) -> str:
    name, address = _text(folder.name[len(window.prefix) :], words), escape(folder_address(folder.name))
    return (
        f'<tr><td class="name folder"><a href="{address}"><bdi>{name}</bdi></a></td>'
        f'<td class="number">{words.size(folder.size)}</td>'
        f'<td class="number">{words.count(folder.objects, "object")}</td><td></td>'
        f"<td>{_time(folder.modified)}</td></tr>"
    )


def _row(row: Row, window: Window, words: Words) -> str:
    name = _text(row.name[len(window.prefix) :] or row.name, words)
    target = "" if row.link is None else f' <span class="soft">→ <bdi>{_text(row.link, words)}</bdi></span>'
    digest = "" if row.sha256 is None else f'<span title="{row.sha256}">{row.sha256[:12]}</span>'
    chunks = "" if row.link is not None else words.count(row.chunks, "chunk")
    size = "" if row.link is not None else f'<span title="{row.size:,} bytes">{words.size(row.size)}</span>'
    return (
        f'<tr><td class="name"><a href="{escape(key_address(row.name))}"><bdi>{name}</bdi></a>{target}</td>'
        f'<td class="number">{size}</td><td class="number">{chunks}</td>'
        f'<td class="digest">{digest}</td><td>{_time(row.modified)}</td></tr>'
    )


def _time(time: datetime) -> str:
    utc = time.astimezone(UTC).replace(tzinfo=None)
    return f'<time datetime="{utc.isoformat()}Z">{utc.isoformat(" ", "seconds")}</time>'


def _text(text: str, words: Words) -> str:
    return escape(words.shown(text))
