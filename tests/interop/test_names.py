"""Names that shells, terminals, file systems and subjects would rather not see."""

from __future__ import annotations

import pytest

from tests.interop.clients import Client, Go, Js, Natsobj

pytestmark = pytest.mark.interop

ASCII_NAMES = {
    "spaces": " two  spaces ",
    "leading slash": "/etc/passwd",
    "two dots": "..",
    "path upwards": "../../up",
    "markup": "[bold]x[/bold] [/] :smile:",
    "newline": "two\nlines",
    "tab and backslash": "a\tb\\t",
    "control characters": "\x1b[31mred\x07",
    "wildcards": "a.*.>",
    "subject": "$O.b.M.x",
    "quotes": "'\"`$(x)",
    "dash": "-f",
    "percent": "%41%",
    "longest": "k" * 2900,
}
UNCLEAN_NAMES = {
    "double slash": "a//b",
    "dots between": "./a/../b",
}
UNICODE_NAMES = {
    "umlauts": "mit Köpfen",
    "emoji": "日本/🙂",
    "combining": "e\u0301 is not \u00e9",
    "right to left": "שלום\u202e",
}

odd = pytest.mark.parametrize("key", ASCII_NAMES.values(), ids=ASCII_NAMES.keys())
unclean = pytest.mark.parametrize("key", UNCLEAN_NAMES.values(), ids=UNCLEAN_NAMES.keys())
unicode = pytest.mark.parametrize("key", UNICODE_NAMES.values(), ids=UNICODE_NAMES.keys())


@odd
@pytest.mark.parametrize("other", ["go", "js"])
def test_an_odd_name_is_the_same_name_for_every_client(
    clients: dict[str, Client], natsobj: Natsobj, store_bucket: str, other: str, key: str
) -> None:
    """Each finds under exactly that name what the other stored, and natsobj lists it unescaped with `-0`."""
    there_and_back(clients[other], natsobj, store_bucket, key)


@unclean
def test_a_name_that_is_no_clean_path_is_kept_as_it_is(
    natsobj: Natsobj, go: Go, js: Js, store_bucket: str, key: str
) -> None:
    """nats.js and natsobj store it as given; the Go CLI finds it, but cleans what it stores itself."""
    there_and_back(js, natsobj, store_bucket, key)
    natsobj.put(store_bucket, key, b"ours")
    assert go.get(store_bucket, key) == b"ours"
    go.remove(store_bucket, key)
    assert natsobj.get(store_bucket, key) is None


@unicode
def test_a_unicode_name_is_the_same_name_for_the_go_cli(
    natsobj: Natsobj, go: Go, store_bucket: str, key: str
) -> None:
    """UTF-8 under the UTF-8 subject: nothing is normalised."""
    there_and_back(go, natsobj, store_bucket, key)


@unicode
def test_nats_js_lists_the_unicode_names_of_natsobj(
    natsobj: Natsobj, js: Js, store_bucket: str, key: str
) -> None:
    """nats.js cannot ask for such a name, but its list shows it."""
    natsobj.put(store_bucket, key, b"x")
    assert js.keys(store_bucket) == [key]


def test_a_latin_1_name_of_nats_js_is_found_by_name(natsobj: Natsobj, js: Js, store_bucket: str) -> None:
    """nats.js keeps `Köpfe` under another subject than ADR-20 says; natsobj looks there, too."""
    js.put(store_bucket, "Köpfe", b"x")
    assert natsobj.keys(store_bucket) == ["Köpfe"]
    assert natsobj.get(store_bucket, "Köpfe") == b"x"
    info = natsobj.info(store_bucket, "Köpfe")
    assert info is not None
    assert info == js.info(store_bucket, "Köpfe")


def test_a_latin_1_name_of_nats_js_can_be_deleted(natsobj: Natsobj, js: Js, store_bucket: str) -> None:
    """What natsobj lists and reads it can also delete."""
    js.put(store_bucket, "Köpfe", b"x")
    natsobj.remove(store_bucket, "Köpfe")
    assert natsobj.keys(store_bucket) == []
    assert natsobj.get(store_bucket, "Köpfe") is None
    assert js.get(store_bucket, "Köpfe") is None


def there_and_back(other: Client, natsobj: Natsobj, bucket: str, key: str) -> None:
    """natsobj writes and the other reads and deletes, then the other way round."""
    natsobj.put(bucket, key, b"ours")
    assert other.get(bucket, key) == b"ours"
    other.remove(bucket, key)
    assert natsobj.get(bucket, key) is None
    other.put(bucket, key, b"theirs")
    assert natsobj.keys(bucket) == [key]
    assert natsobj.get(bucket, key) == b"theirs"
    natsobj.remove(bucket, key)
    assert other.get(bucket, key) is None
