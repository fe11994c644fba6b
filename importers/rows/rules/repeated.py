"""Columns of a file that have one name, and whether they say the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from importers.tables.notices import Notice
from ledger.forms.names import printable

DUPLICATE = "Duplicate column"
SAME = "Several columns have this header, and the same values"


class Different(ValueError):
    """Columns of one name say different things, so that some of it would be lost."""

    def __init__(self, name: str, row: int) -> None:
        """Say which columns differ, where first, and what to do."""
        super().__init__(
            f'Several columns are called "{printable(name)}", and they differ in row '
            f"{row}. Rename or remove all but one of them."
        )


class Repeated:
    """The columns of a table whose name another one has, too."""

    def __init__(self, names: Sequence[str]) -> None:
        """Find them; a blank name is none."""
        self._places = {
            name: [n for n, other in enumerate(names) if other == name]
            for name in dict.fromkeys(names)
            if name and names.count(name) > 1
        }

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._places)

    def notices(self) -> Iterator[Notice]:
        """Yield what is told of them."""
        for name in self._places:
            yield Notice(DUPLICATE, SAME, name)

    def check(self, row: int, cells: Sequence[str | None]) -> None:
        """Let a row pass in which they say the same; raises ``Different``.

        A row may be shorter than the header.
        """
        for name, places in self._places.items():
            said = {cells[n] or "" if n < len(cells) else "" for n in places}
            if len(said) > 1:
                raise Different(name, row)
