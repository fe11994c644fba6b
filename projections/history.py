"""Time travel: which form set what, and a case as of any time.

A case is folded again from the forms of its history; nothing is kept beside the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.case import Case
from ledger.entry import Entry
from ledger.errors import NotFound
from ledger.form import Form
from ledger.store import Reader
from ledger.times import Micros, format_micros
from projections.cases import case_any
from projections.fold import apply_form, blocks_by_case
from projections.rows import to_case
from projections.steps import forms_at, stamp_of, steps_of
from projections.tables import CASES, case_tables

_FIELDS = (
    "case_type",
    "case_name",
    "external_id",
    "owner_id",
    "opened_on",
    "closed",
    "closed_on",
    "location_id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that a form changed; ``None`` where there was or is none.

    ``name`` is a field of the case, ``properties.NAME`` or ``indices.NAME``.
    """

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStep:
    """One form in a case's history and what it changed.

    ``user_id`` is who was authenticated, else who the form says filled it in.
    """

    form_id: str
    position: int
    received_on: str
    user_id: str
    xmlns: str
    changes: tuple[Change, ...]


def history(r: Reader, case_id: str) -> list[HistoryStep]:
    """Return the forms that made a case, in the order they are folded.

    Raises ``NotFound`` for a case that no form has touched.
    """
    steps = []
    for entry, form, before, after in _folded(r, case_id, until=None):
        steps.append(
            HistoryStep(
                form_id=entry.form_id or "",
                position=entry.position,
                received_on=format_micros(entry.received_on),
                user_id=entry.user_id or form.meta.user_id or "",
                xmlns=entry.xmlns,
                changes=tuple(_changes(before, after)),
            )
        )
    if not steps:
        raise NotFound(f"Case '{case_id}' not found")
    return steps


def as_of(r: Reader, case_id: str, when: Micros) -> Case:
    """Return a case as the log stood at a time.

    Raises ``NotFound`` when no form had touched the case by then.
    """
    states = [after for *_, after in _folded(r, case_id, until=when)]
    if not states:
        raise NotFound(f"Case '{case_id}' did not exist at {format_micros(when)}")
    return states[-1]


def now(r: Reader, case_id: str) -> Case:
    """Return a case as it is, deleted or not; raises ``NotFound``."""
    row = case_any(r, case_id)
    if row is None:
        raise NotFound(f"Case '{case_id}' not found")
    return to_case(row)


def _folded(
    r: Reader, case_id: str, *, until: Micros | None
) -> Iterable[tuple[Entry, Form, Case | None, Case]]:
    """Yield each form of a case with the state before and after it."""
    tables = case_tables(r.head.live[CASES])
    steps = steps_of(r.conn, tables, r.domain, case_id)
    forms = forms_at(r, [step.position for step in steps])
    case: Case | None = None
    for step in steps:
        entry, form = forms[step.position]
        blocks = blocks_by_case(form).get(case_id, [])
        early = until is None or entry.appended_on <= until
        if early and (blocks or case is not None):
            before = case
            case, _ = apply_form(before, blocks, form, stamp_of(entry))
            yield entry, form, before, case


def _changes(before: Case | None, after: Case) -> Iterable[Change]:
    for name in _FIELDS:
        old = None if before is None else _text(getattr(before, name))
        yield from _change(name, old, _text(getattr(after, name)))
    old_values = {} if before is None else _values(before)
    new_values = _values(after)
    for name in sorted({*old_values, *new_values}):
        yield from _change(name, old_values.get(name), new_values.get(name))


def _change(name: str, old: str | None, new: str | None) -> Iterable[Change]:
    if old != new:
        yield Change(name=name, old=old, new=new)


def _values(case: Case) -> Mapping[str, str]:
    values = {f"properties.{name}": text for name, text in case.properties.items()}
    values.update(
        (f"indices.{name}", index.case_id) for name, index in case.live_indices.items()
    )
    return values


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
