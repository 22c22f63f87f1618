"""Files of any size in NATS JetStream Object Store buckets: the library behind the `natsobj` command.

    async with natsobj.connect("nats://127.0.0.1:4222") as store:
        bucket = await store.create_bucket(natsobj.BucketConfig("artifacts"))
        with open("app.tar", "rb") as file:
            info = await bucket.put("build/app.tar", file)

`natsobj.blocking` has the same without `await`. Everything is imported on first use, so that `import natsobj`
alone costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "natsobj.errors": (
        "AuthenticationFailed",
        "AuthorizationError",
        "BucketExists",
        "BucketFull",
        "BucketNotFound",
        "BucketReadOnly",
        "BucketSealed",
        "CertificateError",
        "ChunksLost",
        "ChunksMissing",
        "ConfigRefused",
        "ContentBroken",
        "ContentMismatch",
        "ContextNotFound",
        "DigestMismatch",
        "FileExists",
        "InvalidArgument",
        "InvalidBucketName",
        "InvalidKey",
        "InvalidMetadata",
        "JetStreamUnavailable",
        "LinkError",
        "LinkRefused",
        "LocalServerError",
        "MalformedAnswer",
        "NatsobjError",
        "ObjectChanged",
        "ObjectExists",
        "ObjectNotFound",
        "ObjectTooLarge",
        "OutcomeUnknown",
        "PermissionDenied",
        "RefusedError",
        "RequestTimeout",
        "RevisionMismatch",
        "ServerError",
        "ServerUnavailable",
        "SizeMismatch",
        "SourceChanged",
        "SubjectTaken",
        "TemporaryError",
        "TransferUnderWay",
        "UnsuitableStream",
        "UnsupportedServer",
    ),
    "natsobj.models": (
        "AccountInfo",
        "BucketConfig",
        "BucketInfo",
        "Change",
        "Cluster",
        "Link",
        "ObjectInfo",
        "ObjectMeta",
        "Orphan",
        "Placement",
        "Problem",
        "Replica",
        "Storage",
        "Tombstone",
        "Verdict",
    ),
    "natsobj.files": ("Sink", "Source"),
    "natsobj.files.given": ("Data", "Target"),
    "natsobj.settings": ("Settings",),
    "natsobj.bucket": ("Bucket",),
    "natsobj.reader": ("ObjectReader",),
    "natsobj.store": ("Store", "connect"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", "blocking", *sorted(_HOME)]  # noqa: PLE0604  # every name is a string

if TYPE_CHECKING:
    from natsobj import blocking as blocking
    from natsobj.bucket import Bucket as Bucket
    from natsobj.errors import *  # noqa: F403
    from natsobj.files import Sink as Sink
    from natsobj.files import Source as Source
    from natsobj.files.given import Data as Data
    from natsobj.files.given import Target as Target
    from natsobj.models import *  # noqa: F403
    from natsobj.reader import ObjectReader as ObjectReader
    from natsobj.settings import Settings as Settings
    from natsobj.store import Store as Store
    from natsobj.store import connect as connect
else:  # a type checker would take any name for granted

    def __getattr__(name: str) -> object:
        if name == "blocking":
            return importlib.import_module("natsobj.blocking")
        if name not in _HOME:
            raise AttributeError(f"module 'natsobj' has no attribute {name!r}")
        return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
