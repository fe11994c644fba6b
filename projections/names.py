"""What the projections are called, in commands and in the database."""

from __future__ import annotations

CASES = "cases"
FORMS = "forms"

LEAVING = -1
"""``built_to`` of a name with an index that covers no case any more but has rows."""
