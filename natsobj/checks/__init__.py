"""Looks at a whole bucket: verify what is stored, find the chunks that no object refers to."""
