"""Generations: build one from the log, catch up, swap it in, drop the old one.

Reads and writes go on meanwhile on the live generation. A replay that is killed
resumes at its checkpoint. See ``docs/decisions`` for why read tables are never
migrated.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, delete, func, select, update

from ledger.clock import now_micros
from ledger.entry import IndexedName
from ledger.errors import Conflict
from ledger.storage.connection import Connection, Statement
from ledger.storage.schema import create_index, drop_tables, indexes_of
from ledger.store import Reader, Store, Writer
from ledger.tables import checkpoints, domains, generations
from projections.names import CASES, FORMS, LEAVING
from projections.rebuild.fresh import (
    Progress,
    Rebuild,
    collecting_rarely,
    property_rows,
    silent,
)
from projections.rebuild.generations import (
    LIVE,
    VERSIONS,
    all_generations,
    metadata_of,
    open_generation,
    set_state,
)
from projections.rebuild.parsing import Chunk, FormParser
from projections.rebuild.reading import pass_through, read
from projections.tables import CaseTables, case_tables, form_tables

NEAR = 500
"""How many entries the swap may still have to fold while writers wait."""
_KEEP_RETIRED_MICROS = 60_000_000
"""How long a retired generation is kept for reads that began on it."""

_READ_CHECKPOINT = Statement(
    select(checkpoints.c.position).where(
        checkpoints.c.domain == bindparam("domain"),
        checkpoints.c.generation == bindparam("generation"),
    )
)
_MOVE_CHECKPOINT = Statement(
    update(checkpoints)
    .where(
        checkpoints.c.domain == bindparam("d"),
        checkpoints.c.generation == bindparam("g"),
        checkpoints.c.position == bindparam("old"),
    )
    .values(position=bindparam("new"))
    .returning(checkpoints.c.position)
)
_UNFINISHED = Statement(
    select(func.max(generations.c.generation))
    .select_from(
        generations.join(
            checkpoints, checkpoints.c.generation == generations.c.generation
        )
    )
    .where(
        checkpoints.c.domain == bindparam("domain"),
        generations.c.projection == bindparam("projection"),
        generations.c.version == bindparam("version"),
        generations.c.state == "building",
    )
)
_IN_USE = Statement(select(domains.c.live_cases, domains.c.live_forms))
_DROP_CHECKPOINTS = Statement(
    delete(checkpoints).where(checkpoints.c.generation == bindparam("g"))
)
_DROP_GENERATION = Statement(
    delete(generations).where(generations.c.generation == bindparam("g"))
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay did."""

    generations: Mapping[str, int]
    entries: int
    seconds: float

    @property
    def rate(self) -> float:
        """Return how many entries were folded a second."""
        return self.entries / self.seconds if self.seconds else 0.0


def replay(
    store: Store,
    domain: str,
    *,
    projections: Sequence[str] = (CASES, FORMS),
    workers: int = 1,
    progress: Progress = silent,
) -> Report:
    """Rebuild the read tables of a domain from its log and swap them in.

    Raises ``NotFound`` for an unknown domain and ``Conflict`` when another replay of
    the same domain is at work.
    """
    started = time.perf_counter()
    with collecting_rarely(), FormParser(workers) as parser:
        build = _Build(store, domain, projections, parser)
        first = build.position
        build.catch_up(progress)
        build.finish_tables()
        build.catch_up(progress)
        build.swap()
    seconds = time.perf_counter() - started
    prune(store)
    return Report(build.numbers, build.position - first, seconds)


def prune(store: Store, *, older_than: int = _KEEP_RETIRED_MICROS) -> list[int]:
    """Drop the generations that no domain reads from any more."""
    dropped = []
    with store.administering() as conn:
        used = {number for row in conn.rows(_IN_USE) for number in row}
        latest = now_micros() - older_than
        for found in all_generations(conn):
            idle = found.generation not in used and found.changed_on <= latest
            if idle and found.state == "retired":
                drop_tables(conn, metadata_of(found.projection, found.generation))
                conn.run(_DROP_CHECKPOINTS, g=found.generation)
                conn.run(_DROP_GENERATION, g=found.generation)
                dropped.append(found.generation)
    return dropped


