"""A run of a command, from its first argument to its exit code."""

from __future__ import annotations
