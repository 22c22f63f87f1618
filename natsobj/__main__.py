"""`python -m natsobj` is `natsobj`."""

from __future__ import annotations

from natsobj.cli import main

main()
