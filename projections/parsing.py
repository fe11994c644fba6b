"""Parsing forms for a replay, in this process or in helpers of its own.

Folding stays in order; only the parsing, which is most of a replay's time, is spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Self

from ledger.entry import Entry, Kind
from ledger.form import Form
from ledger.formxml import parse_form

Source = tuple[int, bytes]

_WORTH_SPREADING = 200


class FormParser:
    """Parses the normal forms among entries, with as many processes as it is given."""

    def __init__(self, workers: int) -> None:
        """Start ``workers`` processes; one means this process alone."""
        self._workers = workers
        self._pool = (
            ProcessPoolExecutor(workers, mp_context=get_context("forkserver"))
            if workers > 1
            else None
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def parse(self, items: Sequence[tuple[Entry, bytes | None]]) -> Mapping[int, Form]:
        """Return the form of each normal entry, by position."""
        sources = [
            (entry.position, body)
            for entry, body in items
            if entry.kind is Kind.NORMAL and body is not None
        ]
        if self._pool is None or len(sources) < _WORTH_SPREADING:
            return dict(_parse(sources))
        size = -(-len(sources) // self._workers)
        parts = [sources[i : i + size] for i in range(0, len(sources), size)]
        return {
            position: form
            for part in self._pool.map(_parse, parts)
            for position, form in part
        }


def _parse(sources: Sequence[Source]) -> list[tuple[int, Form]]:
    return [(position, parse_form(body)) for position, body in sources]
