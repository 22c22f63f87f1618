"""One live connection to a NATS server, and the only place that knows nats-py.

`connector` holds the connection in use and replaces it when it is in doubt, `connection` is a single one,
`lane` moves its messages, `sign_in` has our credentials in nats-py's words, and `translate` is the one door
through which foreign errors leave as ours.
"""

from __future__ import annotations

from natsobj.connection.connection import ASK_AGAIN, Connection
from natsobj.connection.connector import PASSING, PATIENCE, Link, Patience
from natsobj.connection.message import Message

__all__ = ["ASK_AGAIN", "PASSING", "PATIENCE", "Connection", "Link", "Message", "Patience"]
