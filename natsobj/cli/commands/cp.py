"""`natsobj cp`: copy objects, within a bucket or into another one."""

from __future__ import annotations

from natsobj.cli.arguments import grammar
from natsobj.cli.session import renaming
from natsobj.cli.session.bridge import bridge

EXAMPLES = (
    ("Copy an object", "natsobj cp builds build-42.tar release.tar"),
    (
        "Copy it to another bucket, under the same name",
        "natsobj cp builds build-42.tar releases build-42.tar",
    ),
    ("Copy everything below a prefix", "natsobj cp -r builds 42 releases latest"),
)

app = grammar.new_app()

app.command("cp", cls=grammar.Command)(
    bridge(renaming.verb("copied", "Copy objects within a bucket or to another one."))
)
