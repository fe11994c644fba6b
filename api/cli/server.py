"""``caseledger migrate`` and ``caseledger serve``."""

from __future__ import annotations

import click

from api.cli.database import make_folder, prepare, unchecked
from api.config import Config
from api.http.logs import set_up_logging
from api.process import serve as serve_http
from ledger.migrations import migrate as run_migrations


@click.command()
@click.pass_obj
def migrate(config: Config) -> None:
    """Create the schema or bring it up to date; safe to run again."""
    make_folder(config)
    with unchecked(config) as store:
        steps = run_migrations(store)
    click.echo(f"{steps} steps taken" if steps else "the schema is current")


@click.command()
@click.option("--host", metavar="H", help="Address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar="N",
    help="Port, 0 for any.  [default: 8000]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Processes.  [default: 1]",
)
@click.pass_obj
def serve(
    config: Config, *, host: str | None, port: int | None, workers: int | None
) -> int:
    """Serve HTTP, and tend the indexes, until SIGTERM.

    An empty database gets its schema first.
    """
    given = {"host": host, "port": port, "workers": workers}
    asked = {name: str(value) for name, value in given.items() if value is not None}
    config = config.with_options(**asked)
    set_up_logging(config)
    prepare(config)
    return serve_http(config)
