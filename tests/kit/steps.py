"""Databases as earlier programs left them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from ledger import migrations
from ledger.store import Store


def step_to(store: Store, revision: str) -> None:
    """Take a new database to an older step."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = store.engine()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
