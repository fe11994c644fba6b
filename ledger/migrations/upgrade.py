"""Taking a schema to the newest step, with Alembic.

Imported when there is a step to take (``ledger/migrations``): a command asks each time
whether there is one, and almost never is.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from ledger.storage.outages import outage_of
from ledger.store import Store


def upgrade(store: Store) -> None:
    """Take all steps that the schema lacks.

    Raises ``StoreUnavailable`` for a database that cannot be written.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
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
