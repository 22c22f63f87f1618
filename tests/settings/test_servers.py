"""Server URLs: their normal form, the user info in them, and what is refused without showing it."""

from __future__ import annotations

from pathlib import Path

import pytest

import natsobj
from natsobj.errors import InvalidArgument
from natsobj.settings import Settings, resolve


def of(url: str) -> Settings:
    """The settings of a `--server` alone."""
    return resolve({"server": url}, {}, Path("/nowhere"))


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("nats://h:1234", "nats://h:1234"),
        ("nats://h", "nats://h:4222"),
        ("nats://h:", "nats://h:4222"),
        ("nats://h/", "nats://h:4222"),
        ("h", "nats://h:4222"),
        ("h:1234", "nats://h:1234"),
        ("127.0.0.1:1234", "nats://127.0.0.1:1234"),
        ("tls://h", "tls://h:4222"),
        ("NATS://Host.Example", "nats://host.example:4222"),
        ("ws://h", "ws://h"),
        ("ws://h:8080", "ws://h:8080"),
        ("wss://h/", "wss://h"),
        ("wss://h/nats/", "wss://h/nats"),
        ("nats://[::1]:1234", "nats://[::1]:1234"),
        ("[::1]", "nats://[::1]:4222"),
        ("nats://[fe80::1%25eth0]", "nats://[fe80::1%eth0]:4222"),
        (" nats://h:1 ", "nats://h:1"),
        ("nats://h:65535", "nats://h:65535"),
        ("nats://h:004222", "nats://h:4222"),
        ("nats://a_b-c.example.", "nats://a_b-c.example.:4222"),
        ("nats://Bücher.example", "nats://xn--bcher-kva.example:4222"),
        ("nats://[FE80::ABCD]", "nats://[fe80::abcd]:4222"),
        ("nats://[::ffff:127.0.0.1]:1", "nats://[::ffff:127.0.0.1]:1"),
    ],
)
def test_a_url_gets_its_scheme_and_port(url: str, normal: str) -> None:
    """nats and 4222 are filled in; WebSocket URLs keep their own default ports and their path."""
    assert of(url).servers == (normal,)


def test_a_caller_of_the_library_is_told_about_its_own_argument() -> None:
    """It has given no option of the command line."""
    settings = natsobj.connect("ann:p@h,b").settings
    assert (settings.servers, settings.user) == (("nats://h:4222", "nats://b:4222"), "ann")
    assert settings.origin == "from the program"
    for servers, said in (
        ("", "servers names no server"),
        ("h:x", "invalid URL in servers: h:x: x is no"),
    ):
        with pytest.raises(InvalidArgument, match=f"^{said}"):
            natsobj.connect(servers)


def test_a_list_of_urls_keeps_its_order() -> None:
    """A comma separates the servers of one cluster; spaces and empty parts do not count."""
    assert of("nats://a:1, b ,,tls://c,").servers == ("nats://a:1", "nats://b:4222", "tls://c:4222")


def test_the_variable_and_the_context_take_lists_as_well(tmp_path: Path) -> None:
    """A URL means the same wherever it stands."""
    assert resolve({}, {"NATS_URL": "a,b"}, tmp_path).servers == ("nats://a:4222", "nats://b:4222")


@pytest.mark.parametrize("url", ["nats://ann:p%40ss%2Fw%3A@h", "ann:p@ss%2Fw:@h"])
def test_user_and_password_in_a_url_are_a_credential(url: str) -> None:
    """They are percent-decoded and do not stay in the URL."""
    settings = of(url)
    assert (settings.user, settings.password, settings.token) == ("ann", "p@ss/w:", None)
    assert settings.servers == ("nats://h:4222",)


def test_a_user_alone_in_a_url_is_a_token() -> None:
    """`token@host` is how every client writes a token."""
    settings = of("nats://t%40k@h")
    assert (settings.user, settings.password, settings.token) == (None, None, "t@k")


def test_a_colon_without_password_is_an_empty_password() -> None:
    """`ann:@host` says that there is a password, and that it is empty."""
    settings = of("nats://ann:@h")
    assert (settings.user, settings.password, settings.token) == ("ann", "", None)


def test_empty_user_info_is_none() -> None:
    """`@host` and `:@host` have no credential."""
    assert of("nats://@h") == of("nats://:@h") == of("nats://h")


def test_one_credential_in_a_list_is_for_all_of_it() -> None:
    """The servers of a list are one cluster."""
    settings = of("nats://ann:p@a,b,nats://ann:p@c")
    assert (settings.user, settings.password) == ("ann", "p")
    assert settings.servers == ("nats://a:4222", "nats://b:4222", "nats://c:4222")


def test_two_credentials_in_a_list_are_refused() -> None:
    """Only one can be sent, and which would be a guess."""
    with pytest.raises(InvalidArgument, match=r"^--server has more than one credential$"):
        of("nats://ann:p@a,nats://bob:q@b")