class _Build:
    """One domain's new generations while they are being built."""

    def __init__(
        self,
        store: Store,
        domain: str,
        projections: Sequence[str],
        parser: FormParser,
    ) -> None:
        self._store = store
        self._domain = domain
        self._parser = parser
        with store.reading(domain) as reader:
            self._reader = Reader(reader.conn, domain, reader.head)
        pass_through(self._reader.conn)
        self._indexed: tuple[IndexedName, ...] = ()
        with store.administering() as conn:
            self.numbers, self.position = _open(conn, domain, projections)
        self._reached = self.position
        self._rebuild = self._new_rebuild()

    def catch_up(self, progress: Progress) -> None:
        """Fold batches until the head is near; live traffic goes on."""
        while (total := self._head_position()) - self.position > NEAR:
            with self._ahead(self._parser.parsed(self._chunks(total))) as chunks:
                for chunk in chunks:
                    self._fold(chunk)
                    if self._rebuild.is_full or self._reached == total:
                        with self._store.administering() as conn:
                            self._save(conn)
                        progress(self.position, total)

    def _head_position(self) -> int:
        with self._store.reading(self._domain) as reader:
            return reader.head.position

    def _chunks(self, total: int) -> Iterator[Chunk]:
        """Yield the entries that are not folded yet, up to a position."""
        position = self._reached
        while position < total:
            with self._store.reading(self._domain) as reader:
                chunk = read(reader, position, last=total)
            position = chunk.position
            yield chunk

    def _ahead(
        self, chunks: Iterator[Chunk]
    ) -> AbstractContextManager[Iterator[Chunk]]:
        """Read and parse while the server writes; SQLite would have nobody to wait for.

        Its driver also gives way to other threads at every row it writes.
        """
        return nullcontext(chunks) if self._store.reads_inline else ahead(chunks)

    def finish_tables(self) -> None:
        """Create the secondary indexes and fill those of properties."""
        for projection, generation in self.numbers.items():
            for index in indexes_of(metadata_of(projection, generation)):
                with self._store.administering() as conn:
                    create_index(conn, index)
        if CASES in self.numbers:
            self._fill_properties(case_tables(self.numbers[CASES]))

    def _fill_properties(self, tables: CaseTables) -> None:
        """Index the properties that are indexed now; a killed try is wiped first."""
        with self._store.reading(self._domain) as reader:
            names = reader.head.indexed
        self._indexed = tuple(name for name in names if name.built_to is None)
        with self._store.administering() as conn:
            clear_properties(conn, self._domain, tables)
        if self._indexed:
            conn = self._reader.conn
            for rows in property_rows(conn, self._domain, tables, self._indexed):
                with self._store.administering():
                    rows.save_additions(conn, tables)
        self._rebuild.keep_indexed(self._indexed)

    def swap(self) -> None:
        """Fold the rest while holding the head, and let reads follow."""
        with self._store.writing(self._domain) as writer:
            while self.position < (last := writer.head.position):
                (chunk,) = self._parser.parsed([read(writer, self.position, last=last)])
                self._fold(chunk)
                self._save(writer.conn)
            old = dict(writer.head.live)
            writer.head = replace(
                writer.head,
                live={**old, **self.numbers},
                indexed=self._still_indexed(writer),
            )
            writer.save_head()
            self._retire(writer.conn, old)

    def _new_rebuild(self) -> Rebuild:
        cases, forms = self.numbers.get(CASES), self.numbers.get(FORMS)
        return Rebuild(
            self._reader,
            self._reader.conn,
            cases=None if cases is None else case_tables(cases),
            forms=None if forms is None else form_tables(forms),
        )

    def _fold(self, chunk: Chunk) -> None:
        self._rebuild.fold(chunk.items, chunk.forms)
        self._reached = chunk.position

    def _save(self, conn: Connection) -> None:
        """Write a batch and move the checkpoints in the same transaction."""
        self._rebuild.save()
        for projection, generation in self.numbers.items():
            moved = conn.row(
                _MOVE_CHECKPOINT,
                d=self._domain,
                g=generation,
                old=self.position,
                new=self._reached,
            )
            if moved is None:
                raise Conflict(
                    f"another replay of {projection} in {self._domain} is at work"
                )
        self.position = self._reached

    def _still_indexed(self, writer: Writer) -> tuple[IndexedName, ...]:
        """Return the indexed names; those that came meanwhile are built anew."""
        if CASES not in self.numbers:
            return writer.head.indexed
        built = {name.name_id for name in self._indexed}
        return tuple(
            name if name.name_id in built else replace(name, built_to=0)
            for name in writer.head.indexed
            if name.built_to != LEAVING
        )

    def _retire(self, conn: Connection, old: Mapping[str, int]) -> None:
        now = now_micros()
        for generation in self.numbers.values():
            set_state(conn, generation, LIVE, now=now)
        used = {number for row in conn.rows(_IN_USE) for number in row}
        for projection in self.numbers:
            if old[projection] not in used:
                set_state(conn, old[projection], "retired", now=now)


@contextmanager
def ahead(chunks: Iterator[Chunk]) -> Iterator[Iterator[Chunk]]:
    """Make each chunk in a thread while the one before it is being used."""
    with ThreadPoolExecutor(1, thread_name_prefix="caseledger-replay") as thread:
        yield _each(thread, chunks)


def _each(thread: ThreadPoolExecutor, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    coming = thread.submit(next, chunks, None)
    while (chunk := coming.result()) is not None:
        coming = thread.submit(next, chunks, None)
        yield chunk


def clear_properties(conn: Connection, domain: str, tables: CaseTables) -> None:
    """Empty the property index of a domain and the counters that go with it."""
    index, counts = tables.property_index, tables.case_counts
    conn.run(
        Statement(delete(index).where(index.c.domain == bindparam("domain"))),
        domain=domain,
    )
    conn.run(
        Statement(
            delete(counts).where(
                counts.c.domain == bindparam("domain"), counts.c.name_id > 0
            )
        ),
        domain=domain,
    )


def _open(
    conn: Connection, domain: str, projections: Sequence[str]
) -> tuple[dict[str, int], int]:
    """Return the generations to build and how far they have come.

    What a killed replay left is taken up again when all of it stands at one position.
    """
    left = {
        projection: conn.value(
            _UNFINISHED,
            domain=domain,
            projection=projection,
            version=VERSIONS[projection],
        )
        for projection in projections
    }
    positions = {
        conn.value(_READ_CHECKPOINT, domain=domain, generation=generation)
        for generation in left.values()
        if generation is not None
    }
    if None not in left.values() and len(positions) == 1:
        return left, positions.pop()
    for generation in left.values():
        if generation is not None:
            set_state(conn, generation, "retired", now=now_micros())
    numbers = {p: open_generation(conn, p, now=now_micros()) for p in projections}
    conn.insert(checkpoints, [(domain, number, 0) for number in numbers.values()])
    return numbers, 0
