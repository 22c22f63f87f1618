"""`natsobj mv`: rename objects, or move them into another bucket."""

from __future__ import annotations

from natsobj.cli.arguments import grammar
from natsobj.cli.session import renaming
from natsobj.cli.session.bridge import bridge

EXAMPLES = (
    ("Rename an object", "natsobj mv photos cat.jpg 2026/cat.jpg"),
    ("Move it into a folder", "natsobj mv photos cat.jpg 2026/"),
    ("Move it to another bucket", "natsobj mv inbox scan.pdf archive 2026/scan.pdf"),
    (
        "Show what a prefix would become, then rename it",
        "natsobj mv -rn photos 2025 old && natsobj mv -r photos 2025 old",
    ),
)

app = grammar.new_app()

app.command("mv", cls=grammar.Command)(
    bridge(renaming.verb("moved", "Rename objects, or move them to another bucket."))
)
