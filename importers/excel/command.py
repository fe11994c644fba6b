"""Some rows of an import as one command: decided under the lock, a form per chunk.

Rows whose chunk is not full yet wait: they are handed back undecided, and the next
command begins with them. So what was counted was stored, and nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from importers.excel.cases import SessionCases
from importers.excel.rules.decide import (
    Decided,
    Importing,
    Known,
    Owners,
    decide,
)
from importers.excel.rules.form import XMLNS, build_chunk
from importers.excel.rules.outcome import Done, RowOutcome
from importers.excel.rules.told import chunk_id
from importers.excel.rules.wishes import RowError, Skip, Wish, looks_up, waits_for
from importers.jobs.turns import EXCEL
from importers.rows.append import ROW_BYTES, NotInForce, append_built, append_to
from importers.rows.decide import decide_each, needs_of
from importers.rows.rules.form import linked
from importers.rows.rules.overlay import Overlay
from importers.tables.notices import Notice
from ledger.entry import Author, Kind
from ledger.forms.case_block import CaseBlock
from ledger.ids import derived_hex_id
from ledger.submit import Draft, Needs, Session
from ledger.times import format_micros

MOST_BLOCKS = 100
"""How many case blocks a form has at most (``rules/excel-import.md`` 13.1)."""

_MOST_BYTES = 4_000_000
_FAILED = RowError(
    "Import Error", "", "Problems in importing cases. Please check the Excel file."
)
_UNFORESEEN = RowError(
    "Unexpected error",
    "",
    "Could not process case. If this persists, please report an issue to this server",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRows:
    """Rows of one sheet: each becomes a block, an error or nothing.

    ``first_chunk`` is the number of the next form; with the job's id it gives the
    form's id. ``known`` are the cases that earlier commands of a dry run would have
    left. A command that is not ``last`` hands back the rows of its last, open chunk.
    """

    job_id: str
    sheet: int
    importing: Importing
    wishes: tuple[Wish, ...]
    owners: Owners
    author: Author
    first_chunk: int
    chunk_size: int = MOST_BLOCKS
    last: bool = False
    dry_run: bool = False
    known: Overlay[Known] = field(default_factory=Overlay)

    @property
    def size(self) -> int:
        """Return about how many bytes the forms will have."""
        return ROW_BYTES * max(len(self.wishes), 1)

    def needs(self) -> Needs:
        """Look up every case that a row may mean or point at."""
        field = self.importing.columns.search_field
        return needs_of(looks_up(wish, field) for wish in self.wishes)

    def run(self, session: Session) -> Done:
        """Decide row after row, and append a form whenever a chunk is full."""
        return _Run(self, session.scratch() if self.dry_run else session).done()

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the job fails and goes on from where it was saved."""


class _Run:
    """The rows of one command on their way."""

    def __init__(self, command: ImportRows, session: Session) -> None:
        self._command = command
        self._session = session
        self._cases = SessionCases(session, command.known)
        self._open: list[tuple[Wish, Decided]] = []
        self._made: set[str | None] = set()
        self._length = 0
        self._rows: list[tuple[int, RowOutcome]] = []
        self._chunks = 0
        self._failed: list[int] = []
        self._created = 0
        self._updated = 0
        self._touched: set[str] = set()
        self._told: list[Notice] = []

    def done(self) -> Done:
        """Take all rows and return what became of each."""
        decide_each(
            self._in_turn(),
            decide=self._decided,
            apply=self._take,
            unforeseen=lambda wish, _: self._note(wish, _UNFORESEEN),
            job_id=self._command.job_id,
        )
        if self._command.last:
            self._flush()
        self._rows.sort(key=lambda found: found[0])
        return Done(
            rows=tuple(self._rows),
            waiting=tuple(wish for wish, _ in self._open),
            chunks=self._chunks,
            failed_chunks=tuple(self._failed),
            left=self._cases.left,
            touched=frozenset(self._touched),
            told=tuple(self._told),
            created=self._created,
            updated=self._updated,
        )

    def _in_turn(self) -> Iterator[Wish]:
        """Yield the rows, each when all that it names is stored (step 7)."""
        for wish in self._command.wishes:
            if not self._made.isdisjoint(waits_for(wish)):
                self._flush()
            yield wish

    def _decided(self, wish: Wish) -> Decided | RowError | Skip:
        command = self._command
        return decide(
            wish,
            command.importing,
            cases=self._cases,
            owners=command.owners,
            new_id=self._new_id,
        )

    def _new_id(self, wish: Wish) -> str:
        """Return the id of the case that a row makes."""
        command = self._command
        # The sheet is a part of it, as two sheets have rows of the same numbers.
        return derived_hex_id(
            command.job_id, "row", str(command.sheet), str(wish.number)
        )

    def _take(self, wish: Wish, found: Decided | RowError | Skip) -> None:
        """Put the block of a row into the open chunk, or note why it has none."""
        if not isinstance(found, Decided):
            self._note(wish, found)
            return
        self._open.append((wish, found))
        if found.creates:
            self._made.add(found.external_id)
        self._length += _length(found.block)
        full = len(self._open) >= self._command.chunk_size
        if full or self._length >= _MOST_BYTES:
            self._flush()

    def _note(self, wish: Wish, found: RowOutcome) -> None:
        self._rows.append((wish.number, found))

    def _flush(self) -> None:
        if not self._open:
            return
        number = self._command.first_chunk + self._chunks
        self._chunks += 1
        if self._append(chunk_id(self._command.job_id, number)) is None:
            self._note_stored([decided for _, decided in self._open])
        else:
            self._failed.append(number)
            for wish, _ in self._open:
                self._note(wish, _FAILED)
        self._open, self._length = [], 0
        self._made.clear()

    def _note_stored(self, stored: Sequence[Decided]) -> None:
        created = sum(decided.creates for decided in stored)
        self._created += created
        self._updated += len(stored) - created
        for decided in stored:
            self._cases.note(decided)
            self._touched.add(decided.block.case_id)
            self._told += decided.told

    def _append(self, form_id: str) -> NotInForce | None:
        """Append the form of the open chunk; return why it is not in force, if so."""
        command = self._command
        blocks = last_links(d.block for _, d in self._open)
        build = partial(
            build_chunk,
            [linked(block, self._cases.is_stored) for block in blocks],
            form_id=form_id,
            author=command.author,
            now=format_micros(self._session.clock()),
        )
        draft = Draft(
            Kind.NORMAL,
            form_id,
            xmlns=XMLNS,
            user_id=command.author.user_id,
            details={
                "job": command.job_id,
                "source": EXCEL,
                "sheet": command.sheet,
                "rows": [wish.number for wish, _ in self._open],
            },
        )
        return append_built(build, draft, append=append_to(self._session))


def last_links(blocks: Iterable[CaseBlock]) -> list[CaseBlock]:
    """Return the blocks of a form with only the last wish for each index.

    The fold applies a block that only links after those that update, whatever their
    order, but here the last row wins (``rules/excel-import.md`` 13.4).
    """
    found = list(blocks)
    if not any(block.indices for block in found):
        return found
    last = {(b.case_id, i.name): n for n, b in enumerate(found) for i in b.indices}
    return [
        block._replace(
            indices=tuple(i for i in block.indices if last[block.case_id, i.name] == n),
        )
        if block.indices
        else block
        for n, block in enumerate(found)
    ]


def _length(block: CaseBlock) -> int:
    create, update = block.create or {}, block.update or {}
    texts = chain(create, create.values(), update, update.values())
    return sum(map(len, texts))
