"""The JetStream API, typed: messages in `api`, streams in `stream_calls`, consumers in `consumers`.

`direct` is Direct Get, `codes` says what the server's answers mean, and `shapes` what they must look like.
"""

from __future__ import annotations

from natsobj.jetstream.api import NEVER_SEQUENCE, JetStream
from natsobj.jetstream.codes import Ack
from natsobj.jetstream.consumers import Consumer, NoConsumer, delivery
from natsobj.jetstream.direct import BATCH, Stored
from natsobj.jetstream.stream_calls import Subjects
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
