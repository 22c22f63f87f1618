"""ADR-20 as pure functions: `names` (subjects), `records` (objects as JSON), `streams` (buckets as streams).

What is written is exactly ADR-20; what is read is read leniently, for other clients take liberties.
"""
