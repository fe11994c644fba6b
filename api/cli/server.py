"""``caseledger migrate`` and ``caseledger serve``."""

from __future__ import annotations

import click

from api.cli.database import make_folder, prepare, unchecked
from api.config import Config
from api.http.logs import set_up_logging
from api.process import serve as serve_http
from ledger.migrations import migrate as run_migrations


def migrate(config: Config) -> None:
    make_folder(config)
    with unchecked(config) as store:
        steps = run_migrations(store)
    click.echo(f"{steps} steps taken" if steps else "the schema is current")


def serve(
    config: Config, *, host: str | None, port: int | None, workers: int | None
) -> int:
    given = {"host": host, "port": port, "workers": workers}
    asked = {name: str(value) for name, value in given.items() if value is not None}
    config = config.with_options(**asked)
    set_up_logging(config)
    prepare(config)
    return serve_http(config)
