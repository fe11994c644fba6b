"""Which form set what: a case's history, why a value is what it is, two times compared.

All of it is told from the states that ``timeline.py`` folds again. Changes are named by
a field of the case, ``properties.NAME``, ``indices.NAME`` or ``attachments.NAME``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.cases.case import Case
from ledger.errors import NotFound
from ledger.store import Reader
from ledger.times import Micros, format_micros
from projections.cases.by_id import case_any
from projections.past.timeline import Touch, as_of, story_of, touches
from projections.rule.case_changes import (
    Change,
    HistoryStep,
    Value,
    Why,
    changes,
    value_of,
)
from projections.rule.case_row import to_case

__all__ = [
    "Change",
    "HistoryStep",
    "Why",
    "as_of",
    "changes",
    "diff",
    "history",
    "now",
    "why",
    "why_of",
]


def history(r: Reader, case_id: str) -> list[HistoryStep]:
    """Return what every entry did to a case, in the order of the log.

    Raises ``NotFound`` when nothing ever touched the case.
    """
    steps = [
        _step(touch, changes(touch.before, touch.after))
        for touch in touches(r, case_id)
    ]
    if not steps:
        raise NotFound(f"Case '{case_id}' not found")
    return steps


def why(r: Reader, case_id: str, name: str) -> Why:
    """Return which form set a value, which did before, and all that changed it.

    ``name`` is a field, ``properties.NAME``, ``indices.NAME`` or
    ``attachments.NAME``; any other is that of a property, and so is a field that the
    case never had. Reading at one moment is up to the caller. Raises ``NotFound`` when
    nothing ever set it.
    """
    return why_of(r, now(r, case_id), name)


def why_of(r: Reader, case: Case, name: str) -> Why:
    """Return what ``why`` does for a case that was read already."""
    story = story_of(r, case.case_id)
    touched = list(story.touches())
    forms = touched if story.is_plain else list(story.forms_in_force())
    for wanted in (name, f"properties.{name}"):
        entries = _latest_first(touched, wanted)
        setting = entries if forms is touched else _latest_first(forms, wanted)
        if entries or setting:
            return _why(wanted, value_of(case, wanted), setting, entries=entries)
    raise NotFound(f"Case '{case.case_id}' never had a property '{name}'")


def diff(r: Reader, case_id: str, *, start: Micros, end: Micros) -> tuple[Change, ...]:
    """Return what differs in a case between two times.

    A time before the case was there counts as a case without values. Raises
    ``NotFound`` when it was there at neither.
    """
    before: Case | None = None
    after: Case | None = None
    for touch in touches(r, case_id, until=max(start, end)):
        if touch.entry.appended_on <= start:
            before = touch.after
        if touch.entry.appended_on <= end:
            after = touch.after
    if before is None and after is None:
        latest = format_micros(max(start, end))
        raise NotFound(f"Case '{case_id}' did not exist at {latest}")
    return changes(before, after)


def now(r: Reader, case_id: str) -> Case:
    """Return a case as it is, deleted or not; raises ``NotFound``."""
    row = case_any(r, case_id)
    if row is None:
        raise NotFound(f"Case '{case_id}' not found")
    return to_case(row)


def _step(touch: Touch, found: tuple[Change, ...]) -> HistoryStep:
    entry, form = touch.entry, touch.form
    said = form.meta.user_id if form is not None else None
    return HistoryStep(
        form_id=entry.form_id or "",
        kind=entry.kind.value,
        position=entry.position,
        received_on=format_micros(entry.received_on),
        appended_on=format_micros(entry.appended_on),
        user_id=entry.user_id or said or "",
        xmlns=entry.xmlns,
        changes=found,
    )


def _latest_first(touched: Iterable[Touch], name: str) -> list[HistoryStep]:
    """Return what changed one value, and of each that change alone."""
    found: list[HistoryStep] = []
    for touch in touched:
        old, new = value_of(touch.before, name), value_of(touch.after, name)
        if old != new:
            found.append(_step(touch, (Change(name=name, old=old, new=new),)))
    return found[::-1]


def _why(
    name: str,
    value: Value,
    setting: Sequence[HistoryStep],
    *,
    entries: Sequence[HistoryStep],
) -> Why:
    return Why(
        name=name,
        value=value,
        set_by=setting[0] if setting else None,
        earlier=tuple(setting[1:]),
        entries=tuple(entries),
    )
