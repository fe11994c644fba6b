"""``caseledger replay``: read tables from the log, while the server serves."""

from __future__ import annotations

import click

from api.cli.database import opened, the_domains
from api.cli.options import WORKERS, domains_option
from api.cli.output import OUTPUT, Output
from api.cli.progress import progress
from api.config import Config
from projections.rebuild.replay import replay as rebuild
from projections.tables import CASES, FORMS


@click.command()
@domains_option("Rebuild")
@click.option("--all", "every", is_flag=True, help="Rebuild every domain.")
@click.option(
    "--projection",
    type=click.Choice([CASES, FORMS]),
    help="Rebuild only this projection's tables.",
)
@WORKERS
@OUTPUT
@click.pass_obj
def replay(
    config: Config,
    *,
    domain: str | None,
    every: bool,
    projection: str | None,
    workers: int,
    out: Output,
) -> None:
    """Rebuild the read tables from the log and swap them in.

    Reads and writes go on meanwhile. A replay that was killed goes on where it was.
    """
    asked = (CASES, FORMS) if projection is None else (projection,)
    with opened(config) as store:
        for name in the_domains(store, domain, every=every):
            with progress(name) as tell:
                report = rebuild(
                    store, name, projections=asked, workers=workers, progress=tell
                )
            line = (
                f"{name}: {report.entries} entries in {report.seconds:.1f} s, "
                f"{report.rate:.0f} forms/s"
            )
            record = {
                "domain": name,
                "entries": report.entries,
                "seconds": report.seconds,
                "forms_per_second": report.rate,
            }
            out.each(record, [line])
