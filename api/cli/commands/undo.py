"""``caseledger undo``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT, REASON, Moment, domain_option


@click.command(cls=Command)
@click.option("--form", "form_id", metavar="ID", help="Undo this form.")
@click.option("--job", "job_id", metavar="ID", help="Undo what this job did.")
@click.option(
    "--user", metavar="ID", help="Undo what this user (id or name) did in a time span."
)
@click.option("--from", "since", type=Moment(), metavar="TIME", help="Its beginning.")
@click.option(
    "--to", "until", type=Moment(), metavar="TIME", help="Its end, not in it."
)
@domain_option()
@REASON
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
@OUTPUT
def undo() -> None:
    """Take back what one form, one job or one user did, or tell what that would do.

    Forms are archived, so an undo can be undone: its job's id is printed.
    """
