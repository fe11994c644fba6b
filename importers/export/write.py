"""Exports of cases and forms: all of a domain in one file, in constant memory.

A table needs its columns before its first row, so CSV and Excel read everything twice,
from one snapshot. What is kept in memory are the names of columns, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Generic, TypeAlias, TypeVar

from importers.export import rows as export_rows
from importers.export.formats import Format
from importers.export.rows import Layout
from importers.export.sinks import write_csv, write_jsonl, write_xlsx
from ledger.store import Reader
from projections.forms.stream import count_forms, stream_forms
from projections.lists.stream import count_cases, stream_cases
from projections.rebuild.fresh import Progress, silent
from projections.rule.case_row import SeenCase

T = TypeVar("T")
Rows: TypeAlias = Generator[T, None, None]

_STRIDE = 500
"""How many rows are done between two words about the progress."""


def export_cases(
    r: Reader,
    out: BinaryIO,
    *,
    file_format: Format,
    case_type: str | None = None,
    layout: Layout[SeenCase] = export_rows.CASES,
    mark: bytes = b"",
    progress: Progress = silent,
) -> int:
    """Write the cases of a snapshot, closed ones too; return how many there were.

    ``mark`` is written before a CSV file, such as ``BYTE_ORDER_MARK``.

    Raises ``Conflict`` for what the format cannot hold.
    """
    export = _Export(
        layout=layout,
        mark=mark,
        stream=partial(stream_cases, r, case_type),
        count=partial(count_cases, r, case_type),
        progress=progress,
    )
    return export.write(out, file_format)


def export_forms(
    r: Reader,
    out: BinaryIO,
    *,
    file_format: Format,
    xmlns: str | None = None,
    mark: bytes = b"",
    progress: Progress = silent,
) -> int:
    """Write the normal forms of a snapshot; return how many there were.

    Raises ``Conflict`` for what the format cannot hold.
    """
    export = _Export(
        layout=export_rows.FORMS,
        mark=mark,
        stream=partial(stream_forms, r, xmlns),
        count=partial(count_forms, r, xmlns),
        progress=progress,
    )
    return export.write(out, file_format)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Export(Generic[T]):
    """Things that can be streamed as often as it takes, and how they are written."""

    layout: Layout[T]
    stream: Callable[[], Rows[T]]
    count: Callable[[], int]
    progress: Progress
    mark: bytes = b""

    def write(self, out: BinaryIO, file_format: Format) -> int:
        """Write everything in a format; return how many things there were."""
        if file_format is Format.JSONL:
            steps = _Steps(self.count(), self.progress)
            with closing(self.stream()) as things:
                return write_jsonl(out, map(self.layout.line, steps.of(things)))
        steps = _Steps(2 * self.count(), self.progress)
        columns = self._columns(steps)
        with closing(self.stream()) as things:
            rows = map(self.layout.cells, steps.of(things))
            if file_format is Format.CSV:
                out.write(self.mark)
                return write_csv(out, columns, rows)
            return write_xlsx(out, columns, rows, title=self.layout.title)

    def _columns(self, steps: _Steps) -> list[str]:
        names: dict[str, None] = {}
        with closing(self.stream()) as things:
            for cells in map(self.layout.cells, steps.of(things)):
                names.update(dict.fromkeys(cells))
        return self.layout.columns(names)


class _Steps:
    """How far an export has come, over all its passes."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total = total
        self._progress = progress
        self._done = 0

    def of(self, things: Iterator[T]) -> Iterator[T]:
        """Yield the things, telling now and then how many have gone by."""
        for thing in things:
            yield thing
            self._done += 1
            if self._done % _STRIDE == 0 or self._done == self._total:
                self._progress(self._done, self._total)
