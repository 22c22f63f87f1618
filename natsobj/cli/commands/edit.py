"""`natsobj edit`: change what is said about an object."""

from __future__ import annotations

from natsobj.cli import grammar, options
from natsobj.cli.exits import UsageError
from natsobj.cli.runtime import Session, bridge

EXAMPLES = (
    ("Describe an object", 'natsobj edit photos cat.jpg --description "Our cat"'),
    (
        "Set a header and take another one away",
        "natsobj edit site a.js -H Cache-Control:no-cache --remove-header Etag",
    ),
)

app = grammar.new_app()


@app.command("edit", cls=grammar.Command)
@bridge
async def edit(
    session: Session,
    bucket: options.Bucket,
    key: options.Key,
    *,
    description: options.Description = None,
    header: options.Headers = None,
    metadata: options.Metadata = None,
    remove_header: options.RemoveHeaders = None,
    remove_metadata: options.RemoveMetadata = None,
) -> None:
    """Change description, headers and metadata of an object."""
    from natsobj.cli.render import edited_line

    if description is None and not (header or metadata or remove_header or remove_metadata):
        raise UsageError("nothing to change: name what, such as --description TEXT")
    session.account(
        lambda settled: f"{bucket}/{key} {'is as it was' if settled else 'may be changed or not'}"
    )
    async with session.store() as store:
        info = await store.bucket(bucket).update(
            key,
            description=description,
            headers=options.grouped(header or ()),
            metadata=dict(metadata or ()),
            remove_headers=remove_header or (),
            remove_metadata=remove_metadata or (),
        )
        session.done(info, edited_line(info))
