"""Side-by-side runs of natsobj, the Go CLI and nats-py's ObjectStore: `python -m benchmarks`."""

from __future__ import annotations
