"""The library for programs that do not await: the same verbs, arguments, guarantees and errors.

    import natsobj

    with natsobj.blocking.connect("nats://127.0.0.1:4222") as store:
        bucket = store.bucket("artifacts")
        bucket.put("build/app.tar", Path("app.tar"))
        for info in bucket.list():
            print(info.name, info.size)

Everything runs in one event loop in a thread of its own, so several threads may use a store. What is handed
over (files, iterables, callbacks) is used there, or in threads beside it. After a fork connect again.
"""

from __future__ import annotations

from natsobj.blocking.verbs import Bucket, ObjectReader, Store, connect

__all__ = ["Bucket", "ObjectReader", "Store", "connect"]
