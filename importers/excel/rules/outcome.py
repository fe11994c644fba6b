"""What becomes of the rows of an import. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from importers.excel.rules.decide import Known
from importers.excel.rules.wishes import RowError, Skip, Wish
from importers.rows.rules.overlay import Overlay
from importers.tables.notices import Notice

RowOutcome = RowError | Skip
"""What becomes of a row that is not stored."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of rows: of those that were not stored, by number.

    ``created`` and ``updated`` count the others. ``waiting`` are handed back.
    ``touched`` are the cases that the stored rows made or changed, and ``told`` what is
    to be known of these rows. ``failed_chunks`` are the numbers of the forms that were
    kept as errors. ``left`` are the cases that a dry run would have left.
    """

    rows: tuple[tuple[int, RowOutcome], ...]
    waiting: tuple[Wish, ...]
    chunks: int
    failed_chunks: tuple[int, ...]
    left: Overlay[Known]
    touched: frozenset[str] = frozenset()
    told: tuple[Notice, ...] = ()
    created: int = 0
    updated: int = 0
