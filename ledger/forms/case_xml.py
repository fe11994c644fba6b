"""Case blocks in XML: finding and reading them. Pure.

What a block says is read here, with the rules it can break by itself
(``rules/case-xml.md`` 4 to 6); what it does to a case is the fold's business.
``case_text.py`` writes blocks.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from functools import lru_cache
from typing import Final

from ledger.errors import Rejected
from ledger.forms.case_block import AttachmentUpdate, CaseBlock, IndexUpdate
from ledger.forms.form import CASE_NS, DEVICE_LOG_NS, LEDGER_NS
from ledger.forms.xml import (
    Element,
    children_of,
    local_name,
    namespace,
    own_text,
    texts_by_name,
)
from ledger.times import Instant, parse_instant

MAX_LENGTH: Final = 255
LIMITED: Final[Mapping[str, str]] = {
    "case_type": "type",
    "case_name": "name",
    "owner_id": "owner_id",
    "external_id": "external_id",
}
"""The names of rule 6.1, with the field that a problem calls them by."""
IGNORED_IN_UPDATE: Final = frozenset(
    {"case_id", "date_modified", "supply_point_location_id", "user_id"}
)
"""The names of rules 6.3 and 6.6."""

_CASE: Final = f"{{{CASE_NS}}}case"
_ANY_CASE: Final = "{*}case"
_ANY_CASE_ID: Final = "{*}case_id"
_IN_DEVICE_LOG: Final = f"{{{DEVICE_LOG_NS}}}*"
_BALANCE: Final = f"{{{LEDGER_NS}}}balance"
_TRANSFER: Final = f"{{{LEDGER_NS}}}transfer"
_LONGEST_CACHED_DATE: Final = 40

_CREATE_NAMES: Final = frozenset((*LIMITED, "date_opened", "user_id"))
RELATIONSHIPS: Final = frozenset(("child", "extension"))


def read_case_blocks(root: Element) -> tuple[CaseBlock, ...]:
    """Return the case blocks of a form in document order (rules 4 to 6).

    Raises ``Rejected`` for the first block that breaks a rule.
    """
    found = map(_read, case_elements(root))
    return tuple([block for block in found if block is not None])


def read_ledger_case_ids(root: Element) -> tuple[str, ...]:
    """Return the ids of the cases that ledger blocks name (``rules/case-xml.md`` 18).

    Each once, in document order. Raises ``Rejected`` for an id that is too long.
    """
    found = ledger_references(root)
    ids = dict.fromkeys(block.get(name) or "" for block, name in found)
    ids.pop("", None)
    for case_id in ids:
        check_case_id(case_id)
    return tuple(ids)


def ledger_references(root: Element) -> Iterator[tuple[Element, str]]:
    """Yield each ledger block with each attribute in which it may name a case."""
    for block in root.iter(_BALANCE, _TRANSFER):
        if next(block.iterancestors(_IN_DEVICE_LOG), None) is None:
            names = ("entity-id",) if block.tag == _BALANCE else ("src", "dest")
            yield from ((block, name) for name in names)


def case_elements(root: Element) -> Iterator[Element]:
    """Yield what may be case blocks: no device log, nothing inside a ``case``."""
    for element in root.iter(_ANY_CASE):
        parent = element.getparent()
        if parent is not None and not _is_covered(element, parent, root):
            yield element


def _is_covered(element: Element, parent: Element, root: Element) -> bool:
    if element.tag != _CASE and namespace(element) == DEVICE_LOG_NS:
        return True
    if parent is root:
        return False
    outer = next(element.iterancestors(_ANY_CASE, _IN_DEVICE_LOG), None)
    return outer is not None and outer is not root


def _read(element: Element) -> CaseBlock | None:
    """Return one block, or ``None`` for a question that happens to be called case."""
    attribute = element.get
    case_id = attribute("case_id")
    if case_id is None and not is_block(element):
        return None
    date_modified = read_date_modified(attribute("date_modified"))
    check_version(element)
    check_case_id(case_id)
    actions = actions_of(element)
    check_actions(actions)
    create, update = actions.get("create"), actions.get("update")
    index, attachment = actions.get("index"), actions.get("attachment")
    return CaseBlock(
        case_id or "",
        attribute("user_id") or None,
        date_modified,
        special_values(texts_by_name(create)) if create else None,
        texts_by_name(update) if update else None,
        _indices(index) if index else (),
        "close" in actions,
        _attachments(attachment) if attachment else (),
    )


def is_block(element: Element) -> bool:
    """Tell a case block from a question that happens to be called so (rule 4.2)."""
    return element.get("case_id") is not None or element.find(_ANY_CASE_ID) is not None


def actions_of(element: Element) -> dict[str, list[Element]]:
    """Return the children of each action; repeated actions are merged (rule D-6)."""
    actions: dict[str, list[Element]] = {}
    for action in children_of(element):
        name = local_name(action)
        if name in actions:
            actions[name] += children_of(action)
        else:
            actions[name] = children_of(action)
    return actions


def check_actions(names: Container[str]) -> None:
    """Raise ``Rejected`` for a block with a referral (rule 5.5)."""
    if "referral" in names:
        raise Rejected("UsesReferrals", "Sorry, referrals are no longer supported!")


def read_date_modified(text: str | None) -> Instant | None:
    """Return the time of a block, if it has one; raises ``Rejected`` (rule 9.3)."""
    if not text:
        return None
    try:
        if len(text) <= _LONGEST_CACHED_DATE:
            return _cached_instant(text)
        return parse_instant(text)
    except ValueError:
        raise Rejected("PhoneDateValueError", repr(text)) from None


# A form repeats one date in every block, and parsing it costs ten look-ups.
_cached_instant = lru_cache(maxsize=4096)(parse_instant)


def read_date_opened(text: str) -> Instant:
    """Return when a case was opened; raises ``Rejected`` (rule 9.4)."""
    try:
        return parse_instant(text)
    except ValueError:
        error = f"Unable to parse date string '{text}'"
        raise value_error("opened_on", error) from None


def check_version(element: Element) -> None:
    """Raise ``Rejected`` for a block that is not version 2 (rule 4.4)."""
    if element.tag == _CASE:
        return
    xmlns, parent = namespace(element), element.getparent()
    if not xmlns or (parent is not None and xmlns == namespace(parent)):
        raise Rejected("VersionNotSupported", "")
    text = f"{xmlns} not a valid case xmlns. We don't know how to handle this version."
    raise Rejected("CaseGenerationException", text)


def check_case_id(case_id: str | None) -> None:
    """Raise ``Rejected`` for an id that is missing, empty or too long (rule 4.5)."""
    if case_id is None:
        text = (
            "No case_id attribute found in v2 case block, this is a required property."
        )
        raise Rejected("CaseGenerationException", text)
    if not case_id:
        raise Rejected("IllegalCaseId", "case_id must not be empty")
    check_length("case_id", case_id)


def check_length(field: str, value: str) -> None:
    """Raise ``Rejected`` for a value of more than 255 characters (rule 12.2)."""
    if len(value) > MAX_LENGTH:
        raise value_error(field, f"Value exceeds allowed length: {MAX_LENGTH}")


def value_error(field: str, error: str) -> Rejected:
    """Return the ``CaseValueError`` of ``rules/case-xml.md`` 12."""
    text = f"Error processing case update: Field: {field}, Error: {error}"
    return Rejected("CaseValueError", text)


def special_values(values: dict[str, str]) -> dict[str, str]:
    """Return the special names of a ``create``; others there are ignored."""
    if values.keys() <= _CREATE_NAMES:
        return values
    return {name: values[name] for name in values if name in _CREATE_NAMES}


def _indices(elements: list[Element]) -> tuple[IndexUpdate, ...]:
    indices = tuple(map(read_index, elements))
    if len(indices) > 1:
        indices = tuple({index.name: index for index in indices}.values())
    return indices


def read_index(element: Element) -> IndexUpdate:
    """Return one index; a cleared one needs no ``case_type`` (rules D-5 and D-8).

    Raises ``Rejected``.
    """
    name, case_id = local_name(element), own_text(element)
    case_type = element.get("case_type")
    relationship = element.get("relationship") or "child"
    if len(name) > MAX_LENGTH:
        raise value_error("index", f"Name exceeds allowed length: {MAX_LENGTH}")
    if case_type is None and case_id:
        text = "Invalid index, must have a case type attribute."
        raise Rejected("CaseGenerationException", text)
    if relationship not in RELATIONSHIPS:
        raise value_error("relationship", relationship)
    return IndexUpdate(name, case_id, case_type or "", relationship)


def _attachments(elements: list[Element]) -> tuple[AttachmentUpdate, ...]:
    found = map(_attachment, elements)
    return tuple({attachment.name: attachment for attachment in found}.values())


def _attachment(element: Element) -> AttachmentUpdate:
    return AttachmentUpdate(
        name=local_name(element),
        src=element.get("src") or "",
        origin=element.get("from") or "",
    )
