"""What became of the records of a command, and how many ended in which way. Pure.

``rules/batch-imports.md`` R0.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importers.rows.rules.form import Origin
from ledger.imports.values import ImportRow, Outcome

Counts = Mapping[str, int]
"""How many records ended in which way, by its word."""


class Kept:
    """Rows that will be kept, in the order of their records."""

    def __init__(self, origin: Origin) -> None:
        """Begin with none."""
        self.rows: list[ImportRow] = []
        self._origin = origin

    def note(self, number: int, outcome: Outcome, **about: Any) -> None:
        """Take in how a record ended; ``about`` are fields of its row."""
        self.rows.append(
            ImportRow(
                api=self._origin.api,
                job_id=self._origin.job_id,
                record=number,
                file=self._origin.file,
                outcome=outcome,
                **about,
            )
        )

    @property
    def counts(self) -> Counts:
        """Return the counts; each way is there."""
        counts = {outcome.value: 0 for outcome in Outcome}
        for row in self.rows:
            counts[row.outcome.value] += 1
        return counts


def added(before: Counts, counts: Counts) -> dict[str, int]:
    """Return counts with those of the commands before."""
    return {word: before.get(word, 0) + count for word, count in counts.items()}
