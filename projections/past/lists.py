"""Lists of cases as they were: the log up to a cut, folded into a scratch file.

Nothing is kept beside the log for this, so a list of the past costs a replay up to
then. The fold of a cut stays for a while, for the other pages of the same list.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select

from ledger import log
from ledger.entry import Kind
from ledger.errors import Conflict, Overloaded
from ledger.log import GENESIS
from ledger.storage.connection import Connection, Statement
from ledger.storage.schema import create_indexes, create_tables
from ledger.store import Reader, Store, open_store
from ledger.tables import domains, entries
from ledger.tables import metadata as kept
from ledger.times import Micros
from projections.lists.filter import CaseFilter, CasePage, Page
from projections.lists.pages import list_cases, read_page
from projections.rebuild.fresh import Rebuild
from projections.rebuild.parsing import FormParser
from projections.tables import case_tables

_GENERATION = 1
_BATCH = 1_000
_MOST_KEPT = 2
"""Scratch files that stay for the next page."""
_MOST_WAITING = 4
"""Requests that may wait for one to be served."""
_IDLE_SECONDS = 300.0
"""How long a scratch file may stay that nobody asks for."""

_ERASED = Statement(
    select(entries.c.position)
    .where(
        entries.c.domain == bindparam("domain"),
        entries.c.position > bindparam("position"),
        entries.c.kind == Kind.ERASE.value,
    )
    .limit(1)
)


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A log up to one of its entries; ``head`` is where the whole of it ends."""

    domain: str
    position: int
    digest: bytes
    appended_on: Micros
    head: int


@dataclass(slots=True)
class _Scratch:
    """The fold of a cut; ``seen`` is how far the log was looked at for erasures."""

    folder: Path
    store: Store
    seen: int

    def drop(self) -> None:
        """Close the file and remove it."""
        self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Past:
    """Answers lists of the past, one at a time; one a process."""

    def __init__(
        self, store: Store, *, most_entries: int, idle_seconds: float = _IDLE_SECONDS
    ) -> None:
        """Fold cuts of at most ``most_entries`` entries."""
        self._store = store
        self.most_entries = most_entries
        self._idle_seconds = idle_seconds
        self._kept: OrderedDict[tuple[str, int], _Scratch] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._stopping = threading.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def read_page(
        self, domain: str, *, when: Micros, asked: CaseFilter, page: Page
    ) -> CasePage:
        """Return a page of the cases that matched at a time.

        A time at or behind the log's last entry is the present. Raises ``NotFound``
        for an unknown domain, ``Conflict`` when the log was longer than may be folded
        and ``Overloaded`` when too many wait.
        """
        look = partial(
            _page_or_cut, self._store, domain, when=when, asked=asked, page=page
        )
        found = await self._store.aside(look)
        if isinstance(found, CasePage):
            return found
        if found.position > self.most_entries:
            raise Conflict(
                f"The log had {found.position} entries by then: lists of the past are "
                f"made of at most {self.most_entries}",
                field="time",
            )
        return await self._in_turn(found, asked=asked, page=page)

    async def forget(self, domain: str) -> None:
        """Remove what was folded of a domain: something was erased from it."""
        async with self._turn:
            for key in [key for key in self._kept if key[0] == domain]:
                self._kept.pop(key).drop()

    def stop(self) -> None:
        """End a fold that is at work: whoever waits for it hears that it is over."""
        self._stopping.set()

    async def aclose(self) -> None:
        """Remove every scratch file."""
        self.stop()
        if self._timer is not None:
            self._timer.cancel()
        async with self._turn:
            self._drop_all()

    async def _in_turn(self, cut: Cut, *, asked: CaseFilter, page: Page) -> CasePage:
        if self._waiting > _MOST_WAITING:
            raise Overloaded("The server is busy; send the request again later")
        self._waiting += 1
        try:
            async with self._turn:
                scratch = await self._scratch(cut)
                return await read_page(
                    scratch.store, cut.domain, asked=asked, page=page
                )
        finally:
            self._waiting -= 1
            self._look_again_later()

    async def _scratch(self, cut: Cut) -> _Scratch:
        """Return the fold of a cut, made now unless it is there."""
        key = cut.domain, cut.position
        found = self._kept.pop(key, None)
        if found is not None and await self._store.aside(
            partial(_is_erased, self._store, cut, since=found.seen)
        ):
            # What was erased must not be read from a fold that was made before.
            found.drop()
            found = None
        if found is None:
            fold = partial(fold_cut, self._store, cut, stopping=self._stopping)
            folder, store = await self._store.aside(fold)
            found = _Scratch(folder, store, cut.head)
        found.seen = cut.head
        self._kept[key] = found
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)[1].drop()
        return found

    def _look_again_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._stopping.is_set():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._idle_seconds, self._expire)

    def _expire(self) -> None:
        """Remove the files that nobody asked for any more."""
        if self._turn.locked():
            self._look_again_later()
        else:
            self._drop_all()

    def _drop_all(self) -> None:
        while self._kept:
            self._kept.popitem()[1].drop()


