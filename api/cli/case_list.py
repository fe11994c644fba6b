"""``caseledger case list``: cases, chosen as the API chooses them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import click

from api.cases.answers import decode_case
from api.cases.query import ListRequest, parse_list_query
from api.cli.database import opened, the_domain
from api.cli.options import domain_option, limit_option
from api.cli.output import OUTPUT, Column, Output, Record
from api.config import Config
from ledger.clock import now_micros
from ledger.store import Store
from ledger.times import format_micros
from projections.lists.filter import Page
from projections.lists.pages import list_cases

_AT_ONCE = 1000
_OWN_OPTIONS = frozenset({"limit", "cursor", "fields", "exclude"})
_COLUMNS = (
    Column("id", "case_id"),
    Column("type", "case_type"),
    Column("name", "case_name"),
    Column("owner", "owner_id"),
    Column("state", "closed", lambda closed: "closed" if closed else "open"),
    Column("last modified", "last_modified"),
)


class Filter(click.ParamType[tuple[str, str]]):
    """A parameter of the list of the API, and its value."""

    name = "filter"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, str]:
        """Return both; a usage error for what is none, or is an option here."""
        name, equals, text = value.partition("=")
        if not equals or not name:
            self.fail(f"'{value}' is not of the form NAME=VALUE", param, ctx)
        if name.partition(".")[0] in _OWN_OPTIONS:
            self.fail(f"'{name}' chooses no cases", param, ctx)
        return name, text


@click.command("list")
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
@click.pass_obj
def list_all(
    config: Config,
    /,
    *,
    domain: str | None,
    filters: Sequence[tuple[str, str]],
    limit: int,
    out: Output,
    **given: str | None,
) -> None:
    """List cases: id, type, name, owner, state, when last modified.

    Those that were indexed first come first, as in the list of the API.
    """
    named = [(name, text) for name, text in given.items() if text is not None]
    now = format_micros(now_micros())
    asked = parse_list_query([*named, *filters], now=now)
    with opened(config) as store:
        found = _found(store, the_domain(store, domain), asked)
        out.rows(islice(found, limit), _COLUMNS)


def _found(store: Store, domain: str, asked: ListRequest) -> Iterator[Record]:
    """Yield the cases, page after page, as clients of the API read them.

    Nothing is held open while a page is printed. A case that changes meanwhile comes
    again, at the end, as it is then.
    """
    after = None
    while True:
        with store.snapshot(domain) as reader:
            page = list_cases(reader, asked.filter, Page(limit=_AT_ONCE, after=after))
        yield from map(decode_case, page.rows)
        after = page.after
        if after is None:
            return
