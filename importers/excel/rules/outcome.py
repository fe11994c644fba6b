"""What becomes of the rows of an import. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from importers.excel.rules.decide import Known, RowError, Skip, Wish
from importers.rows.rules.overlay import Overlay


@dataclass(frozen=True, slots=True)
class Written:
    """A row that was stored."""

    creates: bool


RowOutcome = Written | RowError | Skip


@dataclass(frozen=True, slots=True)
class Done:
    """What became of rows, by number.

    ``waiting`` are handed back. ``failed_chunks`` are the numbers of the forms that
    were kept as errors. ``left`` are the cases that a dry run would have left.
    """

    rows: tuple[tuple[int, RowOutcome], ...]
    waiting: tuple[Wish, ...]
    chunks: int
    failed_chunks: tuple[int, ...]
    left: Overlay[Known]
