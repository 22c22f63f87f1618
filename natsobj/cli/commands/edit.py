"""`natsobj edit`: change what is said about an object, or the settings of a bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options, values
from natsobj.cli.exits import UsageError
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("Describe an object", 'natsobj edit photos cat.jpg --description "Our cat"'),
    (
        "Set one header, remove another",
        "natsobj edit site a.js -H Cache-Control:no-cache --remove-header Etag",
    ),
    (
        "Keep a bucket on three servers, and its objects for a month",
        "natsobj edit photos --replicas 3 --ttl 30d",
    ),
    ("Remove a limit", "natsobj edit photos --no-max-bucket-size"),
)

app = grammar.new_app()


@app.command("edit", cls=grammar.Command)
@bridge
async def edit(
    session: Session,
    bucket: options.Bucket,
    key: options.OptionalKey = None,
    *,
    description: options.Description = None,
    metadata: options.Metadata = None,
    remove_metadata: options.RemoveMetadata = None,
    header: options.Headers = None,
    remove_header: options.RemoveHeaders = None,
    ttl: options.Ttl = None,
    no_ttl: Annotated[bool, typer.Option("--no-ttl", help="Remove the TTL: keep objects for ever.")] = False,
    object_ttl: options.ObjectTtl = False,
    replicas: Annotated[
        int | None,
        typer.Option(
            "--replicas", metavar="N", min=1, max=5, help="Number of servers that keep a copy, 1 to 5."
        ),
    ] = None,
    storage: Annotated[
        Literal["file", "memory"] | None,
        typer.Option(
            "--storage", help="Storage of the bucket: file or memory. Servers so far refuse to change it."
        ),
    ] = None,
    max_bucket_size: options.MaxBucketSize = None,
    no_max_bucket_size: Annotated[
        bool, typer.Option("--no-max-bucket-size", help="Remove the size limit.")
    ] = False,
    compress: Annotated[
        bool | None, typer.Option("--compress/--no-compress", help="Compress what is stored from now on.")
    ] = None,
    cluster: options.Cluster = None,
    tags: options.Tags = None,
) -> int:
    """Change a bucket's settings or an object's description."""
    values.exclusive({"--ttl": ttl is not None, "--no-ttl": no_ttl})
    values.exclusive(
        {"--max-bucket-size": max_bucket_size is not None, "--no-max-bucket-size": no_max_bucket_size}
    )
    values.unremoved("--header", header, remove_header)
    values.unremoved("--metadata", metadata, remove_metadata)
    shared: dict[str, Any] = {
        "description": description,
        "metadata": dict(metadata or ()),
        "remove_metadata": remove_metadata or (),
    }
    of_object = {"--header": header or None, "--remove-header": remove_header or None}
    of_bucket: dict[str, Any] = {
        "--ttl": timedelta(0) if no_ttl else ttl,
        "--object-ttl": object_ttl or None,
        "--replicas": replicas,
        "--storage": storage,
        "--max-bucket-size": 0 if no_max_bucket_size else max_bucket_size,
        "--compress": compress,
        "--cluster": cluster,
        "--tags": values.labels(tags) or None,
    }
    if key is None:
        values.needs("a KEY", False, of_object)
        return await _edit_bucket(session, bucket, shared, of_bucket)
    if given := [name for name, value in of_bucket.items() if value is not None]:
        raise UsageError(f"{given[0]} is for buckets: leave out the KEY")
    return await _edit_object(
        session, bucket, key, shared, header=header or (), remove_header=remove_header or ()
    )


async def _edit_object(
    session: Session,
    bucket: str,
    key: str,
    shared: Mapping[str, Any],
    *,
    header: Sequence[values.Pair],
    remove_header: Sequence[str],
) -> int:
    from natsobj.cli.output.objects import edited_line

    if shared["description"] is None and not any((header, remove_header, *shared.values())):
        raise UsageError("nothing to change: give an option, such as --description TEXT")
    session.account(
        lambda settled: f"{bucket}/{key} {'is as it was' if settled else 'may be changed or not'}"
    )
    async with session.store() as store:
        info = await store.bucket(bucket).update(
            key, **shared, headers=values.grouped(header), remove_headers=remove_header
        )
        session.done(info, edited_line(info))
    return exits.DONE


async def _edit_bucket(
    session: Session, bucket: str, shared: Mapping[str, Any], settings: Mapping[str, Any]
) -> int:
    from natsobj.cli.output.buckets import changed_bucket_line
    from natsobj.models import Placement

    given = any(value is not None for value in (shared["description"], *settings.values()))
    if not given and not any(shared.values()):
        raise UsageError("nothing to change: give an option, such as --ttl DURATION, or a KEY")
    cluster, labels = settings["--cluster"], settings["--tags"] or ()
    session.account(
        lambda settled: f"bucket {bucket} {'is as it was' if settled else 'may be changed or not'}"
    )
    async with session.store() as store:
        home = await store.update_bucket(
            bucket,
            **shared,
            ttl=settings["--ttl"],
            object_ttl=bool(settings["--object-ttl"]),
            replicas=settings["--replicas"],
            storage=settings["--storage"],
            max_bytes=settings["--max-bucket-size"],
            compressed=settings["--compress"],
            placement=Placement(cluster, labels) if cluster or labels else None,
        )
        info = await home.status()
        session.done(replace(info, cluster=None), changed_bucket_line("edited", info))
    return exits.DONE
