"""Errors of nats-py, TLS and the network as ours: the one place where they are told apart."""

from __future__ import annotations

import ssl

import nats.errors

from natsobj.errors import (
    CONNECTION_LOST,
    AuthenticationFailed,
    CertificateError,
    InvalidArgument,
    NatsobjError,
    RequestTimeout,
    ServerError,
    ServerUnavailable,
)

_REFUSED = ("authorization", "authentication", "account")


def connect_error(
    error: BaseException, noted: Exception | None, servers: str, *, certificate_wanted: bool
) -> NatsobjError:
    """Return why no connection came about.

    Args:
        noted: what nats-py told its error callback last, and often nobody else.
        certificate_wanted: the server wants to see a certificate of ours; when it does not like what it sees
            it hangs up, and its reason is often lost on the way.
    """
    if isinstance(error, (nats.errors.NoServersError, TimeoutError)) and noted is not None:
        error = noted
    if isinstance(error, ssl.SSLError):
        return _tls_error(error, servers)
    hung_up = isinstance(error, (ConnectionError, nats.errors.UnexpectedEOF))
    if certificate_wanted and hung_up and not isinstance(error, ConnectionRefusedError):
        return CertificateError(f"{servers} wants a certificate of ours that it trusts, and hung up")
    text = str(error).casefold()
    if isinstance(error, nats.errors.AuthorizationError) or any(word in text for word in _REFUSED):
        return AuthenticationFailed(servers)
    return ServerUnavailable(servers, _reason(error))


def translate(error: BaseException | None, servers: str, timeout: float) -> NatsobjError:
    """Return our error for one of nats-py or the network, on a connection that was good once."""
    match error:
        case NatsobjError():
            ours = error
        case nats.errors.AuthorizationError():
            ours = AuthenticationFailed(servers)
        case nats.errors.TimeoutError():
            ours = RequestTimeout(servers, timeout)
        case nats.errors.BadSubjectError() | nats.errors.BadHeaderError() | nats.errors.MaxPayloadError():
            ours = InvalidArgument(_reason(error))
        case ssl.SSLError():
            ours = _tls_error(error, servers)
        case None | OSError() | nats.errors.Error():
            ours = ServerUnavailable(servers, CONNECTION_LOST)
        case _:
            ours = ServerError(str(error))
    return ours


def _tls_error(error: ssl.SSLError, servers: str) -> NatsobjError:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", "") or _reason(error)
        return CertificateError(f"certificate of {servers} is not trusted: {why}")
    reason = (error.reason or "TLS failed").replace("_", " ").lower()
    if "certificate" in reason or "unknown ca" in reason:
        return CertificateError(f"{servers} does not trust our certificate: {reason}")
    return ServerUnavailable(servers, reason)


def _reason(error: BaseException) -> str:
    match error:
        case nats.errors.SecureConnWantedError():
            reason = "it does not offer TLS"
        case ConnectionRefusedError():
            reason = "connection refused"
        case TimeoutError():
            reason = "no answer"
        case OSError() if error.strerror:
            reason = error.strerror.lower()
        case _:
            reason = str(error).removeprefix("nats: ").strip("'").rstrip(".").lower()
            if "expecting info" in reason or "json parse" in reason:
                reason = "that is no NATS server"
    return reason
