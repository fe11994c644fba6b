"""``caseledger replay``: read tables from the log, while the server serves."""

from __future__ import annotations

import click

from api.cli.database import OPERATOR, of_each, opened, the_domains
from api.cli.output import Output
from api.cli.progress import progress
from api.config import Config
from ledger.proof.rebuilding import rebuild_directory
from projections.names import CASES, FORMS
from projections.rebuild.replay import replay as rebuild


def replay(
    config: Config,
    *,
    domain: str | None,
    every: bool,
    projection: str | None,
    directory: bool,
    workers: int,
    out: Output,
) -> int:
    if directory:
        if projection is not None:
            text = "--projection is for read tables, and the directory is none"
            raise click.UsageError(text)
        return _rebuild_directories(config, domain, out, every=every)
    asked = (CASES, FORMS) if projection is None else (projection,)
    with opened(config) as store:

        def replay_one(name: str) -> None:
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

        return of_each(the_domains(store, domain, every=every), replay_one)


def _rebuild_directories(
    config: Config, domain: str | None, out: Output, *, every: bool
) -> int:
    with opened(config) as store:

        def rebuild_one(name: str) -> None:
            rows = rebuild_directory(store, name, author=OPERATOR)
            told = ", ".join(f"{n} rows of {table}" for table, n in rows.items())
            line = f"{name}: {told or 'the directory is what the log states'}"
            out.each({"domain": name, "rows": rows}, [line])

        return of_each(the_domains(store, domain, every=every), rebuild_one)
