"""What several contracts begin with: domains, logs, backups, a clock to set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.cli import main
from ledger.proof.signing import create_signing_key
from ledger.store import Store
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.backups import a_small_ledger, fill, saved_of
from tests.kit.directory import People
from tests.kit.intruder import a_log, checkpoint


@pytest.fixture
def proved_domain(store: Store) -> Iterator[str]:
    """Begin with an empty domain; in the end a fresh fold must give the same rows."""
    name = build.a_domain(store)
    yield name
    found = verify(store, name)
    assert found.ok, [*found.breaks, *map(str, found.differences)]


@pytest.fixture
def clock() -> build.FixedClock:
    """Show nine o'clock until a test moves it."""
    return build.FixedClock()


@pytest.fixture
def ledger(store):
    """Return a store whose log has some forms, the second with a photo."""
    return a_log(store)


@pytest.fixture
def caseledger(url, capsys):
    """Return the command line on the database of the test."""

    def run(*words, expect=0):
        capsys.readouterr()
        code = main(["--database", url, *map(str, words)])
        out, err = capsys.readouterr()
        assert code == expect, out + err
        return out.splitlines(), err

    return run


@pytest.fixture
def key(tmp_path):
    """Return a signing key that lies in the file ``key.pem``."""
    return create_signing_key(tmp_path / "key.pem")


@pytest.fixture
def noted(ledger, key, tmp_path):
    """Write a signed checkpoint of the log as it is before anybody alters it."""
    return checkpoint(ledger, key, tmp_path / "noted")


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> bytes:
    """Return the backup of a full ledger."""
    return saved_of(tmp_path_factory.mktemp("whole"), fill)


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> bytes:
    """Return the backup of a ledger with a few forms."""
    return saved_of(tmp_path_factory.mktemp("small"), a_small_ledger)


@pytest.fixture
def people(store, proved_domain):
    """Begin with a domain without people, whose log is proved in the end."""
    return People(store, proved_domain)


@pytest.fixture
def district(people):
    """Make a type at the top."""
    return people.type("District")


@pytest.fixture
def clinic(people, district):
    """Make a type below."""
    return people.type("Clinic", district, shares_cases=True)
