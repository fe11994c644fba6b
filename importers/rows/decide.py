"""Row after row under the lock: each is applied before the next one is decided."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from ledger.submit import Needs

UNFORESEEN = (ValueError, LookupError, TypeError, RecursionError)
"""What no row should make its import raise; it is that row's fault alone."""

logger = logging.getLogger(__name__)


class HasNumber(Protocol):
    """A row, known by a number."""

    @property
    def number(self) -> int:
        """Return the number, as people or the API count rows."""


R = TypeVar("R", bound=HasNumber)
V = TypeVar("V")


def needs_of(named: Iterable[tuple[Iterable[str], Iterable[str]]]) -> Needs:
    """Return the needs of rows by the case ids and the external ids that each names."""
    case_ids: set[str] = set()
    external_ids: set[str] = set()
    for by_id, by_external in named:
        case_ids.update(by_id)
        external_ids.update(by_external)
    return Needs(case_ids=case_ids, external_ids=external_ids)


def decide_each(
    rows: Iterable[R],
    *,
    decide: Callable[[R], V],
    apply: Callable[[R, V], None],
    unforeseen: Callable[[R, Exception], None],
    job_id: str,
) -> None:
    """Decide rows in their order, and apply what was decided of each.

    What ``decide`` raises that nobody foresaw goes to ``unforeseen``, and the rows
    behind go on. What ``apply`` raises fails the whole commit: some of the row may
    have been appended.
    """
    # The next row is asked for when the one before is applied, so that ``rows`` may do
    # what has to be done between the two.
    for row in rows:
        try:
            verdict = decide(row)
        except UNFORESEEN as error:
            extra = {"job_id": job_id, "row": row.number}
            logger.exception("row_not_decided", extra=extra)
            unforeseen(row, error)
        else:
            apply(row, verdict)
