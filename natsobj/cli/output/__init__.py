"""What is shown: results on standard output, and all that is said to people on standard error."""

from __future__ import annotations
