"""Whole folders: files below one become objects under a prefix, and the other way round."""
