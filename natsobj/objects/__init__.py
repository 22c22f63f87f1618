"""One object's life: stored, committed, fetched, deleted."""
