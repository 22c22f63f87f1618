"""What a browser is told about an object: its type, and what it may do there.

Objects may come from anybody. Their pages and pictures are shown, and their scripts run, but in an origin of
their own (`sandbox`): they cannot read the lists or the other objects of this site.
"""

from __future__ import annotations

import mimetypes
import re
from base64 import b64encode
from urllib.parse import quote

from natsobj.models import ObjectInfo
from natsobj.serve.conditions import entity_tag, http_date

__all__ = ["content_type", "object_headers"]

_GIVEN = re.compile(
    r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*(?:; *[a-z0-9-]+=[\w.:+-]+)*",
    re.ASCII | re.IGNORECASE,
)
_INERT = re.compile(
    r"image/(?!svg)[a-z0-9.+-]+(?<!\+xml)|(?:audio|video)/[a-z0-9.+-]+(?<!\+xml)|text/plain|application/pdf"
)
"""Types that never run scripts; some browsers do not show them at all in a sandbox.

Some browsers treat every type that ends in `+xml` as a document, so those are not among them.
"""

_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_UNKNOWN = "application/octet-stream"

_SANDBOX = "sandbox allow-scripts allow-forms allow-modals allow-popups allow-downloads"


def content_type(name: str, info: ObjectInfo) -> str:
    """Return the type of an object: the `Content-Type` of its record, or else the one that its name suggests.

    A compressed file has the type of its compression, also `.tar.gz`: as a `Content-Encoding` it would be
    unpacked by the browser.
    """
    for header, values in info.headers.items():
        if header.lower() == "content-type" and values and _GIVEN.fullmatch(values[0]):
            return values[0]
    ending = name.rpartition("/")[2].rpartition(".")
    kind, packed = mimetypes.guess_type(f"file.{ending[2]}" if ending[1] else "file")
    if packed:
        return _PACKED.get(packed, _UNKNOWN)
    if kind is None:
        return _UNKNOWN
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def object_headers(name: str, info: ObjectInfo, *, attach_name: bool) -> dict[str, str]:
    """Return the headers of an object, whole or in part.

    Args:
        name: the key that was asked for.
        attach_name: suggest a file name, because the address has none.
    """
    kind = content_type(name, info)
    headers = {
        "content-type": kind,
        "etag": entity_tag(info),
        "last-modified": http_date(info.modified),
        "accept-ranges": "bytes",
        "cache-control": "no-cache",
    }
    if info.sha256 is not None:
        headers["repr-digest"] = f"sha-256=:{b64encode(bytes.fromhex(info.sha256)).decode()}:"
    if not _INERT.fullmatch(kind.partition(";")[0].strip().lower()):
        headers["content-security-policy"] = _SANDBOX
    if attach_name:
        last = name.rstrip("/").rpartition("/")[2].encode("utf-8", "replace")
        headers["content-disposition"] = f"inline; filename*=UTF-8''{quote(last, safe='')}"
    return headers
