"""Buckets as a file system of fsspec: `fsspec.open("natsobj://bucket/key")`, by the extra `natsobj[fsspec]`.

    pandas.read_parquet("natsobj://artifacts/table.parquet")
    fsspec.filesystem("natsobj", servers="nats://127.0.0.1:4222").ls("artifacts")

Settings that a program does not give come from the environment and the contexts of the `nats` command.
"""

from __future__ import annotations

from natsobj.fsspec.filesystem import NatsobjFileSystem

__all__ = ["NatsobjFileSystem"]
