"""``caseledger case``: one case, now or in the past, and what made it so."""

from __future__ import annotations

import click
import orjson

from api.case_v2_render import decode_case
from api.cli.database import opened, the_domain
from api.config import Config
from ledger.store import Store
from ledger.times import Micros, format_datetime, parse_datetime, to_micros
from projections.history import HistoryStep, as_of, now
from projections.history import history as steps_of
from projections.rows import to_row


class Moment(click.ParamType[Micros]):
    """A time of the command line, as microseconds."""

    name = "time"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Micros:
        """Return the microseconds of an ISO 8601 text; a usage error otherwise."""
        try:
            return to_micros(format_datetime(parse_datetime(value)))
        except ValueError:
            self.fail(f"'{value}' is no time such as 2026-05-01T12:00:00Z", param, ctx)


_DOMAIN = click.option(
    "--domain", metavar="D", help="The case's domain; not needed if there is only one."
)


@click.group()
def case() -> None:
    """Show a case, now or in the past, and its history."""


@case.command()
@click.argument("case_id")
@_DOMAIN
@click.option(
    "--as-of",
    type=Moment(),
    metavar="TIME",
    help="Show the case as the log stood at this time (ISO 8601, UTC if not said).",
)
@click.pass_obj
def show(
    config: Config, *, case_id: str, domain: str | None, as_of: Micros | None
) -> None:
    """Print the case as JSON, in the shape of the case API."""
    with opened(config) as store:
        found = _case(store, the_domain(store, domain), case_id, as_of)
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


@case.command()
@click.argument("case_id")
@_DOMAIN
@click.pass_obj
def history(config: Config, *, case_id: str, domain: str | None) -> None:
    """Print which form set what, oldest form first."""
    with (
        opened(config) as store,
        store.reading(the_domain(store, domain)) as reader,
    ):
        steps = steps_of(reader, case_id)
    for step in steps:
        for line in _lines(step):
            click.echo(line)


def _case(
    store: Store, domain: str, case_id: str, when: Micros | None
) -> dict[str, object]:
    with store.reading(domain) as reader:
        found = now(reader, case_id) if when is None else as_of(reader, case_id, when)
    wire = decode_case(to_row(found))
    # A case that is gone for the API is still the operator's to see, but said to be.
    return wire if found.deleted_on is None else {**wire, "deleted": found.deleted_on}


def _lines(step: HistoryStep) -> list[str]:
    head = (
        f"{step.received_on} form {step.form_id} position {step.position} "
        f"user {step.user_id or '-'} {step.xmlns}"
    )
    changes = [
        f"  {change.name}: {_shown(change.old)} -> {_shown(change.new)}"
        for change in step.changes
    ]
    return [head, *(changes or ["  nothing changed"])]


def _shown(text: str | None) -> str:
    return "(none)" if text is None else orjson.dumps(text).decode()
