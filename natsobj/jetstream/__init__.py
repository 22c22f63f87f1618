"""The JetStream API, typed: `api` has the calls, `direct` Direct Get, `consumers` the pull consumer, and
`codes` says what the server's answers mean.
"""

from __future__ import annotations

from natsobj.jetstream.api import NEVER_SEQUENCE, JetStream, Subjects
from natsobj.jetstream.codes import Ack
from natsobj.jetstream.consumers import Consumer, NoConsumer, delivery
from natsobj.jetstream.direct import BATCH, Stored
from natsobj.jetstream.subjects import SubjectPage

__all__ = [
    "BATCH",
    "NEVER_SEQUENCE",
    "Ack",
    "Consumer",
    "JetStream",
    "NoConsumer",
    "Stored",
    "SubjectPage",
    "Subjects",
    "delivery",
]
