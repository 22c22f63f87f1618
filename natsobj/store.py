"""The store: the buckets of one account on one connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType

from natsobj import arguments
from natsobj.adr20 import names, streams
from natsobj.bucket import Bucket
from natsobj.connection import Connector
from natsobj.errors import BucketExists, BucketNotFound, JetStreamUnavailable, PermissionDenied
from natsobj.jetstream import JetStream
from natsobj.models import AccountInfo, BucketConfig, BucketInfo, Placement, Storage
from natsobj.settings import Settings, of_servers
from natsobj.stream import BucketStream

__all__ = ["Store", "connect"]


def connect(servers: str = "nats://127.0.0.1:4222", *, settings: Settings | None = None) -> Store:
    """Return a store that connects when it is entered: `async with natsobj.connect(...) as store`.

    Args:
        servers: one address, or several with commas between them.
        settings: everything about the connection; `servers` is ignored then.

    Raises:
        InvalidArgument: `servers` are no addresses.
        TypeError: an argument has a wrong type.
    """
    if settings is None:
        settings = of_servers(arguments.text(servers, "servers"))
    return Store(settings)


class Store:
    """The buckets of one account; an async context that holds the connection.

    Entering raises `ServerUnavailable`, `AuthenticationFailed`, `CertificateError` or `UnsupportedServer`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = arguments.instance(settings, Settings, "settings", "Settings")
        self._connector = Connector(settings)
        self._js = JetStream(self._connector)

    async def __aenter__(self) -> Store:
        await self._connector.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._js.abandon()
        finally:
            await self._connector.close()

    def server(self) -> str:
        """The connected server as text: `nats://127.0.0.1:4222 (nats-server 2.11.4)`."""
        connection = self._connector.connection
        version = f" (nats-server {connection.version})" if connection.version else ""
        return f"{connection.address.url}{version}"

    def bucket(self, name: str) -> Bucket:
        """Return a bucket without asking whether it exists.

        Raises:
            InvalidBucketName: there can be none of that name.
        """
        return Bucket(BucketStream(self._js, name))

    async def create_bucket(self, config: BucketConfig) -> Bucket:
        """Create a bucket.

        Raises:
            BucketExists: there is one of that name; two equal ones at the same moment may both succeed.
            ConfigRefused: the server does not take these settings.
            InvalidBucketName: there can be none of that name.
            TypeError: `config` is no `BucketConfig`.
        """
        arguments.instance(config, BucketConfig, "config", "a BucketConfig")
        bucket = self.bucket(config.name)
        stream = streams.stream_config(config)
        with suppress(
            BucketNotFound, PermissionDenied
        ):  # permission to create does not imply permission to look
            await self._js.stream_info(names.stream_name(config.name))
            raise BucketExists(config.name)
        bucket.stream.state_is(await self._js.create_stream(stream))
        return bucket

    async def update_bucket(
        self,
        name: str,
        *,
        description: str | None = None,
        ttl: timedelta | None = None,
        replicas: int | None = None,
        storage: Storage | None = None,
        max_bytes: int | None = None,
        compressed: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        remove_metadata: Sequence[str] = (),
        placement: Placement | None = None,
        object_ttl: bool = False,
    ) -> Bucket:
        """Change the given settings of a bucket; all others stay, including those that natsobj does not know.

        Args:
            description: an empty one takes it away; so do a `ttl` of 0 and `max_bytes` of 0.
            metadata: is added to what there is.
            object_ttl: let objects have a time to live of their own, from now on and for good.

        Raises:
            BucketNotFound: there is none.
            BucketSealed: nothing can be changed any more.
            ConfigRefused: the server does not take these settings.
        """
        changes = streams.bucket_changes(
            description=arguments.optional_text(description, "description"),
            ttl=arguments.optional_duration(ttl, "ttl"),
            replicas=arguments.optional_number(replicas, "replicas", least=1),
            storage=arguments.optional_text(storage, "storage"),
            max_bytes=arguments.optional_number(max_bytes, "max_bytes"),
            compressed=None if compressed is None else arguments.flag(compressed, "compressed"),
            metadata={
                **dict.fromkeys(arguments.strings(remove_metadata, "remove_metadata")),
                **arguments.pairs(metadata or {}, "metadata"),
            },
            placement=None
            if placement is None
            else arguments.instance(placement, Placement, "placement", "a Placement or None"),
            object_ttl=arguments.flag(object_ttl, "object_ttl"),
        )
        bucket = self.bucket(name)
        await bucket.stream.configure(changes)
        return bucket

    async def create_or_update_bucket(self, config: BucketConfig) -> Bucket:
        """Create a bucket, or change an existing one to these settings; metadata is added.

        Raises:
            BucketSealed: it exists, and nothing can be changed any more.
            ConfigRefused: the server does not take these settings.
            InvalidBucketName: there can be none of that name.
            TypeError: `config` is no `BucketConfig`.
        """
        try:
            return await self.create_bucket(config)
        except BucketExists:
            pass
        return await self.update_bucket(
            config.name,
            description=config.description or "",
            ttl=config.ttl or timedelta(0),
            replicas=config.replicas,
            storage=config.storage,
            max_bytes=config.max_bytes or 0,
            compressed=config.compressed,
            metadata=config.metadata,
            placement=config.placement,
            object_ttl=config.object_ttl,
        )

    async def delete_bucket(self, name: str) -> None:
        """Delete a bucket with everything in it.

        Raises:
            BucketNotFound: there is none.
        """
        await self._js.delete_stream(names.stream_name(names.check_bucket_name(name)))

    async def buckets(self) -> AsyncGenerator[BucketInfo, None]:
        """Iterate over all buckets by name; objects and chunks are not counted.

        Raises:
            JetStreamUnavailable: at the end, if the cluster could not reach all of them.
        """
        missing = []
        async for stream in self._js.streams():
            if bucket := names.bucket_of_stream(stream["config"]["name"]):
                if stream.get("missing"):
                    missing.append(bucket)
                else:
                    yield streams.decode_bucket(stream)
        if missing:
            raise JetStreamUnavailable(f"the cluster cannot reach these buckets now: {', '.join(missing)}")

    async def bucket_names(self, limit: int | None = None) -> list[str]:
        """Return the names of all buckets, or of those among the first `limit` streams."""
        found = await self._js.stream_names(arguments.optional_number(limit, "limit"))
        return [bucket for name in found if (bucket := names.bucket_of_stream(name))]

    async def account(self) -> AccountInfo:
        """Return the usage and the limits of the account."""
        js = self._js
        account = await js.account()
        infos = [info async for info in self.buckets()]
        connection = js.connection
        limits = account.get("limits") or {}

        def limit(name: str) -> int | None:
            value = limits.get(name, -1)
            return value if value >= 0 else None

        return AccountInfo(
            buckets=len(infos),
            size=sum(info.size for info in infos),
            storage={"file": account.get("storage", 0), "memory": account.get("memory", 0)},
            limits={
                "file": limit("max_storage"),
                "memory": limit("max_memory"),
                "streams": limit("max_streams"),
                "consumers": limit("max_consumers"),
            },
            server=f"{connection.server_name} ({connection.version})",
            cluster=connection.cluster_name,
            domain=account.get("domain") or None,
            used={name: account.get(name, 0) for name in ("streams", "consumers")},
        )
