"""A bucket as its stream: the noun that every verb takes.

`stream` has it, `record` a key's record as it is read, `lookup` where that lies, `listing` every record once.
"""

from __future__ import annotations

from natsobj.stream.record import Found, Record
from natsobj.stream.stream import BucketStream

__all__ = ["BucketStream", "Found", "Record"]
