"""One live connection to a NATS server: the protocol's words are here and nowhere else.

`connector` holds the connection in use and replaces it when it is in doubt; `connection` is a single one.
Below it: `address` knows where servers are, `handshake` signs in (`info`, `sign_in`), `lane` moves messages,
`answers` receives those for one question (`watchers`: or why none will come), `timed_event` is what is waited
for, `websocket` carries them over WebSocket, and `translate` is the one door through which foreign errors
leave as ours. nats-py is not used: it read lists and acknowledgements with several copies of each payload,
sent credentials before it knew that TLS was there, and took any message that a server announced.
"""

from __future__ import annotations

from natsobj.connection.connection import ASK_AGAIN, Connection
from natsobj.connection.connector import GIVE_UP_AFTER, PASSING, Connector, Patience, take_time, time_left
from natsobj.connection.message import Message, number_of, numbered
from natsobj.connection.timed_event import TimedEvent

__all__ = [
    "ASK_AGAIN",
    "GIVE_UP_AFTER",
    "PASSING",
    "Connection",
    "Connector",
    "Message",
    "Patience",
    "TimedEvent",
    "number_of",
    "numbered",
    "take_time",
    "time_left",
]
