"""What a query string asks of HQ's lists of forms (``rules/hq-forms.md`` 2). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from api.wire.hq_form import KEYS
from api.wire.hq_query import HqQuery, Order
from api.wire.hq_search import SEARCH, searched_times
from api.wire.problems import at_fault
from ledger.forms.names import is_legal, printable
from projections.forms.values import ANYTIME, FormOrder, FormQuestion, Span
from projections.rule.leaves import LeafTest

CASES_FULL: Final = "cases__full"

_INDEXED: Final = ("indexed_on", "server_modified_on", "server_date_modified")
"""What a form is called to have when it got its state."""
_RECEIVED: Final = "received_on"
_SORTED_BY: Final = {
    _RECEIVED: FormOrder.RECEIVED,
    "indexed_on": FormOrder.INDEXED,
    "server_modified_on": FormOrder.INDEXED,
}
_BY_DEFAULT: Final = Order(_RECEIVED, descending=True)

_PATH: Final = "form."
_XMLNS: Final = ("xmlns", "xmlns.exact")
_WHOLE: Final = (*_XMLNS, "app_id", "build_id", "appVersion", "case_id", "user_id")
_BOUNDS: Final = tuple(
    f"{key}_{end}" for key in (_RECEIVED, *_INDEXED) for end in ("start", "end")
)
_OTHERS: Final = ("include_archived", "order_by", CASES_FULL, SEARCH)
_KNOWN: Final = frozenset((*_WHOLE, *_BOUNDS, *_OTHERS))


def question_of(query: HqQuery) -> FormQuestion:
    """Return which forms are asked for; raises a 400 for what is not known."""
    paths = [n for n, _ in query.pairs if n.startswith(_PATH) and n != _PATH]
    query.require_known(_KNOWN.union(paths))
    texts = dict(_texts(query, (*_WHOLE, *paths)))
    spaces = {texts[name] for name in _XMLNS if name in texts}
    order = (query.order(_SORTED_BY, known=KEYS) or [_BY_DEFAULT])[0]
    return FormQuestion(
        order=_SORTED_BY[order.field],
        descending=order.descending,
        received=_span(query, _RECEIVED),
        indexed=_indexed(query),
        xmlns=min(spaces, default=None),
        app_id=texts.get("app_id"),
        case_id=texts.get("case_id"),
        leaves=tuple(_leaves(texts)),
        include_archived=query.text("include_archived") is not None,
        # No form has two xmlns, and none knows a build.
        hopeless=len(spaces) > 1 or "build_id" in texts,
    )


def _texts(query: HqQuery, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        text = query.text(name)
        if text is not None:
            if not is_legal(name + text):
                shown = printable(name)
                raise at_fault(shown, f"'{shown}' has characters that no value has")
            yield name, text


def _leaves(texts: dict[str, str]) -> Iterator[LeafTest]:
    """Yield the conditions on what stands in the bytes of a form."""
    for name, text in texts.items():
        if name.startswith(_PATH):
            yield LeafTest(name, text)
    if "appVersion" in texts:
        yield LeafTest("metadata.appVersion", texts["appVersion"])
    if "user_id" in texts:
        yield LeafTest("metadata.userID", texts["user_id"], is_exact=True)


def _indexed(query: HqQuery) -> Span:
    """Return when a form must have got its state, by whichever name that is asked."""
    span = ANYTIME
    for key in _INDEXED:
        span = span.within(_span(query, key))
    wish = query.text(SEARCH)
    if wish is None:
        return span
    found = searched_times(wish)
    return span.within(Span(found.first, found.last))


def _span(query: HqQuery, key: str) -> Span:
    return Span(query.moment(f"{key}_start"), query.moment(f"{key}_end"))
