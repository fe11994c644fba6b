"""What every test can ask for: databases, and a word about which were used."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from ledger.store import Store, open_store
from tests.kit import postgres
from tests.kit.prepared import prepare

DATABASES = ("sqlite", "postgresql")

# How long an example takes says more about the machine than about the code.
settings.register_profile("caseledger", deadline=None, print_blob=True)
settings.load_profile("caseledger")


def pytest_report_header() -> str:
    """Say before the first test which databases will be used."""
    return f"databases: SQLite {sqlite3.sqlite_version}, {postgres.describe()}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say after the last test how many ran on which database."""
    reports = [r for group in terminalreporter.stats.values() for r in group]
    used = Counter(
        value
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == "database"
    )
    told = [f"{name} by {used[name]} tests" for name in DATABASES if used[name]]
    terminalreporter.write_line(f"databases used: {', '.join(told) or 'none'}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """Run one server for all tests of this process.

    Without one the tests that need it are skipped, and in CI they fail.
    """
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres.running_server())
        except postgres.Unavailable as error:
            if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
                pytest.fail(f"PostgreSQL is a must in CI: {error}")
            pytest.skip(str(error))
        yield server


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a SQLite file with every table once, for all tests of this process."""
    path = tmp_path_factory.mktemp("prepared") / "caseledger.db"
    prepare(f"sqlite:///{path}")
    return path


@pytest.fixture
def empty_sqlite_url(tmp_path: Path, record_property) -> str:
    """Name a SQLite file that does not exist yet."""
    record_property("database", "sqlite")
    return f"sqlite:///{tmp_path / 'caseledger.db'}"


@pytest.fixture
def sqlite_url(empty_sqlite_url: str, tmp_path: Path, prepared_file: Path) -> str:
    """Name a SQLite file that has every table."""
    shutil.copyfile(prepared_file, tmp_path / "caseledger.db")
    return empty_sqlite_url


@pytest.fixture
def empty_postgresql_url(
    postgres_server: postgres.Server, record_property
) -> Iterator[str]:
    """Lend an empty PostgreSQL database and empty it again afterwards."""
    record_property("database", "postgresql")
    url = postgres_server.lend()
    yield url
    postgres_server.take_back(url)


@pytest.fixture
def postgresql_url(postgres_server: postgres.Server, record_property) -> Iterator[str]:
    """Lend a PostgreSQL database that has every table."""
    record_property("database", "postgresql")
    url = postgres_server.lend_prepared()
    yield url
    postgres_server.take_back(url)


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest) -> str:
    """Name a database without any table; the test runs once for each kind."""
    return request.getfixturevalue(f"empty_{request.param}_url")


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest) -> str:
    """Name a database with every table; the test runs once for each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Open a store with every table and no domain."""
    opened = open_store(url)
    yield opened
    opened.close()
