"""Every rule that a form breaks by itself, each with its place. Pure.

The reader stops at the first (``rules/case-xml.md`` 4.6), since it needs no more;
whoever wants to mend a form needs all of them. The checks are the reader's own, asked
one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple, TypeVar

from ledger.errors import Rejected
from ledger.forms.case_xml import (
    LIMITED,
    actions_of,
    case_elements,
    check_actions,
    check_case_id,
    check_length,
    check_version,
    is_block,
    ledger_references,
    read_date_modified,
    read_date_opened,
    read_index,
)
from ledger.forms.form import CASE_API_XMLNS, DEVICE_LOG_NS
from ledger.forms.form_xml import id_element
from ledger.forms.xml import Element, children_of, local_name, namespace, own_text

T = TypeVar("T")

_LIMITED_IN_UPDATE: Final = {**LIMITED, "hq_user_id": LIMITED["external_id"]}
"""In an update that one becomes the external id too (rule 6.5)."""


class BrokenRule(NamedTuple):
    """A rule that is broken, and where; ``attribute`` is empty for an element."""

    element: Element
    attribute: str
    rejected: Rejected


def broken_rules(root: Element) -> Iterator[BrokenRule]:
    """Yield what refuses a form, whatever the cases of its domain are.

    The ``rejection`` of the form, if it has one, is among them.
    """
    named = id_element(root)
    if named is not None:
        yield from _tried(named, partial(check_length, "instanceID"), own_text(named))
    if namespace(root) == DEVICE_LOG_NS:
        return
    for block in filter(is_block, case_elements(root)):
        yield from _of_block(block, is_plain=namespace(root) == CASE_API_XMLNS)
    for block, name in ledger_references(root):
        if case_id := block.get(name):
            yield from _tried(block, check_case_id, case_id, attribute=name)


def _of_block(block: Element, *, is_plain: bool) -> Iterator[BrokenRule]:
    """Yield what is wrong with a block, in the order in which the reader looks.

    ``is_plain`` is one of the Case Data API's forms (rule 6.8).
    """
    modified, case_id = block.get("date_modified"), block.get("case_id")
    yield from _tried(block, read_date_modified, modified, attribute="date_modified")
    for problem in _tried(block, check_version, block):
        yield problem
        return
    yield from _tried(block, check_case_id, case_id, attribute="case_id")
    for action in children_of(block):
        yield from _tried(action, check_actions, (local_name(action),))
    actions = actions_of(block)
    for index in actions.get("index", ()):
        yield from _tried(index, read_index, index)
    limited = LIMITED if is_plain else _LIMITED_IN_UPDATE
    yield from _of_values(actions.get("create", ()), LIMITED)
    yield from _of_values(actions.get("update", ()), limited)


def _of_values(
    values: Iterable[Element], limited: Mapping[str, str]
) -> Iterator[BrokenRule]:
    """Yield the values of rules 6.1 and 6.2 that cannot be; of a name the last counts.

    ``limited`` are the names whose values must be short, with their fields.
    """
    for name, value in {local_name(value): value for value in values}.items():
        if name == "date_opened":
            yield from _tried(value, read_date_opened, own_text(value))
        elif name in limited:
            check = partial(check_length, limited[name])
            yield from _tried(value, check, own_text(value))


def _tried(
    place: Element, check: Callable[[T], object], given: T, *, attribute: str = ""
) -> Iterator[BrokenRule]:
    """Yield what a check says against something."""
    try:
        check(given)
    except Rejected as rejected:
        yield BrokenRule(place, attribute, rejected)
