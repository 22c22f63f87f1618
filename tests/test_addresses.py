"""Which servers are tried, and in which turn: as nats.go keeps them."""

from __future__ import annotations

from natsobj.connection.address import Address, Addresses
from natsobj.settings import Settings


def known(*servers: str) -> Addresses:
    """What is known at the start."""
    return Addresses(Settings(servers=servers))


def hosts(addresses: Addresses) -> list[str]:
    """The hosts in turn."""
    return [address.host for address in addresses.in_turn()]


def test_announced_servers_stand_behind_those_that_were_given() -> None:
    """The one in use comes last, for it is tried again when it has died."""
    addresses = known("nats://a", "nats://b")
    first, second = addresses.in_turn()
    addresses.use(first, encrypted=False)
    addresses.learn(["c:4222", "b:4222"], first)
    assert hosts(addresses) == [second.host, "c", first.host]
    assert [addresses.is_announced(address) for address in addresses.in_turn()] == [False, True, False]


def test_what_is_announced_no_more_is_forgotten() -> None:
    """But neither those that were given nor the one in use; an empty announcement says nothing."""
    addresses = known("nats://a")
    (given,) = addresses.in_turn()
    addresses.learn(["c:4222", "d:4222"], given)
    c = next(address for address in addresses.in_turn() if address.host == "c")
    addresses.use(c, encrypted=False)
    addresses.learn(["d:4222"], c)
    addresses.learn([], c)
    assert sorted(hosts(addresses)) == ["a", "c", "d"]
    addresses.learn(["e:4222"], c)
    assert sorted(hosts(addresses)) == ["a", "c", "e"]


def test_an_announced_address_must_have_the_certificate_of_who_announced_it() -> None:
    """A bare IP address has the name of the host that was given; a name has its own."""
    addresses = known("tls://nats.example.org")
    (given,) = addresses.in_turn()
    addresses.learn(["10.0.0.7:4222", "other.example.org:4222", "[fe80::1]:4333"], given)
    found = {address.url: address.name for address in addresses.in_turn()}
    assert found == {
        "tls://nats.example.org:4222": "nats.example.org",
        "tls://10.0.0.7:4222": "nats.example.org",
        "tls://other.example.org:4222": "other.example.org",
        "tls://[fe80::1]:4333": "nats.example.org",
    }


def test_no_server_gets_less_tls_than_another_had() -> None:
    """What was asked for stays, and so does what was there once."""
    assert known("tls://a", "nats://b").encrypted
    addresses = known("nats://a")
    assert not addresses.encrypted
    (given,) = addresses.in_turn()
    addresses.use(given, encrypted=True)
    addresses.use(given, encrypted=False)
    assert addresses.encrypted


def test_what_failed_is_tried_behind_all_others() -> None:
    """However many there are, each comes to its turn."""
    addresses = known(*(f"nats://{name}" for name in "abcde"))
    order = addresses.in_turn()
    for address in order[:2]:
        addresses.failed(address)
    assert addresses.in_turn() == [*order[2:], *order[:2]]


def test_websocket_has_ports_of_its_own() -> None:
    """80 and 443, and the path stays."""
    urls = [address.url for address in known("ws://a", "wss://b/nats").in_turn()]
    assert sorted(urls) == ["ws://a:80", "wss://b:443/nats"]
    assert Address("nats", "a", 1) == Address("nats", "a", 1, "", "")
