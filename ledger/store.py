"""Where everything is kept: connections, transactions, threads.

A unit of work is a plain function that gets a ``Reader`` or a ``Writer``. Nothing
awaits inside a transaction. Each thread has a connection of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from sqlalchemy.engine import Engine, create_engine
from sqlalchemy.pool import NullPool

from ledger.clock_guard import watch_nothing
from ledger.entry import Head
from ledger.errors import LedgerError, StoreUnavailable
from ledger.heads import LOCK_HEAD, READ_HEAD, head_of, no_domain, save_head
from ledger.storage.connection import Connection, Statement
from ledger.storage.connectors import postgresql_connector, sqlite_connector
from ledger.storage.dialect import Dialect, PostgresqlDialect, Row, SqliteDialect
from ledger.storage.file import DatabaseFile
from ledger.storage.outages import Away, Watch, outage_of
from ledger.storage.probe import try_write
from ledger.together import Together

T = TypeVar("T")

READ_THREADS = 4
"""How many reads of a process run at once beside its event loop."""


@dataclass(slots=True)
class Reader:
    """A domain as one transaction sees it."""

    conn: Connection
    domain: str
    head: Head


@dataclass(slots=True)
class Writer(Reader):
    """A domain whose head row this transaction holds: nobody else appends to it.

    ``kinds`` has those of the entries that it appended, ``stated`` the rows beside the
    log that no entry has stated yet (``stated.py``).
    """

    kinds: list[str] = field(default_factory=list)
    stated: dict[tuple[str, tuple[Any, ...]], Mapping[str, Any] | None] = field(
        default_factory=dict
    )

    def save_head(self) -> None:
        """Write the head as it is now."""
        save_head(self.conn, self.head)

    def require_stated(self) -> None:
        """Raise ``AssertionError`` if rows beside the log would commit unstated."""
        if self.stated:
            text = f"rows that no entry states: {sorted(self.stated)}"
            raise AssertionError(text)


class Store:
    """The database behind a URL."""

    def __init__(
        self,
        url: str,
        dialect: Dialect,
        connect: Callable[[], Any],
        *,
        file: DatabaseFile | None = None,
    ) -> None:
        """Keep how to connect; nothing is opened yet."""
        self.url = url
        self.watch = Watch()
        """Is told of every outage that a transaction meets."""
        self._file = file
        self.dialect = dialect
        self.connect = connect
        """Opens a connection of the driver."""
        self.guard: Callable[[Connection, Head], None] = _accept
        """Is shown every head that is opened and raises to refuse it."""
        self.watch_clock: Callable[[Connection, Head | None], None] = watch_nothing
        """Looks at the clock before each commit and raises to refuse it."""
        self._local = threading.local()
        self.opened: list[Connection] = []
        """The connections of all threads; each but its own is none of a thread's."""
        self._opening = threading.Lock()
        self._readers = ThreadPoolExecutor(
            max_workers=READ_THREADS, thread_name_prefix="caseledger-read"
        )
        self.reads_running = 0
        """How many reads are with the reader threads, at work or waiting for one."""

    @property
    def reads_inline(self) -> bool:
        """Tell whether a short read is cheaper than handing it to a thread."""
        return not self.dialect.write_needs_lock

    @property
    def away(self) -> Away | None:
        """Return the outage that lasts, if there is one."""
        return self.watch.away

    @property
    def connection(self) -> Connection:
        """Return this thread's connection, opened when first asked for.

        Use it through ``look`` or a transaction, which know an outage when they see it.
        """
        found: Connection | None = getattr(self._local, "connection", None)
        if found is not None and self.dialect.is_cut_off(found.raw):
            self._forget(found)
            found = None
        if found is None:
            found = Connection(self._open(), self.dialect)
            self._local.connection = found
            with self._opening:
                self.opened.append(found)
        return found

    def engine(self) -> Engine:
        """Return an engine for tools that want one, such as Alembic."""
        driver = "sqlite" if self.reads_inline else "postgresql+psycopg"
        return create_engine(f"{driver}://", creator=self._open, poolclass=NullPool)

    @contextmanager
    def reading(self, domain: str) -> Iterator[Reader]:
        """Open a domain for reading; raises ``NotFound`` when there is none.

        The head row is read first, so what follows sees every write that was
        answered before.
        """
        begin = self.dialect.begin_read
        if begin is not None:
            with self._transaction(begin) as conn:
                yield Reader(conn, domain, self._head(conn, READ_HEAD, domain))
            return
        with self._outages_told():
            conn, head = self._begun(lambda c: self._head(c, READ_HEAD, domain))
            yield Reader(conn, domain, head)

    @contextmanager
    def snapshot(self, domain: str) -> Iterator[Reader]:
        """Open a domain so that all statements see the same moment."""
        with self._transaction(self.dialect.begin_snapshot) as conn:
            yield Reader(conn, domain, self._head(conn, READ_HEAD, domain))

    @contextmanager
    def snapshot_of_all(self) -> Iterator[Connection]:
        """Open every domain so that all statements see the same moment.

        For tasks of the operator; the guard is shown no head.
        """
        with self._transaction(self.dialect.begin_snapshot) as conn:
            yield conn

    @contextmanager
    def writing(self, domain: str) -> Iterator[Writer]:
        """Open a domain for writing, holding its head; commits at the end.

        Nobody else appends to it meanwhile, and what is read here is what the last
        one who did has left: ``LOCK_HEAD`` tells why both are needed. Raises
        ``ClockJumped`` instead of committing after a jump of the clock.
        """
        with self._transaction(self.dialect.begin_write, pipelined=True) as conn:
            before = self._head(conn, LOCK_HEAD, domain)
            writer = Writer(conn, domain, before)
            yield writer
            writer.require_stated()
            self.watch_clock(conn, before)

    @contextmanager
    def writing_together(self) -> Iterator[Together]:
        """Open a transaction that takes the heads of several domains; commits them.

        Raises ``ClockJumped`` instead when any of them must not be written.
        """
        with self._transaction(self.dialect.begin_write, pipelined=True) as conn:
            together = Together(
                conn,
                lambda name, row: Writer(conn, name, self.head_in(conn, name, row)),
            )
            yield together
            for writer in together.writers.values():
                writer.require_stated()
            for head in together.before:
                self.watch_clock(conn, head)

    @contextmanager
    def administering(self) -> Iterator[Connection]:
        """Open a transaction for rows that belong to no domain's log."""
        with self._transaction(self.dialect.begin_write) as conn:
            yield conn
            self.watch_clock(conn, None)

    def look(self, fn: Callable[[Connection], T]) -> T:
        """Return what a function reads outside of a transaction, of whichever domain.

        It may be called a second time, when the connection was cut off.
        """
        with self._outages_told():
            return self._begun(fn)[1]

    def probe(self) -> None:
        """Try a write on a connection of its own; an outage ends when it succeeds.

        Raises ``StoreUnavailable`` when it does not; nothing is left of it.
        """
        with self._outages_told(), closing(Connection(self._open(), self.dialect)) as c:
            try_write(c)
        self.watch.end()

    def head_in(self, conn: Connection, domain: str, row: Row | None) -> Head:
        """Return the head of a row with ``HEAD_COLUMNS``, shown to the guard.

        Raises ``NotFound`` without a row, ``DamagedHead`` where it cannot be read.
        """
        if row is None:
            raise no_domain(domain)
        head = head_of(domain, row)
        self.guard(conn, head)
        return head

    def see_the_present(self, reader: Reader) -> None:
        """Let a snapshot end and another begin in its place, with the same head.

        What takes long must not keep the database from letting go of old pages.
        """
        reader.conn.execute("COMMIT")
        reader.conn.execute(self.dialect.begin_snapshot)

    async def read(self, domain: str, fn: Callable[[Reader], T]) -> T:
        """Run a short read: on SQLite at once, on PostgreSQL in a reader thread."""
        if self.reads_inline:
            return self._run_read(domain, fn)
        return await self.scan(domain, fn)

    async def scan(self, domain: str, fn: Callable[[Reader], T]) -> T:
        """Run a read that may take long in a reader thread."""
        return await self.aside(lambda: self._run_read(domain, fn))

    async def aside(self, fn: Callable[[], T]) -> T:
        """Run a function of this store in a reader thread, which ``close`` awaits."""
        self.reads_running += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._readers, fn)
        finally:
            self.reads_running -= 1

    @property
    def connections(self) -> int:
        """Return how many connections are open."""
        return len(self.opened)

    def close(self) -> None:
        """Close every connection; the store is of no use afterwards."""
        self._readers.shutdown()
        with self._opening:
            for connection in self.opened:
                connection.close()
            self.opened.clear()
        self._local = threading.local()

    def _run_read(self, domain: str, fn: Callable[[Reader], T]) -> T:
        begin = self.dialect.begin_read
        if begin is None:
            with self.reading(domain) as reader:
                return fn(reader)
        # As ``reading`` does it, without what its contexts cost: most reads are short.
        conn = None
        try:
            conn, _ = self._begun(lambda conn: conn.execute(begin))
            result = fn(Reader(conn, domain, self._head(conn, READ_HEAD, domain)))
            conn.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - it is raised again
            self._give_up(conn, error)
        return result

    def _head(self, conn: Connection, statement: Statement, domain: str) -> Head:
        return self.head_in(conn, domain, conn.row(statement, domain=domain))

    def _begun(self, begin: Callable[[Connection], T]) -> tuple[Connection, T]:
        """Run the first statement of a piece of work; return its connection too.

        A server that was restarted has cut off the connections that lay idle. Nothing
        has happened yet, so a new one is as good.
        """
        conn = self.connection
        try:
            return conn, begin(conn)
        except Exception:
            if not self.dialect.is_cut_off(conn.raw):
                raise
        conn = self.connection
        return conn, begin(conn)

    @contextmanager
    def _transaction(
        self, begin: str, *, pipelined: bool = False
    ) -> Iterator[Connection]:
        """Run a transaction; in a pipeline its statements need not wait for each other.

        A statement that fails there makes the server skip those behind it, the COMMIT
        too, and the error is met when a result is waited for, at the latest here. BEGIN
        travels with the first one, unless the server has something to say before.
        """
        conn, committing = None, False
        try:
            along = pipelined and self.dialect.is_silent(self.connection.raw)
            if along:
                conn = self.connection
            else:
                conn, _ = self._begun(lambda conn: conn.execute(begin))
            if self._file is not None and begin == self.dialect.begin_write:
                with self._noted():
                    self._file.require_now_and_then()
            with conn.pipelined() if pipelined else nullcontext():
                if along:
                    conn.execute(begin)
                yield conn
                committing = True
                conn.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - it is raised again
            self._give_up(conn, error, committing=committing)

    def _give_up(
        self,
        conn: Connection | None,
        error: BaseException,
        *,
        committing: bool = False,
    ) -> NoReturn:
        """End a transaction that failed; raise the error, or the outage that it is."""
        away = self._outage(error, committing=committing)
        if conn is not None:
            self._roll_back(conn)
        if away is None:
            raise error
        raise away from error

    @contextmanager
    def _outages_told(self) -> Iterator[None]:
        """Turn an error that is an outage into ``StoreUnavailable``."""
        try:
            yield
        except Exception as error:
            away = self._outage(error)
            if away is None:
                raise
            raise away from error

    def _outage(
        self, error: BaseException, *, committing: bool = False
    ) -> StoreUnavailable | None:
        """Note an outage of this thread's connection and return it, if it is one."""
        if isinstance(error, LedgerError):
            return None
        conn: Connection | None = getattr(self._local, "connection", None)
        lost = conn is not None and self.dialect.is_cut_off(conn.raw)
        away = outage_of(error, lost=lost, committing=committing)
        if away is not None:
            self.watch.note(away)
        return away

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note what is known to be an outage by whoever raises it."""
        try:
            yield
        except StoreUnavailable as away:
            self.watch.note(away)
            raise

    def _open(self) -> Any:
        """Open a connection of the driver, to the file that the others have open.

        To open another one would make it, and in the end remove the log of the first.
        """
        with self._noted():
            if self._file is not None:
                self._file.require()
            raw = self.connect()
        if self._file is not None:
            self._file.note()
        return raw

    def _roll_back(self, conn: Connection) -> None:
        # A dictionary that it has learnt of may have been rolled back with the rest.
        conn.codecs = None
        try:
            conn.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - the first error is the one to tell
            self._forget(conn)

    def _forget(self, conn: Connection) -> None:
        """Drop a broken connection, so that the next use opens a new one."""
        self._local.connection = None
        with self._opening:
            if conn in self.opened:
                self.opened.remove(conn)
        conn.close()
        if self._file is not None:
            self._file.forget_log()


def open_store(url: str) -> Store:
    """Open the database behind a URL of ``rules/operator.md`` 2.2.

    Raises ``StoreUnavailable`` for a URL that names no database we know.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        connect = sqlite_connector(rest)
        return Store(url, SqliteDialect(), connect, file=DatabaseFile(Path(rest[1:])))
    if scheme in {"postgresql", "postgres"}:
        return Store(
            url, PostgresqlDialect(), postgresql_connector(f"postgresql://{rest}")
        )
    raise StoreUnavailable(
        f"cannot open {scheme or url!r}: the database must be sqlite:///FILE "
        f"or postgresql://USER:PASSWORD@HOST:PORT/NAME"
    )


def _accept(_conn: Connection, _head: Head) -> None:
    """Refuse nothing."""
