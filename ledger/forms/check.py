"""Why a document is refused, or would be, with the places. Pure.

A finding refuses the form when a rule does (``broken_rules.py``), in the words of the
problem that the ledger would keep. What a schema or a habit speaks against, and the
ledger takes all the same, is a warning: it is ignored, as ``rules/case-xml.md`` says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final

from ledger.errors import Malformed
from ledger.forms.broken_rules import broken_rules
from ledger.forms.case_xml import (
    IGNORED_IN_UPDATE,
    actions_of,
    case_elements,
    is_block,
)
from ledger.forms.form import CASE_API_XMLNS, CASE_NS, Form
from ledger.forms.form_xml import id_element, meta_of, parse_form
from ledger.forms.places import NOWHERE, Place, place_of
from ledger.forms.schemas import (
    Violation,
    case_violations,
    meta_violations,
    response_violations,
)
from ledger.forms.xml import (
    Element,
    local_name,
    own_text,
    parse_xml,
)

MOST: Final = 100
"""Findings of a kind that are told of one document."""

_CASE: Final = f"{{{CASE_NS}}}case"
_NAMESPACE: Final = f"a case block must stand in the namespace {CASE_NS}"
_WHY: Final = {
    "VersionNotSupported:": _NAMESPACE,
    "not a valid case xmlns": _NAMESPACE,
    "PhoneDateValueError:": "date_modified is no time such as 2026-05-01T12:00:00Z",
    "Form is a duplicate": "the same bytes are there already: it changes nothing",
    "AttachmentNotFound:": "no file of this name would come with the form",
}
"""What a problem means, where its own text does not say so."""


class Weight(StrEnum):
    """What a finding does to the document."""

    REFUSED = "refused"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at a place."""

    weight: Weight
    place: Place
    text: str

    @property
    def told(self) -> str:
        """Return the text, with what it means where it does not say so itself."""
        means = [f"({why})" for words, why in _WHY.items() if words in self.text]
        return " ".join([self.text.strip(), *means])


@dataclass(frozen=True, slots=True)
class Checked:
    """A form that was looked at by itself.

    Without a ``form`` its bytes are none, and ``problem`` says why; without a ``root``
    they are not even XML.
    """

    findings: tuple[Finding, ...]
    root: Element | None = None
    form: Form | None = None
    problem: str | None = None


def check_form(body: bytes) -> Checked:
    """Return a form with what refuses it by itself, and what it says in vain."""
    try:
        root = parse_xml(body)
    except Malformed as error:
        found = refusal(Place(line=error.line), str(error))
        return Checked((found,), problem=str(error))
    try:
        form = parse_form(body)
    except Malformed as error:
        found = refusal(place_of(root), str(error))
        return Checked((found,), root, problem=str(error))
    return Checked(_findings(root, form), root, form)


def check_response(body: bytes) -> tuple[Finding, ...]:
    """Return what is wrong with a document that answers a device."""
    try:
        root = parse_xml(body)
    except Malformed as error:
        return (refusal(Place(line=error.line), str(error)),)
    return _told(
        [
            refusal(place_of(element, attribute), reason)
            for element, attribute, reason in islice(
                response_violations(root), MOST + 1
            )
        ]
    )


def refusal(place: Place, text: str) -> Finding:
    """Return a finding for which the document is refused."""
    return Finding(Weight.REFUSED, place, text)


def warning(place: Place, text: str) -> Finding:
    """Return a finding with which the document is taken all the same."""
    return Finding(Weight.WARNING, place, text)


# -- where a verdict points at -----------------------------------------------


def where_id(root: Element) -> Place:
    """Return where a form says its id, or would."""
    named = id_element(root)
    return place_of(root if named is None else named)


def where_case(root: Element, case_id: str) -> Place:
    """Return where a form first names a case."""
    found = next(_blocks_of(root, case_id), root)
    return place_of(found, "" if found is root else "case_id")


def where_index(root: Element, case_id: str, target: str) -> Place:
    """Return where a block of a case points at another."""
    for block in _blocks_of(root, case_id):
        for index in actions_of(block).get("index", ()):
            if own_text(index) == target:
                return place_of(index)
    return where_case(root, case_id)


def where_attachment(root: Element, src: str) -> Place:
    """Return where a block names a file that comes with the form."""
    for block in case_elements(root):
        for attachment in actions_of(block).get("attachment", ()):
            if attachment.get("src") == src:
                return place_of(attachment, "src")
    return place_of(root)


def _blocks_of(root: Element, case_id: str) -> Iterator[Element]:
    return (b for b in case_elements(root) if b.get("case_id") == case_id)


# -- findings ----------------------------------------------------------------


def _findings(root: Element, form: Form) -> tuple[Finding, ...]:
    broken = list(islice(broken_rules(root), MOST + 1))
    found = [
        refusal(place_of(element, attribute), rejected.problem)
        for element, attribute, rejected in broken
    ]
    # A place that is refused but not told must not look as if it was ignored.
    if len(broken) <= MOST:
        refused = {(rule.element, rule.attribute) for rule in broken}
        idle = (v for v in _in_vain(root, form) if v[:2] not in refused)
        for element, attribute, reason in dict.fromkeys(islice(idle, MOST + 1)):
            found.append(warning(place_of(element, attribute), reason))
    return _told(found)


def _told(found: list[Finding]) -> tuple[Finding, ...]:
    """Return as many findings of each weight as are told, by line."""
    told: list[Finding] = []
    for weight in Weight:
        alike = [finding for finding in found if finding.weight is weight]
        told += alike[:MOST]
        if len(alike) > MOST:
            told.append(Finding(weight, NOWHERE, f"and more than these {MOST}"))
    return tuple(sorted(told, key=lambda f: f.place.line or sys.maxsize))


def _in_vain(root: Element, form: Form) -> Iterator[Violation]:
    """Yield what the ledger takes, and what nobody is likely to mean."""
    yield from _of_root(root, form)
    if form.is_device_log:
        return
    for case in case_elements(root):
        if case.tag == _CASE and is_block(case):
            yield from map(_ignored, case_violations(case))
            yield from _of_values(case, is_plain=form.xmlns == CASE_API_XMLNS)
        elif case.tag == _CASE:
            text = "a case without a case_id is taken for a question and ignored"
            yield Violation(case, "", text)


def _of_root(root: Element, form: Form) -> Iterator[Violation]:
    meta, named = meta_of(root), id_element(root)
    if root.tag == _CASE:
        text = "the root of a form is no case block: what it says of a case is ignored"
        yield Violation(root, "", text)
    if not form.is_device_log and (named is None or not own_text(named).strip()):
        place = next(e for e in (named, meta, root) if e is not None)
        text = "without an instanceID the form gets another id each time it comes"
        yield Violation(place, "", text)
    if meta is not None:
        yield from map(_ignored, meta_violations(meta))


def _ignored(violation: Violation) -> Violation:
    return violation._replace(reason=f"{violation.reason}; it is ignored")


def _of_values(block: Element, *, is_plain: bool) -> Iterator[Violation]:
    """Yield the names and children that a block says in vain (rules 6.3, 6.6, D-7)."""
    actions = actions_of(block)
    for value in actions.get("update", ()):
        name = local_name(value)
        if name in IGNORED_IN_UPDATE and not is_plain:
            yield Violation(value, "", f"'{name}' means nothing here; it is ignored")
    for value in (*actions.get("create", ()), *actions.get("update", ())):
        if len(value):
            text = "a value is the text in front of its children; they are ignored"
            yield Violation(value, "", text)
