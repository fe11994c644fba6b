"""By which character the cells of a text file are parted: told by its first rows. Pure.

``rules/excel-import.md`` 4.1b. A delimiter is one that parts the header, and the rows
below it in as many cells; of several the usual one, then the one with more cells.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from itertools import islice

DELIMITERS = (",", ";", "\t", "|")
_ROWS = 100
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def name_of(delimiter: str) -> str:
    """Return how people call a delimiter."""
    return _NAMES.get(delimiter, repr(delimiter))


def declared(line: str) -> str | None:
    """Return the delimiter that a first line ``sep=;`` declares."""
    said = line.strip("\r\n").strip('"')
    is_one = len(said) == len("sep=;") and said.lower().startswith("sep=")
    return said[-1] if is_one and said[-1] not in "\"'\r\n" else None


def delimiter_of(text: str, usual: str, *, header_row: int = 1) -> str:
    """Return the delimiter of the first lines of a file, the usual one in doubt."""
    fits = []
    for delimiter in dict.fromkeys((usual, *DELIMITERS)):
        rows = _parsed(text, delimiter)[header_row - 1 :]
        header = next((row for row in rows if any(map(str.strip, row))), [])
        if len(header) > 1:
            fits.append((_fit(header, rows), delimiter))
    return max(fits, key=lambda fit: fit[0])[1] if fits else usual


def _fit(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[float, int]:
    """Return how well a delimiter fits; better is greater."""
    below = [row for row in rows if row is not header and any(map(str.strip, row))]
    alike = sum(len(row) == len(header) for row in below)
    # A header that another delimiter would part further was parted by chance.
    torn = sum(any(one in cell for one in DELIMITERS) for cell in header)
    share = alike / len(below) if below else 1.0
    return round(share - torn / len(header), 2), len(header)


def _parsed(text: str, delimiter: str) -> list[list[str]]:
    """Return the first rows; none where its quotes do not fit the delimiter."""
    found: list[list[str]] = []
    try:
        rows = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
        found.extend(islice(rows, _ROWS))
    except csv.Error as error:
        # The head may end inside of a quoted cell.
        if "unexpected end of data" not in str(error):
            return found if len(found) > 1 else []
    return found
