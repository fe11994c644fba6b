"""Numbered, forward-only steps for the tables that cannot be rebuilt.

``rules/design.md`` 1.4.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from sqlalchemy import Select, column, inspect, select, table
from sqlalchemy.exc import DBAPIError

from ledger.errors import StoreUnavailable
from ledger.store import Store

_STEPS = Path(__file__).parent / "versions"
_NOTED = "alembic_version"
"""The table in which Alembic notes the step that a schema is at."""
_AT: Select[str] = select(column("version_num")).select_from(table(_NOTED))


def migrate(store: Store) -> int:
    """Create or upgrade the schema and return how many steps were taken.

    Safe to run again. Raises ``StoreUnavailable`` for a schema that is newer than
    this program, and for a database that cannot be written.
    """
    pending = pending_steps(store)
    if pending:
        import_module("ledger.migrations.upgrade").upgrade(store)
    return len(pending)


def pending_steps(store: Store) -> tuple[str, ...]:
    """Return the steps that the schema still lacks, oldest first.

    Raises ``StoreUnavailable`` when the database does not answer or its schema is
    newer than this program.
    """
    steps = known_steps()
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


@cache
def known_steps() -> tuple[str, ...]:
    """Return the steps that this program knows, oldest first.

    A file is called by the number of its step, so none has to be read.
    """
    return tuple(sorted(path.name[:4] for path in _STEPS.glob("[0-9]*.py")))


def _current(store: Store) -> str | None:
    """Return the step that a schema is at, nothing for a database without one."""
    engine = store.engine()
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(_NOTED):
                return None
            return connection.execute(_AT).scalar()
    except DBAPIError as error:
        raise StoreUnavailable(f"the database does not answer: {error.orig}") from error
    finally:
        engine.dispose()
