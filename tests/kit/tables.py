"""What the tests of readers ask of a table."""

from __future__ import annotations

import pytest

from importers.tables.open import open_table
from importers.tables.unreadable import DEFAULT_LIMITS, Unreadable


def texts(table):
    """Return the number and the texts of each row."""
    return [(row.number, *row.texts) for row in table.rows()]


def read(path, file_name=None, **options):
    """Return the headers of a table, and the number and the texts of each row."""
    with open_table(
        path, file_name=path.name if file_name is None else file_name, **options
    ) as table:
        return table.headers, texts(table)


def refusal(path, file_name=None, *, limits=DEFAULT_LIMITS):
    """Return why a file cannot be read: the kind and the text."""
    with pytest.raises(Unreadable) as told:
        read(path, file_name, limits=limits)
    return told.value.reason, told.value.text