def test_websocket_and_other_urls_do_not_mix() -> None:
    """A client speaks one of the two."""
    with pytest.raises(InvalidArgument, match=r"^--server mixes WebSocket with other URLs$"):
        of("ws://a,nats://b")
    assert of("wss://a,wss://b").servers == ("wss://a", "wss://b")


def test_an_encrypted_websocket_does_not_mix_with_a_plain_one() -> None:
    """wss:// asks for TLS, which ws:// cannot give."""
    with pytest.raises(InvalidArgument, match=r"^ws://b cannot be encrypted: TLS needs wss://$"):
        of("wss://a,ws://b")


@pytest.mark.parametrize("url", [",", " , "])
def test_a_list_without_a_server_is_refused(url: str) -> None:
    """Commas alone must not mean the default server."""
    with pytest.raises(InvalidArgument, match=r"^--server names no server$"):
        of(url)


FORM = "not [nats|tls|ws|wss]://HOST[:PORT]"
LONG = "x" * 64


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nats://h:port", "port is not a port number"),
        ("nats://h:0", "0 is not a port number"),
        ("nats://h:65536", "65536 is not a port number"),
        ("nats://h:-1", "-1 is not a port number"),
        ("nats://h:+1", "+1 is not a port number"),
        ("nats://h:1_0", "1_0 is not a port number"),
        ("nats://h:٣", "٣ is not a port number"),
        ("nats://h:" + "9" * 5000, "9" * 5000 + " is not a port number"),
        ("nats://h:1:2", "1:2 is not a port number"),
        ("nats://", "the host is missing"),
        ("nats://:4222", "the host is missing"),
        ("http://h", "http is not one of nats, tls, ws, wss"),
        ("mailto://h", "mailto is not one of nats, tls, ws, wss"),
        ("://h", FORM),
        ("h t", FORM),
        ("nats://h\x00", FORM),
        ("nats://h\ufeff", "h\ufeff is not a host name"),
        ("::1", "put an IPv6 address in brackets"),
        ("nats://fe80::1:4222", "put an IPv6 address in brackets"),
        ("nats://[::1", FORM),
        ("nats://[::1]x:1", FORM),
        ("nats://[1::2::3]:1", FORM),
        ("nats://[v1.x]:1", "v1.x is not an IPv6 address"),
        ("nats://h?x=1", FORM),
        ("nats://h#", FORM),
        ("nats://h/path", FORM),
        ("nats//h", FORM),
        ("nats://a&b", "a&b is not a host name"),
        ("nats://a%62", "a%62 is not a host name"),
        ("nats://a..b", "a..b is not a host name"),
        ("nats://.", ". is not a host name"),
        (f"nats://{LONG}", f"{LONG} is not a host name"),
        (f"nats://ü{LONG}", f"ü{LONG} is not a host name"),
        ("nats://" + "a." * 127 + "b", "a." * 127 + "b is not a host name"),
        ("nats://a\ud800", "a\ud800 is not a host name"),
        ("ws://h/a\\b", FORM),
    ],
)
def test_an_invalid_url_is_named(url: str, reason: str) -> None:
    """The message has the place, the URL and what is wrong with it."""
    with pytest.raises(InvalidArgument) as caught:
        of(url)
    assert str(caught.value) in {
        f"invalid URL in --server: {url}: {reason}",
        f"invalid URL in --server: {url}: {FORM}",  # what Python says of brackets depends on its version
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("nats://ann:s3cret@h:port", "nats://h:port"),
        ("nats://s3cret@h:port", "nats://h:port"),
        ("s3cret@h:port", "h:port"),
        ("http://ann:s3cret@h", "h"),
        ("nats://ann:s3cret@", "nats://"),
        ("nats://:s3cret@h", "nats://h"),
        ("nats://ann:s3/cret@h", "nats://h"),
        ("nats://ann:12/s3cret@h", "nats://h"),
        ("nats://ann:s3#cret@h", "nats://h"),
        ("nats://ann:s3?cret@h", "nats://h"),
        ("nats://ann:s3 cret@h", "nats://h"),
        ("nats://ann:%FFs3cret@h", "nats://h"),
        ("nats://ann:s3,cret@h", "nats://h"),
        ("nats://s3[,cret@h", "nats://h"),
        ("nats://a:port,nats://ann:s3cret@h", "nats://a:port"),
        ("nats://a,nats://ann:s3cret@h:port", "nats://h:port"),
        ("nats://ann:s3[cret@h", "nats://h"),
    ],
)
def test_an_invalid_url_is_named_without_its_credential(url: str, shown: str) -> None:
    """Whatever may be a part of a password is left out, also where it broke the URL."""
    with pytest.raises(InvalidArgument) as caught:
        of(url)
    assert str(caught.value).startswith(f"invalid URL in --server: {shown}: ")
    assert not any(part in str(caught.value) for part in ("s3", "cret", "12", "ann"))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
