"""The commands, one module each: `app` is the command for Typer, `EXAMPLES` stand in help and man page."""

from __future__ import annotations