def cut_at(r: Reader, when: Micros) -> Cut:
    """Return the log as it stood at a time.

    Raises ``NotFound`` when somebody took an entry out of it.
    """
    position = log.position_at(r, when)
    entry = log.entry_at(r, position) if position else None
    return Cut(
        domain=r.domain,
        position=position,
        digest=GENESIS if entry is None else entry.digest,
        appended_on=0 if entry is None else entry.appended_on,
        head=r.head.position,
    )


def fold_cut(
    store: Store, cut: Cut, *, stopping: threading.Event | None = None
) -> tuple[Path, Store]:
    """Fold a cut into a new scratch file; return its folder and a store over it.

    The store answers reads of the domain as one whose log ends at the cut. The caller
    closes it and removes the folder. Raises ``Overloaded`` when it is to stop.
    """
    folder = Path(tempfile.mkdtemp(prefix="caseledger-past-"))
    with _removed_unless_done(folder) as scratch:
        scratch.look(_prepare)
        with store.snapshot(cut.domain) as reader:
            _fold(reader, scratch, cut, stopping or threading.Event())
        scratch.look(partial(_name_head, cut=cut))
    return folder, scratch


@contextmanager
def _removed_unless_done(folder: Path) -> Iterator[Store]:
    scratch = open_store(f"sqlite:///{folder / 'past.db'}")
    scratch.watch.tell = _tell
    try:
        yield scratch
    except BaseException:
        _Scratch(folder, scratch, 0).drop()
        raise


def _tell(_event: str, values: dict[str, Any]) -> None:
    """Log that the folder for temporary files takes no scratch file."""
    logger.warning("past_not_folded", extra=values)


def _prepare(fresh: Connection) -> None:
    fresh.execute("PRAGMA synchronous = OFF")
    create_tables(fresh, kept)
    create_tables(fresh, case_tables(_GENERATION).metadata)


def _fold(reader: Reader, scratch: Store, cut: Cut, stopping: threading.Event) -> None:
    # The scratch store is looked at by itself: an outage of it is none of the log's.
    rebuild = Rebuild(
        reader, scratch.connection, cases=case_tables(_GENERATION), forms=None
    )
    position = 0
    with FormParser(1) as parser:
        while position < cut.position:
            if stopping.is_set():
                raise Overloaded("The server is busy; send the request again later")
            limit = min(_BATCH, cut.position - position)
            items = log.entries_after(reader, position, limit=limit)
            rebuild.fold(items, parser.parse(items))
            scratch.look(partial(_save, rebuild=rebuild))
            position += limit
    scratch.look(_index)


def _save(fresh: Connection, rebuild: Rebuild) -> None:
    fresh.execute("BEGIN")
    rebuild.save()
    fresh.execute("COMMIT")


def _index(fresh: Connection) -> None:
    create_indexes(fresh, case_tables(_GENERATION).metadata)


def _name_head(fresh: Connection, cut: Cut) -> None:
    """Write the row of the domain, so that the scratch file is read as any other."""
    head = {
        "domain": cut.domain,
        "position": cut.position,
        "appended_on": cut.appended_on,
        "digest": cut.digest,
        "live_cases": _GENERATION,
        "live_forms": _GENERATION,
        "indexed": "[]",
        "settings": "{}",
        "created_on": 0,
    }
    fresh.insert(domains, [tuple(head[column.name] for column in domains.columns)])


def _page_or_cut(
    store: Store, domain: str, *, when: Micros, asked: CaseFilter, page: Page
) -> CasePage | Cut:
    """Return the page if the time is the present, else where to cut the log."""
    with store.snapshot(domain) as reader:
        cut = cut_at(reader, when)
        if cut.position == reader.head.position:
            return list_cases(reader, asked, page)
        return CasePage(rows=(), total=0) if cut.position == 0 else cut


def _is_erased(store: Store, cut: Cut, *, since: int) -> bool:
    """Tell whether something was erased behind a position."""
    with store.reading(cut.domain) as reader:
        found = reader.conn.row(_ERASED, domain=cut.domain, position=since)
    return found is not None
