"""Histories on the wire: what query strings ask for, and answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from api.wire.case_changes import changes_to_wire, own_name, wire_name
from api.wire.parameters import parameters, parse_moment
from api.wire.problems import invalid_value, parameter_needed
from ledger.forms.names import printable
from ledger.times import Micros, format_micros
from projections.rule.case_changes import Change, HistoryStep, Why

DEFAULT_LIMIT = 100
MOST_LIMIT = 1000

_NUMBER = re.compile(r"[0-9]{1,18}")
FormLink = Callable[[str], str]
"""Makes the address of a form of its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Which part of a history: at most ``limit`` entries behind a position."""

    limit: int
    after: int


def parse_history(query: str) -> HistoryPage:
    """Return which part of a history is asked for; raises a 400 ``Problem``."""
    given = parameters(query, ("limit", "cursor"))
    limit = _number(given, "limit", default=DEFAULT_LIMIT)
    if not 1 <= limit <= MOST_LIMIT:
        raise invalid_value("limit", given["limit"])
    return HistoryPage(limit=limit, after=_number(given, "cursor", default=0))


def parse_why(query: str) -> str:
    """Return the value that is asked for, by the name that changes have.

    Raises a 400 ``Problem``.
    """
    name = parameters(query, ("property",)).get("property", "")
    if not name:
        raise parameter_needed("property")
    return own_name(name)


def parse_diff(query: str, *, now: Micros) -> tuple[Micros, Micros]:
    """Return the two times that are asked for; raises a 400 ``Problem``."""
    given = parameters(query, ("from", "to"))
    if "from" not in given:
        raise parameter_needed("from")
    start = parse_moment("from", given["from"])
    return start, parse_moment("to", given["to"]) if "to" in given else now


def history_response(
    case_id: str,
    steps: Sequence[HistoryStep],
    *,
    page: HistoryPage,
    link: FormLink,
    own_address: str,
) -> bytes:
    """Return a page of a history; the last one has no ``next``."""
    rest = [step for step in steps if step.position > page.after]
    shown = rest[: page.limit]
    body: dict[str, Any] = {
        "case_id": case_id,
        "matching_records": len(steps),
        "history": [step_to_wire(step, link) for step in shown],
    }
    if len(rest) > len(shown):
        place = f"cursor={shown[-1].position}&limit={page.limit}"
        body["next"] = f"{own_address}?{place}"
    return orjson.dumps(body)


def why_response(case_id: str, found: Why, *, link: FormLink) -> bytes:
    """Return which form set a value, and what else changed it."""
    return orjson.dumps(
        {
            "case_id": case_id,
            "property": wire_name(found.name),
            "value": found.value,
            "set_by": _setter(found.set_by, link) if found.set_by else None,
            "earlier": [_setter(step, link) for step in found.earlier],
            "entries": [_setter(step, link) for step in found.entries],
        }
    )


def diff_response(
    case_id: str, found: Iterable[Change], *, start: Micros, end: Micros
) -> bytes:
    """Return what differs between two times."""
    return orjson.dumps(
        {
            "case_id": case_id,
            "from": format_micros(start),
            "to": format_micros(end),
            "changes": changes_to_wire(found),
        }
    )


def step_to_wire(step: HistoryStep, link: FormLink) -> dict[str, Any]:
    """Return an entry of a history with all that it changed."""
    return {**_head(step, link), "changes": changes_to_wire(step.changes)}


def _setter(step: HistoryStep, link: FormLink) -> dict[str, Any]:
    """Return an entry with the one change of it that was asked for."""
    [change] = step.changes
    return {**_head(step, link), "from": change.old, "to": change.new}


def _head(step: HistoryStep, link: FormLink) -> dict[str, Any]:
    return {
        "position": step.position,
        "kind": step.kind,
        "received_on": step.received_on,
        "appended_on": step.appended_on,
        "user_id": step.user_id,
        "form_id": step.form_id or None,
        "xmlns": step.xmlns,
        "form": link(step.form_id) if step.form_id else None,
    }


def _number(given: Mapping[str, str], name: str, *, default: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if _NUMBER.fullmatch(text) is None:
        raise invalid_value(name, printable(text))
    return int(text)
