"""The commands, one module each: `app` is the command for Typer, `EXAMPLES` stand in its help and man page."""

from __future__ import annotations
