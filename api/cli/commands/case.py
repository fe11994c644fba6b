"""``caseledger case``, as it is typed."""

from __future__ import annotations

import click

from api.cli.commands import case_erase, case_state
from api.cli.commands.case_list import list_all
from api.cli.declared import Group
from api.cli.options import AS_IT_IS, OUTPUT, Moment, domain_option

_DOMAIN = domain_option("The case's domain")


@click.group(cls=Group)
def case() -> None:
    """Show a case, now or in the past, and its history."""


for _command in (case_state.delete, case_state.restore, case_state.rebuild):
    case.add_command(_command)

case.add_command(case_erase.erase)
case.add_command(list_all)


@case.command()
@click.argument("case_id")
@_DOMAIN
@click.option(
    "--as-of",
    type=Moment(),
    metavar="TIME",
    help="Show the case as the log stood at this time (ISO 8601, UTC if not said).",
)
@AS_IT_IS
def show() -> None:
    """Print the case as JSON, in the shape of the case API."""


@case.command()
@click.argument("case_id")
@_DOMAIN
@OUTPUT
def history() -> None:
    """Print what every entry of the log did to the case, the oldest first."""


@case.command()
@click.argument("case_id")
@click.argument("name", metavar="PROPERTY")
@_DOMAIN
@OUTPUT
def why() -> None:
    """Print which form set a value of the case, and what else changed it.

    PROPERTY is a key of the case such as owner_id, the name of a property,
    properties.NAME, indices.NAME or attachments.NAME.
    """


@case.command()
@click.argument("case_id")
@_DOMAIN
@click.option(
    "--from",
    "start",
    type=Moment(),
    metavar="TIME",
    required=True,
    help="The time to compare from (ISO 8601, UTC if not said).",
)
@click.option(
    "--to",
    "end",
    type=Moment(),
    metavar="TIME",
    help="The time to compare to; now if it is not said.",
)
@OUTPUT
def diff() -> None:
    """Print what differs in the case between two times."""
