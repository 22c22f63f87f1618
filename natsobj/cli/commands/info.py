"""`natsobj info`: show the account's store, one bucket or one object."""

from __future__ import annotations

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("Show what the account stores", "natsobj info"),
    ("Show a bucket", "natsobj info photos"),
    ("Read an object's digest in a script", "natsobj info photos cat.jpg --json | jq -r .sha256"),
)

app = grammar.new_app()


@app.command("info", cls=grammar.Command)
@bridge
async def info(
    session: Session, bucket: options.OptionalBucket = None, key: options.OptionalKey = None
) -> int:
    """Show the account, one bucket or one object."""
    async with session.store() as store:
        if bucket is None:
            session.show(await store.account())
        elif key is None:
            session.show(await store.bucket(bucket).status())
        else:
            session.show(await store.bucket(bucket).info(key, search=True))
    return exits.DONE
