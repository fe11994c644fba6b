"""``caseledger case``: one case, now or in the past, and what made it so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import orjson

from api.cases.answers import decode_case
from api.cli.database import opened, the_domain
from api.cli.output import Output, echo_json
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
from projections.rule.case_row import seen, to_row

T = TypeVar("T")


def show(
    config: Config, *, case_id: str, domain: str | None, as_of: Micros | None
) -> None:
    with opened(config) as store:
        found = _case(store, the_domain(store, domain), case_id, as_of)
    echo_json(found)


def history(config: Config, *, case_id: str, domain: str | None, out: Output) -> None:
    found = _read(config, domain, lambda r: steps_of(r, case_id))
    document = {
        "case_id": case_id,
        "history": [step_to_wire(step, _no_link) for step in found],
    }
    out.document(document, _steps(found))


def why(
    config: Config, *, case_id: str, name: str, domain: str | None, out: Output
) -> None:
    found = _read(config, domain, lambda r: reason_of(r, case_id, own_name(name)))
    document = orjson.loads(why_response(case_id, found, link=_no_link))
    out.document(document, _reasons(found))


def diff(
    config: Config,
    *,
    case_id: str,
    domain: str | None,
    start: Micros,
    end: Micros | None,
    out: Output,
) -> None:
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
    wire = decode_case(seen(to_row(found)))
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
