"""Tests of `natsobj serve`."""
