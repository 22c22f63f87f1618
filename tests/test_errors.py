"""The tree of errors: what the module's docstring draws is what there is."""

from __future__ import annotations

import re

import pytest

from natsobj import errors
from natsobj.errors import NatsobjError

DRAWN_LINE = re.compile(r"^(?P<branches>(?:│   |    )*[├└]── )?(?P<name>[A-Z]\w+)(?:  +\S.*)?$", re.MULTILINE)


def drawn_parents() -> dict[str, str]:
    """Each class that the docstring draws, with the class that it hangs on; the root hangs on `Exception`."""
    assert errors.__doc__ is not None
    tree = errors.__doc__.split("\n\n")[1]
    parents: dict[str, str] = {}
    path = ["Exception"]
    for line in DRAWN_LINE.finditer(tree):
        depth = len(line["branches"] or "") // 4
        path[depth + 1 :] = [line["name"]]
        parents[line["name"]] = path[depth]
    assert len(parents) == len(tree.splitlines()), "a line that is no class, or a class that is drawn twice"
    return parents


DRAWN = drawn_parents()
DEFINED = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}


@pytest.mark.parametrize(("name", "parent"), DRAWN.items())
def test_every_drawn_class_exists_with_that_parent(name: str, parent: str) -> None:
    """The drawing is true: a class stands below its one and only base."""
    assert [base.__name__ for base in DEFINED[name].__bases__] == [parent]


def test_every_class_is_drawn_and_exported() -> None:
    """The drawing is complete, and so is `__all__`, which is sorted."""
    assert set(DEFINED) == set(DRAWN) == set(errors.__all__)
    assert list(errors.__all__) == sorted(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_class_says_what_it_means(name: str) -> None:
    """An error that needs a look into the source to be understood is not finished."""
    assert (DEFINED[name].__doc__ or "").strip().endswith(".")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (errors.InvalidBucketName("a b"), "invalid bucket name: a b"),
        (errors.InvalidBucketName(""), "invalid bucket name: an empty one"),
        (errors.InvalidKey("", "it is empty"), "invalid key: it is empty"),
        (errors.BucketNotFound("photos"), "no such bucket: photos"),
        (errors.ObjectNotFound("photos", "cat"), "no such object: photos/cat"),
        (
            errors.ObjectNotFound("photos", "cat", deleted_meanwhile=True),
            "deleted while it was read: photos/cat",
        ),
        (errors.ServerUnavailable("nats://a"), "no server at nats://a"),
        (errors.ServerUnavailable("nats://a", "refused"), "no server at nats://a: refused"),
        (errors.RequestTimeout("the list", 2.5), "the list: no answer within 2.5 s"),
        (errors.UnsupportedServer("2.9.1"), "nats-server 2.9.1 is too old: 2.11 or newer is needed"),
        (errors.OutcomeUnknown("b", "k"), "outcome unknown: the server did not confirm b/k"),
        (errors.SourceChanged("a.log"), "changed while it was read: a.log"),
        (
            errors.SourceChanged("a.log", only_time=True),
            "changed while it was read: a.log (its modification time, not its size)",
        ),
        (errors.ObjectChanged("b", "k"), "changed while it was read: b/k"),
        (errors.ObjectChanged("b", "k", read=False), "replaced by another writer at the same time: b/k"),
        (errors.ChunksLost("b"), "chunks of an upload to b were changed or removed by others"),
        (errors.BucketExists("b"), "bucket exists: b"),
        (errors.ObjectExists("b", "k"), "object exists: b/k"),
        (errors.FileExists("a.log"), "file exists: a.log"),
        (errors.BucketSealed("b"), "bucket is sealed: b"),
        (errors.BucketReadOnly("b"), "bucket is a mirror and read-only: b"),
        (errors.BucketFull("b", "maximum bytes exceeded"), "bucket is full: b: maximum bytes exceeded"),
        (errors.AuthenticationFailed("nats://a"), "not authorised by nats://a"),
        (errors.PermissionDenied("$O.b.C.x"), "permission denied: $O.b.C.x"),
        (
            errors.ChunksMissing("b", "k", expected=1234, stored=0),
            "broken: b/k: 0 of 1,234 chunks are stored",
        ),
        (errors.SizeMismatch("b", "k", expected=5000, stored=4), "broken: b/k: 4 bytes instead of 5,000"),
        (
            errors.DigestMismatch("b", "k", expected="a" * 64, actual="b" * 64),
            "broken: b/k: digest is bbbbbbbbbbbb instead of aaaaaaaaaaaa",
        ),
        (errors.InvalidMetadata("b", "aw==", "not JSON"), "unreadable metadata: b/aw==: not JSON"),
        (errors.ServerError("stream not found", 10059), "stream not found (10059)"),
        (errors.ServerError("no words"), "no words"),
    ],
)
def test_a_message_is_one_line_that_names_the_thing(error: NatsobjError, message: str) -> None:
    """What is said of an error without any help of the command line is enough to know what it is about."""
    assert str(error) == message
