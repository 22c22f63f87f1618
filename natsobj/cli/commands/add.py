"""`natsobj add`: create a bucket."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options, values
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("Create a bucket", "natsobj add photos"),
    (
        "Make sure that a bucket exists, on three servers",
        "natsobj add photos --replicas 3 --if-not-exists",
    ),
    ("Create one whose objects expire after a week", "natsobj add builds --ttl 7d --max-bucket-size 20G"),
)

app = grammar.new_app()


@app.command("add", cls=grammar.Command)
@bridge
async def add(
    session: Session,
    bucket: options.Bucket,
    *,
    description: options.Description = None,
    ttl: options.Ttl = None,
    object_ttl: options.ObjectTtl = False,
    replicas: Annotated[
        int,
        typer.Option(
            "--replicas", metavar="N", min=1, max=5, help="Number of servers that keep a copy, 1 to 5."
        ),
    ] = 1,
    storage: Annotated[
        Literal["file", "memory"], typer.Option("--storage", help="Storage of the bucket: file or memory.")
    ] = "file",
    max_bucket_size: options.MaxBucketSize = None,
    compress: Annotated[bool, typer.Option("--compress", help="Compress what is stored.")] = False,
    metadata: options.Metadata = None,
    cluster: options.Cluster = None,
    tags: options.Tags = None,
    if_not_exists: Annotated[
        bool, typer.Option("--if-not-exists", help="Succeed if the bucket exists, and leave it as it is.")
    ] = False,
) -> int:
    """Create a bucket."""
    from natsobj.cli.output.buckets import changed_bucket_json, created_bucket_line, differences
    from natsobj.cli.session.buckets import create_if_missing, status_if_allowed
    from natsobj.models import BucketConfig, Placement

    labels = values.labels(tags)
    config = BucketConfig(
        bucket,
        description=description or None,
        ttl=ttl or None,
        object_ttl=object_ttl,
        replicas=replicas,
        storage=storage,
        max_bytes=max_bucket_size or None,
        compressed=compress,
        metadata=dict(metadata or ()),
        placement=Placement(cluster, labels) if cluster or labels else None,
    )
    created = asked = False

    def account(_: bool) -> str:
        known = "is created" if created else "may be created or not" if asked else "is as it was"
        return f"bucket {bucket} {known}"

    session.account(account)
    async with session.store() as store:
        asked = True
        if if_not_exists:
            home, created = await create_if_missing(store, config)
        else:
            home, created = await store.create_bucket(config), True
        info = await status_if_allowed(home)
        line = created_bucket_line(bucket) if created else f"kept bucket {bucket}"
        session.tell(changed_bucket_json(info, bucket), line)
        if not created and info is not None and (others := differences(config, info)):
            session.report(f"note: bucket {bucket} differs: {'; '.join(others)}")
    return exits.DONE
