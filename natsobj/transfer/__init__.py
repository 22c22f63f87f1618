"""The bytes of one object: stored, committed, fetched."""
