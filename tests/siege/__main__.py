"""``python -m tests.siege``: besiege the product for as long as one has time.

Exits with 1 when anything did not hold.
"""

from __future__ import annotations

import random
import sys
from itertools import cycle
from time import monotonic

import click

from tests.kit.postgres import Unavailable
from tests.siege.siege import siege
from tests.siege.tally import Tally

_ROUND = 120
"""Seconds of a round: the databases of long ones take long to prove."""
_BOTH = ("sqlite", "postgresql")


@click.command()
@click.option("--minutes", default=30.0, help="How long.", show_default=True)
@click.option("--db", type=click.Choice([*_BOTH, "both"]), default="both")
@click.option("--seed", type=int, help="Of the first round; each has the next one.")
def main(*, minutes: float, db: str, seed: int | None) -> None:
    """Besiege servers of this product, round after round, and tell what happened."""
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    until, tally = monotonic() + minutes * 60, Tally()
    databases = cycle(_BOTH if db == "both" else [db])
    rounds = 0
    try:
        while not rounds or monotonic() < until:
            database = next(databases)
            seconds = min(_ROUND, max(until - monotonic(), 10))
            known = len(tally.faults)
            click.echo(f"--db {database} --seed {seed + rounds}")
            siege(
                database,
                tally,
                seed=seed + rounds,
                seconds=seconds,
                report=click.echo,
            )
            for attacker, kind, text in tally.faults[known:]:
                click.echo(f"FAULT {attacker}: {kind}: {text}")
            rounds += 1
    except Unavailable as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("stopped")
    click.echo(tally.table())
    sys.exit(1 if tally.faults else 0)


if __name__ == "__main__":
    main()
