"""`natsobj ln`: link to an object or to a bucket."""

from __future__ import annotations

from typing import Annotated

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options, suggest, values
from natsobj.cli.exits import UsageError
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("Link to an object of the same bucket", "natsobj ln builds build-42.tar latest.tar"),
    ("Link to it from another bucket", "natsobj ln builds build-42.tar releases app.tar"),
    ("Point the link elsewhere", "natsobj ln -f builds build-43.tar latest.tar"),
    ("Link to a whole bucket", "natsobj ln --bucket builds releases all-builds"),
)

app = grammar.new_app()


@app.command("ln", cls=grammar.Command)
@bridge
async def ln(
    session: Session,
    bucket: options.Bucket,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY [BUCKET] LINK",
            help="The object, and the name of the link, in the bucket that is named between them or in the "
            "same. With --bucket the name of the link alone.",
            parser=values.utf8,
            autocompletion=suggest.complete_key,
        ),
    ],
    *,
    whole_bucket: Annotated[
        str | None,
        typer.Option(
            "--bucket",
            metavar="TARGET",
            parser=values.bucket_name,
            help="Link to this bucket; BUCKET and LINK say where the link is made.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace an existing link.")] = False,
) -> int:
    """Link to an object or to a bucket."""
    from natsobj.cli.output.objects import linked_line
    from natsobj.errors import ObjectExists
    from natsobj.models import Link

    if whole_bucket is not None:
        if len(names) != 1:
            raise UsageError("--bucket TARGET takes BUCKET LINK: where the link lies, and its name")
        target, home, key = Link(whole_bucket), bucket, names[0]
    else:
        source, home, key = values.way(bucket, names, "LINK")
        target = Link(bucket, source)
    key = values.key_name(key)
    session.account(lambda settled: f"{home}/{key} {'is as it was' if settled else 'may be linked or not'}")
    async with session.store() as store:
        with session.hinting(ObjectExists, "-f replaces a link"):
            info = await store.bucket(home).link(key, target, replace=force)
        session.done(info, linked_line(info))
    return exits.DONE
