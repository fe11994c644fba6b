"""Column types that mean the same on both databases.

Times are stored as canonical text or as microseconds (``times.py``), JSON as the very
text that is sent, so no type needs a converter and both databases order alike.
"""

from __future__ import annotations

from sqlalchemy import LargeBinary, MetaData, Text

Sortable = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by code point, as Python and SQLite do."""

Bytes = LargeBinary()

metadata = MetaData()
"""The tables that are kept for ever."""
