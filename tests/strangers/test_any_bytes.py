"""Decoding is total: any bytes are an object, or `InvalidMetadata` in a few words."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import pytest

from natsobj.adr20 import names, records
from natsobj.errors import InvalidMetadata
from natsobj.models import ObjectInfo
from tests.chance import seed_of
from tests.golden import NOW
from tests.strangers.fuzz import Fuzz


def read(record: bytes, subject: str) -> ObjectInfo | None:
    """Decode a record; None where it is unreadable, as the error says in a short line."""
    try:
        return records.decode_object("b", record, subject=subject, revision=7, modified=NOW)
    except InvalidMetadata as e:
        error = e
    assert error.where == names.key_of_subject(subject)
    assert (
        len(str(error).replace(error.where, "", 1).encode()) < 400
    )  # the name is whole: it is what rm takes
    assert (error.__cause__, error.__context__) == (None, None)
    return None


def check_object(info: ObjectInfo) -> None:
    """What must be true of any object, whatever it was read from."""
    written = json.dumps(asdict(info), ensure_ascii=False, default=datetime.isoformat).encode()
    assert json.loads(written)["name"] == info.name != ""
    assert 0 <= info.size < 2**63
    assert 0 <= info.chunks < 2**63
    assert info.nuid is None or names.chunk_subject("b", info.nuid).count(".") == 3
    assert not (info.deleted and (info.size or info.chunks or info.digest or info.link))


def check_tombstone(record: bytes, info: ObjectInfo | None, subject: str) -> None:
    """Whatever is there can be buried, and what can be read keeps its name and its nuid."""
    tombstone = read(records.encode_tombstone(record, bucket="b", name="k"), subject)
    assert tombstone is not None
    assert tombstone.deleted
    assert (tombstone.name, tombstone.nuid) == (("k", None) if info is None else (info.name, info.nuid))


def test_any_record_is_an_object_or_unreadable(pytestconfig: pytest.Config) -> None:
    """Nothing else is ever raised, and what is read can be written, shown and deleted."""
    seed, readable = seed_of(pytestconfig), 0
    number: int = pytestconfig.getoption("--fuzz-records")
    for each in range(number):
        fuzz = Fuzz(f"{seed} {each}")
        record = fuzz.record()
        subject = fuzz.subject("b", record)
        try:
            info = read(record, subject)
            if info is not None:
                check_object(info)
                readable += 1
            check_tombstone(record, info, subject)
        except Exception as e:
            e.add_note(f"record {each} of --fault-seed={seed}: {record[:1000]!r} under {subject}")
            raise
    assert 0 < readable < number, f"--fault-seed={seed}"


@pytest.mark.parametrize("order", range(20))
def test_a_subject_is_always_found_by_the_key_that_it_stands_for(
    order: int, pytestconfig: pytest.Config
) -> None:
    """A record that cannot be read is shown by that key, and removed by it."""
    fuzz = Fuzz(f"{seed_of(pytestconfig)} subject {order}")
    subject = fuzz.subject("b")
    assert subject in names.key_subjects("b", names.key_of_subject(subject))
