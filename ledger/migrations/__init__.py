"""Numbered, forward-only steps for the tables that cannot be rebuilt.

``rules/design.md`` 1.4.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from ledger.errors import StoreUnavailable
from ledger.storage.outages import outage_of
from ledger.store import Store

_HERE = Path(__file__).parent


def migrate(store: Store) -> int:
    """Create or upgrade the schema and return how many steps were taken.

    Safe to run again. Raises ``StoreUnavailable`` for a schema that is newer than
    this program, and for a database that cannot be written.
    """
    pending = pending_steps(store)
    if pending:
        config = Config()
        config.set_main_option("script_location", str(_HERE))
        engine = store.engine()
        try:
            with engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except DBAPIError as error:
            away = None if error.orig is None else outage_of(error.orig)
            if away is None:
                raise
            raise away from error
        finally:
            engine.dispose()
    return len(pending)


def pending_steps(store: Store) -> tuple[str, ...]:
    """Return the steps that the schema still lacks, oldest first.

    Raises ``StoreUnavailable`` when the database does not answer or its schema is
    newer than this program.
    """
    steps = _steps()
    current = _current(store)
    if current is None:
        return steps
    if current not in steps:
        text = (
            f"the schema of the database is at step {current!r}, which this program "
            f"does not know: it is newer, so use the newer caseledger"
        )
        raise StoreUnavailable(text, reason=text)
    return steps[steps.index(current) + 1 :]


def _current(store: Store) -> str | None:
    engine = store.engine()
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as error:
        raise StoreUnavailable(f"the database does not answer: {error.orig}") from error
    finally:
        engine.dispose()


@cache
def _steps() -> tuple[str, ...]:
    """Return the steps that this program knows, oldest first."""
    scripts = ScriptDirectory(str(_HERE)).walk_revisions()
    return tuple(script.revision for script in scripts)[::-1]
