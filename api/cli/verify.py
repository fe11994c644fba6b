"""``caseledger verify``: proof that nothing was altered and the tables are true."""

from __future__ import annotations

import click

from api.cli.database import opened, the_domains
from api.cli.progress import progress
from api.config import Config
from projections.verify import Verification
from projections.verify import verify as prove


@click.command()
@click.option("--domain", metavar="D", help="Verify this domain.")
@click.option("--all", "every", is_flag=True, help="Verify every domain.")
@click.pass_obj
def verify(config: Config, *, domain: str | None, every: bool) -> int:
    """Recompute the log's hash chain and compare every read table with a fresh fold.

    Prints ok and the counts, or each difference, and then exits with 1.
    """
    broken = checked = 0
    with opened(config) as store:
        for name in the_domains(store, domain, every=every):
            with progress(name) as tell:
                found = prove(store, name, progress=tell)
            for line in _lines(found):
                click.echo(line)
            broken += not found.ok
            checked += 1
    if not checked:
        click.echo("ok: there is no domain")
    if broken:
        click.echo("Error: the verification found differences", err=True)
    return 1 if broken else 0


def _lines(found: Verification) -> list[str]:
    if found.ok:
        return [f"ok {found.domain}: {_counts(found)}"]
    breaks = [f"{found.domain}: position {b.position}: {b.text}" for b in found.breaks]
    return [*breaks, *(f"{found.domain}: {d}" for d in found.differences)]


def _counts(found: Verification) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(found.kinds.items()))
    rows = ", ".join(f"{n} rows in {table}" for table, n in sorted(found.rows.items()))
    parts = [f"{found.position} entries ({kinds})", rows, f"head {found.digest[:16]}"]
    return "; ".join(part for part in parts if part)
