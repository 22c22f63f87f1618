"""Errors of the network, of TLS and of servers become ours here, and nowhere else."""

from __future__ import annotations

import ssl

from natsobj.errors import (
    CONNECTION_LOST,
    AuthenticationFailed,
    CertificateError,
    NatsobjError,
    ServerUnavailable,
)

__all__ = ["Broken", "Refused", "connect_error", "lost_error"]

_REFUSED = ("authorization", "authentication", "account")


class Broken(ConnectionError):
    """The server broke the protocol; the text says how."""


class Refused(Exception):
    """The server refused the connection, or ended it, and said why."""


def connect_error(
    error: OSError | Refused, servers: str, *, certificate_wanted: bool = False
) -> NatsobjError:
    """Return our error for a connection that could not be made.

    Args:
        certificate_wanted: the server asks for a client certificate. If it rejects that it hangs up, and its
            reason is often lost.
    """
    if isinstance(error, ssl.SSLError):
        return _tls_error(error, servers)
    hung_up = isinstance(error, ConnectionError) and not isinstance(error, (ConnectionRefusedError, Broken))
    if certificate_wanted and hung_up:
        return CertificateError(f"{servers} hung up: it requires a client certificate that it trusts")
    if isinstance(error, Refused) and any(word in str(error).casefold() for word in _REFUSED):
        return AuthenticationFailed(servers)
    return ServerUnavailable(servers, _reason(error))


def lost_error(error: Exception | None, servers: str) -> NatsobjError:
    """Return our error for the end of an established connection."""
    match error:
        case NatsobjError():
            return error
        case Refused() | Broken():
            return connect_error(error, servers)
        case ssl.SSLCertVerificationError():
            return _tls_error(error, servers)
        case _:
            return ServerUnavailable(servers, CONNECTION_LOST)


def _tls_error(error: ssl.SSLError, servers: str) -> NatsobjError:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", "") or _reason(error)
        return CertificateError(f"certificate of {servers} is not trusted: {why}")
    reason = (error.reason or "TLS failed").replace("_", " ").lower()
    if "certificate" in reason or "unknown ca" in reason:
        return CertificateError(f"{servers} does not trust the client certificate: {reason}")
    return ServerUnavailable(servers, reason)


def _reason(error: OSError | Refused) -> str:
    text = str(error).rstrip(".").lower()
    match error:
        case Broken():
            reason = str(error)
        case ConnectionRefusedError():
            reason = "connection refused"
        case TimeoutError():
            reason = "no answer"
        case OSError() if error.strerror:
            reason = error.strerror.lower()
        case OSError() if "connect call failed" in text:  # to each address of a name
            reason = "connection refused" if "refused" in text or "errno 111" in text else "no answer"
        case _:
            reason = text or "hung up"
    return reason
