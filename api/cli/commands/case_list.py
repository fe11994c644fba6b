"""``caseledger case list``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT, domain_option, limit_option

_OWN_OPTIONS = frozenset({"limit", "cursor", "fields", "exclude"})


class Filter(click.ParamType[tuple[str, str]]):
    """A parameter of the list of the API, and its value."""

    name = "filter"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return both; a usage error for what is none, or is an option here."""
        name, equals, text = value.partition("=")
        if not equals or not name:
            self.fail(f"'{value}' is not of the form NAME=VALUE", param, ctx)
        if name.partition(".")[0] in _OWN_OPTIONS:
            self.fail(f"'{name}' chooses no cases", param, ctx)
        return name, text


@click.command("list", cls=Command)
@domain_option("The cases' domain")
@click.option("--case-type", metavar="T", help="Only cases of this type.")
@click.option("--owner", "owner_id", metavar="ID", help="Only cases of this owner.")
@click.option("--external-id", metavar="ID", help="Only cases with this external id.")
@click.option("--query", metavar="CSQL", help="Only cases that fit this query.")
@click.option(
    "--filter",
    "filters",
    type=Filter(),
    multiple=True,
    metavar="NAME=VALUE",
    help=(
        "A parameter of the list of the case API, such as properties.risk=high, "
        "closed=false or last_modified.gte=2026-05-01; may be repeated."
    ),
)
@limit_option(1_000_000)
@OUTPUT
def list_all() -> None:
    """List cases: id, type, name, owner, state, when last modified.

    Those that were indexed first come first, as in the list of the API.
    """
