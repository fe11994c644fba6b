"""What the projections are called, in commands and in the database."""

from __future__ import annotations

CASES = "cases"
FORMS = "forms"
