"""``caseledger case``: one case, now or in the past, and what made it so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import click
import orjson

from api.cases.answers import decode_case
from api.cli import case_erase, case_state
from api.cli.case_list import list_all
from api.cli.database import opened, the_domain
from api.cli.options import Moment, domain_option
from api.cli.output import AS_IT_IS, OUTPUT, Output, echo_json
from api.config import Config
from api.history.wire import diff_response, step_to_wire, why_response
from api.wire.case_changes import own_name, wire_name
from ledger.clock import now_micros
from ledger.store import Reader, Store
from ledger.times import Micros
from projections.past.history import as_of, now
from projections.past.history import diff as changes_between
from projections.past.history import history as steps_of
from projections.past.history import why as reason_of
from projections.rule.case_changes import Change, HistoryStep, Value, Why
from projections.rule.case_row import to_row

T = TypeVar("T")


_DOMAIN = domain_option("The case's domain")


@click.group()
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
@click.pass_obj
def show(
    config: Config, *, case_id: str, domain: str | None, as_of: Micros | None
) -> None:
    """Print the case as JSON, in the shape of the case API."""
    with opened(config) as store:
        found = _case(store, the_domain(store, domain), case_id, as_of)
    echo_json(found)


@case.command()
@click.argument("case_id")
@_DOMAIN
@OUTPUT
@click.pass_obj
def history(config: Config, *, case_id: str, domain: str | None, out: Output) -> None:
    """Print what every entry of the log did to the case, the oldest first."""
    found = _read(config, domain, lambda r: steps_of(r, case_id))
    document = {
        "case_id": case_id,
        "history": [step_to_wire(step, _no_link) for step in found],
    }
    out.document(document, _steps(found))


@case.command()
@click.argument("case_id")
@click.argument("name", metavar="PROPERTY")
@_DOMAIN
@OUTPUT
@click.pass_obj
def why(
    config: Config, *, case_id: str, name: str, domain: str | None, out: Output
) -> None:
    """Print which form set a value of the case, and what else changed it.

    PROPERTY is a key of the case such as owner_id, the name of a property,
    properties.NAME, indices.NAME or attachments.NAME.
    """
    found = _read(config, domain, lambda r: reason_of(r, case_id, own_name(name)))
    document = orjson.loads(why_response(case_id, found, link=_no_link))
    out.document(document, _reasons(found))


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
@click.pass_obj
def diff(
    config: Config,
    *,
    case_id: str,
    domain: str | None,
    start: Micros,
    end: Micros | None,
    out: Output,
) -> None:
    """Print what differs in the case between two times."""
    until = now_micros() if end is None else end
    found = _read(
        config, domain, lambda r: changes_between(r, case_id, start=start, end=until)
    )
    body = diff_response(case_id, found, start=start, end=until)
    out.document(orjson.loads(body), _lines(found))


def _read(config: Config, domain: str | None, fn: Callable[[Reader], T]) -> T:
    with opened(config) as store, store.snapshot(the_domain(store, domain)) as reader:
        return fn(reader)


def _case(
    store: Store, domain: str, case_id: str, when: Micros | None
) -> dict[str, object]:
    with store.snapshot(domain) as reader:
        found = now(reader, case_id) if when is None else as_of(reader, case_id, when)
    wire = decode_case(to_row(found))
    # A case that is gone for the API is still the operator's to see, but said to be.
    return wire if found.deleted_on is None else {**wire, "deleted": found.deleted_on}


def _no_link(_form_id: str) -> str:
    """Link to no form: a command has no address."""
    return ""


def _steps(found: Iterable[HistoryStep]) -> Iterator[str]:
    for step in found:
        yield _head(step)
        yield from (f"  {line}" for line in _lines(step.changes))


def _head(step: HistoryStep) -> str:
    form = f" form {step.form_id}" if step.form_id else ""
    return (
        f"{step.appended_on} {step.kind}{form} position {step.position} "
        f"user {step.user_id or '-'} received {step.received_on} {step.xmlns}"
    ).rstrip()


def _reasons(found: Why) -> Iterator[str]:
    yield f"{wire_name(found.name)}: {_shown(found.value)}"
    if found.set_by is None:
        yield "set by no form in force"
    else:
        yield from _titled("set by", [found.set_by])
    yield from _titled("before it", found.earlier)
    yield from _titled("in the log, the latest first", found.entries)


def _titled(title: str, steps: Iterable[HistoryStep]) -> Iterator[str]:
    """Yield steps under a title, if there are any."""
    lines = [
        line
        for step in steps
        for line in (f"  {_head(step)}", *(f"    {c}" for c in _lines(step.changes)))
    ]
    if lines:
        yield f"{title}:"
    yield from lines


def _lines(changes: Iterable[Change]) -> list[str]:
    """Return a line for each change."""
    told = [
        f"{wire_name(change.name)}: {_shown(change.old)} -> {_shown(change.new)}"
        for change in changes
    ]
    return told or ["nothing changed"]


def _shown(value: Value) -> str:
    return "(none)" if value is None else orjson.dumps(value).decode()
