"""Named databases of either kind: made fresh, copied, measured, dropped."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import LiteralString, Protocol

from psycopg import sql

from bench.cluster import Cluster

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
KINDS = (SQLITE, POSTGRESQL)


class Databases(Protocol):
    """What the bench wants of a kind of database."""

    kind: str
    folder: Path

    def url(self, name: str) -> str:
        """Return the URL of a database, for the product and the bare pipeline."""

    def fresh(self, name: str) -> str:
        """Make an empty database in the place of the old one; return its URL."""

    def copy(self, source: str, name: str) -> str:
        """Make a copy that may be changed; return its URL."""

    def drop(self, name: str) -> None:
        """Delete a database if it is there."""

    def compact(self, name: str) -> None:
        """Give back all space that is not used."""

    def settle(self, name: str) -> None:
        """Do at once what the database does by itself some minutes after a load."""

    def size(self, name: str) -> int:
        """Return how many bytes a database takes."""

    def scalar(self, name: str, statement: str) -> object:
        """Return the first value that a statement gives."""

    @property
    def server_pid(self) -> int | None:
        """Return the database server's process, if there is one."""

    def version(self) -> str:
        """Return the version of the database."""

    def close(self) -> None:
        """Stop what was started."""


class SQLite:
    """Databases as files of a folder."""

    kind = SQLITE
    server_pid = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder / SQLITE
        self.folder.mkdir(parents=True, exist_ok=True)

    def url(self, name: str) -> str:
        """Return the URL of a database, for the product and the bare pipeline."""
        return f"sqlite:///{self._path(name)}"

    def fresh(self, name: str) -> str:
        """Make an empty database in the place of the old one; return its URL."""
        self.drop(name)
        return self.url(name)

    def copy(self, source: str, name: str) -> str:
        """Make a copy that may be changed; return its URL."""
        self.drop(name)
        self._checkpoint(source)
        shutil.copyfile(self._path(source), self._path(name))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Delete a database if it is there."""
        for path in self.folder.glob(f"{name}.db*"):
            path.unlink()

    def compact(self, name: str) -> None:
        """Give back all space that is not used."""
        with sqlite3.connect(self._path(name), isolation_level=None) as conn:
            conn.execute("vacuum")
        self._checkpoint(name)

    def settle(self, name: str) -> None:
        """Move what the journal still holds into the database."""
        self._checkpoint(name)

    def size(self, name: str) -> int:
        """Return how many bytes a database takes."""
        return sum(path.stat().st_size for path in self.folder.glob(f"{name}.db*"))

    def scalar(self, name: str, statement: str) -> object:
        """Return the first value that a statement gives."""
        conn = sqlite3.connect(self._path(name))
        row = conn.execute(statement).fetchone()
        conn.close()
        return row[0] if row else None

    def version(self) -> str:
        """Return the version of the database."""
        return f"SQLite {sqlite3.sqlite_version}"

    def close(self) -> None:
        """Do nothing: there is no server."""

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.db"

    def _checkpoint(self, name: str) -> None:
        conn = sqlite3.connect(self._path(name))
        conn.execute("pragma wal_checkpoint(truncate)")
        conn.close()


class PostgreSQL:
    """Databases of a private server."""

    kind = POSTGRESQL

    def __init__(self, folder: Path) -> None:
        self.folder = folder / POSTGRESQL
        self.folder.mkdir(parents=True, exist_ok=True)
        self._cluster = Cluster(self.folder / "cluster")
        self._cluster.start()

    @property
    def server_pid(self) -> int | None:
        """Return the database server's process."""
        return self._cluster.pid

    def url(self, name: str) -> str:
        """Return the URL of a database, for the product and the bare pipeline."""
        return self._cluster.url(_safe(name))

    def fresh(self, name: str) -> str:
        """Make an empty database in the place of the old one; return its URL."""
        self.drop(name)
        self._do("create database {}", name)
        return self.url(name)

    def copy(self, source: str, name: str) -> str:
        """Make a copy that may be changed; return its URL."""
        self.drop(name)
        self._do("create database {} template {}", name, source)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Delete a database if it is there."""
        self._do("drop database if exists {} with (force)", name)

    def compact(self, name: str) -> None:
        """Give back all space that is not used."""
        self._cluster.execute(_safe(name), "vacuum (full, analyze)")

    def settle(self, name: str) -> None:
        """Gather the statistics that autovacuum would gather within a minute."""
        self._cluster.execute(_safe(name), "vacuum (analyze)")

    def size(self, name: str) -> int:
        """Return how many bytes a database takes."""
        return int(
            str(self.scalar(name, "select pg_database_size(current_database())"))
        )

    def scalar(self, name: str, statement: str) -> object:
        """Return the first value that a statement gives."""
        row = self._cluster.execute(_safe(name), statement.encode())
        return row[0] if row else None

    def version(self) -> str:
        """Return the version of the database."""
        row = self._cluster.execute("postgres", "show server_version")
        return f"PostgreSQL {row[0]}"

    def close(self) -> None:
        """Stop the server."""
        self._cluster.stop()

    def _do(self, statement: LiteralString, *names: str) -> None:
        named = [sql.Identifier(_safe(name)) for name in names]
        self._cluster.execute("postgres", sql.SQL(statement).format(*named))


def open_databases(kind: str, folder: Path) -> Databases:
    """Return the databases of a kind, its server started."""
    return SQLite(folder) if kind == SQLITE else PostgreSQL(folder)


def _safe(name: str) -> str:
    return name.replace("-", "_").lower()
