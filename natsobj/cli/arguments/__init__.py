"""What is read from the command line."""

from __future__ import annotations
