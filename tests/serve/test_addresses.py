"""Keys as addresses: every one comes back as it was, and none leads elsewhere."""

from __future__ import annotations

import pytest

from natsobj.serve.addresses import Mark, NoAddress, folder_address, key_address, page_address, read

KEYS = [
    "cat.jpg",
    "2026/cat.jpg",
    "/abs",
    "//evil.example/x",
    "a//b",
    "..",
    ".",
    "../up",
    "x/./y",
    "%2e%2e/z",
    "a/",
    "/",
    "<script>",
    "\"quoted' & more",
    "new\r\nline",
    "\0",
    "\\\\evil",
    "https://evil.example/",
    "?json",
    "#part",
    "a;b+c d",
    "für/猫",
    "\ud800",
    "k" * 2900,
]


@pytest.mark.parametrize("key", KEYS)
def test_an_address_leads_back_to_its_key(key: str) -> None:
    """It is ASCII that stays on this site, and that no browser changes."""
    address = key_address(key)
    path, _, query = address.partition("?")
    asked = read(path.encode("ascii"), query.encode("ascii"))
    assert (asked.name, asked.folder) == (key, False)
    assert path.startswith("/")
    assert "//" not in path
    assert not {".", ".."} & set(path.split("/"))
    assert address.isprintable()


@pytest.mark.parametrize("key", KEYS)
def test_a_folder_has_an_address_too(key: str) -> None:
    """The same for the beginning of names, with a sorting and the place where a page ends."""
    after = Mark(folder=False, value=17, name=key)
    for address in (folder_address(f"{key}/"), page_address(f"{key}/", "size", reverse=True, after=after)):
        path, _, query = address.partition("?")
        asked = read(path.encode("ascii"), query.encode("ascii"))
        assert (asked.name, asked.folder) == (f"{key}/", True)
        assert "//" not in path
        assert asked.after in {None, after}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (b"*", b""),
        (b"http://evil.example/", b""),
        (b"/%ff", b""),
        (b"/", b"key=%ff"),
        (b"/", b"sort=digest"),
        (b"/", b"after=x"),
        (b"/", b"folder=a"),
        (b"/", b"&".join([b"json=1"] * 30)),
        (b"/", b"after=o,1" + b"0" * 5000 + b",x"),
    ],
)
def test_what_stands_for_nothing_is_no_address(path: bytes, query: bytes) -> None:
    """What no link of ours has is refused, not guessed at."""
    with pytest.raises(NoAddress):
        read(path, query)
