"""Why a table cannot be read, and how large it may be. Pure.

The texts are those of ``rules/excel-import.md`` 3.2, without what that API puts in
front of them; other APIs have texts of their own and go by the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.errors import LedgerError

_MB = 1_000_000


class Reason(StrEnum):
    """What kind of refusal it is."""

    FORMAT = "format"
    """The name of the file has no extension that is read."""
    SIZE = "size"
    PASSWORD = "password"  # noqa: S105 - no secret
    DAMAGED = "damaged"
    """The file is not what its name says, or broken, or a bomb."""
    RESOURCES = "resources"
    """Reading took too much memory or time, or the reader crashed."""
    NO_SHEETS = "no_sheets"
    NO_SHEET = "no_sheet"
    """There is no sheet of the name that was asked for."""
    NO_HEADER = "no_header"
    """The row of the header is blank, and there are rows below it."""
    COLUMNS = "columns"
    ROWS = "rows"


class Unreadable(LedgerError):
    """A file cannot be read as a table; ``text`` is for whoever sent it.

    ``headers`` are those of a table that has too many columns or rows.
    """

    def __init__(
        self, reason: Reason, text: str, *, headers: tuple[str, ...] = ()
    ) -> None:
        """Keep the kind of refusal and its text."""
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.headers = headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a table may need (``rules/excel-import.md`` 16).

    ``lines`` counts those of a text file, blank ones and those inside of cells too, and
    ``sheet_rows`` the rows that a sheet has, blank ones too. ``unpacked`` and
    ``ratio`` bound what a zip holds: so many bytes, and so many times the file.
    ``span`` is how many cells may lie between the first and the last one of a sheet,
    empty ones included. ``memory`` is the address space of the process that reads,
    ``cpu_seconds`` its time on a processor, and ``wait_seconds`` how long its reader
    waits for it in all.
    """

    rows: int = 100_000
    columns: int = 300
    file_size: int = 50 * _MB
    lines: int = 1_000_000
    sheet_rows: int = 1_048_576
    unpacked: int = 1_000 * _MB
    ratio: int = 200
    parts: int = 2_000
    span: int = 1_000_000_000
    row_length: int = 10_000_000
    memory: int = 256 * 1024 * 1024
    cpu_seconds: int = 600
    wait_seconds: int = 900

    def file_too_large(self) -> Unreadable:
        """Return how a file above ``file_size`` is refused (check 19)."""
        return Unreadable(
            Reason.SIZE, f"The file is larger than {self.file_size / _MB:g} MB."
        )

    def too_many_columns(self, headers: tuple[str, ...]) -> Unreadable:
        """Return how a header above ``columns`` is refused (check 15)."""
        return Unreadable(
            Reason.COLUMNS,
            "Your spreadsheet has too many columns. "
            f"A maximum of {self.columns} is supported.",
            headers=headers,
        )

    def too_many_rows(self) -> Unreadable:
        """Return how a table above ``rows`` is refused (check 16)."""
        return Unreadable(
            Reason.ROWS,
            "Your spreadsheet has too many rows. "
            f"A maximum of {self.rows} is supported.",
        )

    def too_many_lines(self, row: int) -> Unreadable:
        """Return how a text file above ``lines`` is refused, which ``row`` reaches."""
        return Unreadable(
            Reason.ROWS,
            f"Row {row} is behind {self.lines} lines, and no more are read. "
            "Blank rows count: delete those at the end, or split the file",
        )

    def too_many_sheet_rows(self, sheet: str) -> Unreadable:
        """Return how a sheet above ``sheet_rows`` is refused."""
        told = f"The sheet '{sheet}'" if sheet else "A sheet"
        return Unreadable(
            Reason.ROWS,
            f"{told} has more than {self.sheet_rows} rows. "
            "Blank rows count: delete those below the data, and save it again",
        )


def no_header(row: int, first: int) -> Unreadable:
    """Return how a table is refused whose header is blank, with what to do."""
    return Unreadable(
        Reason.NO_HEADER,
        f"Row {row} is blank, so there are no headers; the first row with values is "
        f"row {first}. Delete the rows above it, or say header_row={first} "
        f"(on the command line: --header-row {first})",
    )


DEFAULT_LIMITS = Limits()
